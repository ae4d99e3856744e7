/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_ARENA_H
#define CKPT_BASE_ARENA_H

/*
 * Memory that is given out piece by piece and freed at once. Everything that a load describes lives in
 * one, so that a plugin author never frees anything. Not thread-safe.
 */

#include <stdarg.h>

#include <ckpt/abi.h>

typedef struct ckpt_arena {
        struct ckpt_arena_block *blocks;
        uint64_t total; /* bytes given out */
} ckpt_arena;

#define CKPT_ARENA_INIT \
        {               \
                NULL, 0 \
        }

void ckpt_arena_deinit(ckpt_arena *arena);
/** Zeroed, 8-byte aligned; NULL when memory is short. size 0 gives a valid pointer. */
void *ckpt_arena_alloc(ckpt_arena *arena, uint64_t size);
/** count * size, checked for overflow. */
void *ckpt_arena_calloc(ckpt_arena *arena, uint64_t count, uint64_t size);
/** A copy; NULL for NULL. */
char *ckpt_arena_strdup(ckpt_arena *arena, const char *string);
char *ckpt_arena_strndup(ckpt_arena *arena, const char *string, uint64_t length);
/** A dotted name: `length` bytes of the head, a dot, the tail; of an empty head the tail alone. */
char *ckpt_arena_join(ckpt_arena *arena, const char *head, uint64_t length, const char *tail);
char *ckpt_arena_printf(ckpt_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *ckpt_arena_vprintf(ckpt_arena *arena, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

#endif
