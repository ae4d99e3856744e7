/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Open addressing with linear probing, at most two thirds full. Names come from checkpoints, so the hash is
 * seeded with the first table's address: who writes a file cannot choose names that collide.
 */

#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 64u

struct ckpt_map_slot {
        const char *key; /* NULL: free */
        uint32_t hash, value;
};

void ckpt_map_deinit(ckpt_map *map)
{
        free(map->slots);
        *map = (ckpt_map)CKPT_MAP_INIT;
}

static uint32_t hash_of(const ckpt_map *map, const char *key)
{
        return (uint32_t)XXH3_64bits_withSeed(key, strlen(key), map->seed);
}

/* The slot of a key, or the free one where it would be put. There is always a free one. */
static struct ckpt_map_slot *slot_of(const ckpt_map *map, const char *key, uint32_t hash)
{
        uint64_t at = hash & (map->capacity - 1);

        while (map->slots[at].key && (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0))
                at = (at + 1) & (map->capacity - 1);
        return &map->slots[at];
}

static ckpt_status grow(ckpt_map *map)
{
        const uint64_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
        struct ckpt_map_slot *slots = calloc(capacity, sizeof(*slots));

        if (!slots)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < map->capacity; i++) {
                uint64_t at = map->slots[i].hash & (capacity - 1);

                if (!map->slots[i].key)
                        continue;
                while (slots[at].key)
                        at = (at + 1) & (capacity - 1);
                slots[at] = map->slots[i];
        }
        if (!map->slots)
                map->seed = (uint64_t)(uintptr_t)slots;
        free(map->slots);
        map->slots = slots;
        map->capacity = capacity;
        return CKPT_OK;
}

static ckpt_status put(ckpt_map *map, const char *key, uint64_t value, bool replace)
{
        struct ckpt_map_slot *slot;
        uint32_t hash;

        /* Slots are small; no array comes near. */
        if (value > UINT32_MAX || (map->count >= map->capacity / 3 * 2 && grow(map) != CKPT_OK))
                return CKPT_E_NOMEM;
        hash = hash_of(map, key);
        slot = slot_of(map, key, hash);
        if (slot->key) {
                if (!replace)
                        return CKPT_ABSENT;
                slot->value = (uint32_t)value;
                return CKPT_OK;
        }
        *slot = (struct ckpt_map_slot){key, hash, (uint32_t)value};
        map->count++;
        return CKPT_OK;
}

ckpt_status ckpt_map_add(ckpt_map *map, const char *key, uint64_t value)
{
        return put(map, key, value, false);
}

ckpt_status ckpt_map_set(ckpt_map *map, const char *key, uint64_t value)
{
        return put(map, key, value, true);
}

bool ckpt_map_find(const ckpt_map *map, const char *key, uint64_t *ret_value)
{
        const struct ckpt_map_slot *slot;

        if (map->count == 0)
                return false;
        slot = slot_of(map, key, hash_of(map, key));
        if (!slot->key)
                return false;
        *ret_value = slot->value;
        return true;
}
