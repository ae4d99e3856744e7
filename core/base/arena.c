/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A list of blocks; the newest one is filled from its start. Blocks grow with what the arena has given out.
 * What would take more than a quarter of a block gets one of its own, put behind the newest, so that the
 * newest one's room is not lost.
 *
 * Blocks of whole huge pages are mapped and marked as such.
 */

#include "core/base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/huge.h"

#define ALIGNMENT 8u
#define BLOCK_MIN (64u << 10)
#define BLOCK_MAX (8u << 20)

struct ckpt_arena_block {
        struct ckpt_arena_block *next;
        uint64_t size, used;
        _Alignas(ALIGNMENT) unsigned char memory[];
};

/* Zeroed; `whole` is the block with its head. */
static struct ckpt_arena_block *block_map(uint64_t whole)
{
        void *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                return NULL;
        ckpt_huge_advise(memory, whole);
        return memory;
}

static struct ckpt_arena_block *block_new(uint64_t size)
{
        struct ckpt_arena_block *block;
        uint64_t whole;

        if (__builtin_add_overflow(size, sizeof(*block) + CKPT_HUGE_PAGE, &whole) || whole > SIZE_MAX)
                return NULL;
        whole -= CKPT_HUGE_PAGE;
        if (whole >= CKPT_HUGE_PAGE)
                whole = (whole + CKPT_HUGE_PAGE - 1) / CKPT_HUGE_PAGE * CKPT_HUGE_PAGE;
        block = whole >= CKPT_HUGE_PAGE ? block_map(whole) : calloc(1, (size_t)whole);
        if (block)
                block->size = whole - sizeof(*block);
        return block;
}

static void block_free(struct ckpt_arena_block *block)
{
        const uint64_t whole = sizeof(*block) + block->size;

        if (whole >= CKPT_HUGE_PAGE)
                munmap(block, whole);
        else
                free(block);
}

void ckpt_arena_deinit(ckpt_arena *arena)
{
        struct ckpt_arena_block *block = arena->blocks;

        while (block) {
                struct ckpt_arena_block *next = block->next;

                block_free(block);
                block = next;
        }
        *arena = (ckpt_arena)CKPT_ARENA_INIT;
}

/* As much again as there is, within bounds. */
static uint64_t next_size(const ckpt_arena *arena)
{
        const uint64_t size = arena->total < BLOCK_MIN ? BLOCK_MIN : arena->total;

        return (size < BLOCK_MAX ? size : BLOCK_MAX) - sizeof(struct ckpt_arena_block);
}

/* A block that has room for `size` bytes; NULL when memory is short. */
static struct ckpt_arena_block *add_block(ckpt_arena *arena, uint64_t size)
{
        const uint64_t next = next_size(arena);
        const bool large = size > next / 4;
        struct ckpt_arena_block *block;

        block = block_new(large ? size : next);
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
        block = arena->blocks;
        if (!block || block->size - block->used < rounded)
                block = add_block(arena, rounded);
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

char *ckpt_arena_join(ckpt_arena *arena, const char *head, uint64_t length, const char *tail)
{
        const uint64_t tail_length = strlen(tail);
        char *joined;

        if (length == 0)
                return ckpt_arena_strndup(arena, tail, tail_length);
        joined = ckpt_arena_alloc(arena, length + 1 + tail_length + 1);
        if (!joined)
                return NULL;
        memcpy(joined, head, (size_t)length);
        joined[length] = '.';
        memcpy(joined + length + 1, tail, (size_t)tail_length);
        return joined;
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
