/* SPDX-License-Identifier: Apache-2.0 */
/* What a parser's results lie in: a list of chunks, and arrays that grow. */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

enum {
        CHUNK_MIN = 4096,
        CHUNK_MAX = 256 * 1024,
        ALIGNMENT = 8
};

struct hf_arena_chunk {
        struct hf_arena_chunk *next;
        uint64_t bytes[];
};

static int add_chunk(struct hf_arena *arena, size_t size)
{
        struct hf_arena_chunk *chunk;
        size_t want = arena->size * 2;

        /* Doubling up to a ceiling: a tiny header costs one page, a huge one wastes at most one chunk. */
        if (want < CHUNK_MIN)
                want = CHUNK_MIN;
        if (want > CHUNK_MAX)
                want = CHUNK_MAX;
        if (want < size)
                want = size;
        if (want > SIZE_MAX - sizeof *chunk)
                return -1;

        chunk = malloc(sizeof *chunk + want);
        if (!chunk)
                return -1;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
        arena->size = want;
        return 0;
}

void *hf_arena_alloc(struct hf_arena *arena, size_t size)
{
        void *piece;

        if (size > SIZE_MAX - ALIGNMENT)
                return NULL;
        size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if ((!arena->chunks || size > arena->size - arena->used) && add_chunk(arena, size) < 0)
                return NULL;

        piece = (unsigned char *)arena->chunks->bytes + arena->used;
        arena->used += size;
        return piece;
}

void hf_arena_deinit(struct hf_arena *arena)
{
        while (arena->chunks) {
                struct hf_arena_chunk *next = arena->chunks->next;

                free(arena->chunks);
                arena->chunks = next;
        }
        arena->used = arena->size = 0;
}

int hf_array_grow(void **array, size_t count, size_t *size, size_t record)
{
        size_t wanted = *size ? *size * 2 : 64;
        void *grown;

        if (count < *size)
                return 0;
        if (wanted > SIZE_MAX / record)
                return -1;
        grown = realloc(*array, wanted * record);
        if (!grown)
                return -1;
        *array = grown;
        *size = wanted;
        return 0;
}
