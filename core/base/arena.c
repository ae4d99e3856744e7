/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A list of blocks; the newest small block is filled from its start. What is larger than a block gets a
 * block of its own, put behind the newest, so that the newest one's room is not lost.
 */

#include "core/base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT  16u
#define BLOCK_SIZE (64u * 1024u)

struct ckpt_arena_block {
        struct ckpt_arena_block *next;
        uint64_t size, used;
        _Alignas(ALIGNMENT) unsigned char memory[];
};

void ckpt_arena_deinit(ckpt_arena *arena)
{
        struct ckpt_arena_block *block = arena->blocks;

        while (block) {
                struct ckpt_arena_block *next = block->next;

                free(block);
                block = next;
        }
        *arena = (ckpt_arena)CKPT_ARENA_INIT;
}

static struct ckpt_arena_block *block_new(uint64_t size)
{
        struct ckpt_arena_block *block;
        uint64_t whole;

        if (__builtin_add_overflow(size, sizeof(*block), &whole) || whole > SIZE_MAX)
                return NULL;
        block = calloc(1, (size_t)whole);
        if (block)
                block->size = size;
        return block;
}

/* The block that `size` bytes will come from; NULL when memory is short. */
static struct ckpt_arena_block *block_for(ckpt_arena *arena, uint64_t size)
{
        const bool large = size > BLOCK_SIZE / 4;
        struct ckpt_arena_block *block = arena->blocks;

        if (block && block->size - block->used >= size)
                return block;
        block = block_new(large ? size : BLOCK_SIZE);
        if (!block)
                return NULL;
        if (large && arena->blocks) {
                block->next = arena->blocks->next;
                arena->blocks->next = block;
        } else {
                block->next = arena->blocks;
                arena->blocks = block;
        }
        return block;
}

void *ckpt_arena_alloc(ckpt_arena *arena, uint64_t size)
{
        struct ckpt_arena_block *block;
        uint64_t rounded;
        void *memory;

        if (__builtin_add_overflow(size ? size : 1, ALIGNMENT - 1, &rounded))
                return NULL;
        rounded &= ~(uint64_t)(ALIGNMENT - 1);
        block = block_for(arena, rounded);
        if (!block)
                return NULL;
        memory = block->memory + block->used;
        block->used += rounded;
        arena->total += size;
        return memory;
}

void *ckpt_arena_calloc(ckpt_arena *arena, uint64_t count, uint64_t size)
{
        uint64_t whole;

        return __builtin_mul_overflow(count, size, &whole) ? NULL : ckpt_arena_alloc(arena, whole);
}

char *ckpt_arena_strdup(ckpt_arena *arena, const char *string)
{
        return string ? ckpt_arena_strndup(arena, string, strlen(string)) : NULL;
}

char *ckpt_arena_strndup(ckpt_arena *arena, const char *string, uint64_t length)
{
        char *copy;

        if (!string || length == UINT64_MAX)
                return NULL;
        copy = ckpt_arena_alloc(arena, length + 1);
        if (copy)
                memcpy(copy, string, (size_t)length);
        return copy;
}

char *ckpt_arena_vprintf(ckpt_arena *arena, const char *format, va_list arguments)
{
        va_list again;
        char *string = NULL;
        int length;

        va_copy(again, arguments);
        length = vsnprintf(NULL, 0, format, arguments);
        if (length >= 0)
                string = ckpt_arena_alloc(arena, (uint64_t)length + 1);
        if (string)
                vsnprintf(string, (size_t)length + 1, format, again);
        va_end(again);
        return string;
}

char *ckpt_arena_printf(ckpt_arena *arena, const char *format, ...)
{
        va_list arguments;
        char *string;

        va_start(arguments, format);
        string = ckpt_arena_vprintf(arena, format, arguments);
        va_end(arguments);
        return string;
}
