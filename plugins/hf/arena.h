/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bump allocator for what a parser makes: many small pieces with one end of life. Memory comes in
 * chunks, so pieces never move, and what is held stays in proportion to what was asked for.
 */
#ifndef HF_ARENA_H
#define HF_ARENA_H

#include <stddef.h>

struct hf_arena {
        struct hf_arena_chunk *chunks; /* newest first */
        size_t used, size;             /* of the newest chunk's bytes */
};

#define HF_ARENA_INIT      \
        {                  \
                NULL, 0, 0 \
        }

/*
 * `size` bytes aligned for a uint64_t, uninitialised; NULL when memory is out. Size 0 gives a valid
 * pointer.
 */
void *hf_arena_alloc(struct hf_arena *arena, size_t size);

/* Frees every piece; the arena can be used again. */
void hf_arena_deinit(struct hf_arena *arena);

/*
 * Room for one more record in an array of malloc, which doubles, so that it stays in proportion to what is
 * read. 0, or -1 when memory is out, and then the array is as it was.
 */
int hf_array_grow(void **array, size_t count, size_t *size, size_t record);

#endif
