/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Open addressing with linear probing, at most two thirds full. Names come from checkpoints, so the hash is
 * seeded with the table's own address: who writes a file cannot choose names that collide.
 */

#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 64u

struct ckpt_map_slot {
        const char *key; /* NULL: free */
        uint64_t hash;
        uint64_t value;
};

void ckpt_map_deinit(ckpt_map *map)
{
        free(map->slots);
        *map = (ckpt_map)CKPT_MAP_INIT;
}

static uint64_t hash_of(const struct ckpt_map_slot *slots, const char *key)
{
        return XXH3_64bits_withSeed(key, strlen(key), (uint64_t)(uintptr_t)slots);
}

/* The slot of a key, or the free one where it would be put. There is always a free one. */
static struct ckpt_map_slot *slot_of(struct ckpt_map_slot *slots, uint64_t capacity, const char *key,
                                     uint64_t hash)
{
        uint64_t at = hash & (capacity - 1);

        while (slots[at].key && (slots[at].hash != hash || strcmp(slots[at].key, key) != 0))
                at = (at + 1) & (capacity - 1);
        return &slots[at];
}

static ckpt_status grow(ckpt_map *map)
{
        const uint64_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
        struct ckpt_map_slot *slots = calloc(capacity, sizeof(*slots));

        if (!slots)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < map->capacity; i++) {
                const struct ckpt_map_slot *old = &map->slots[i];

                if (old->key) {
                        const uint64_t hash = hash_of(slots, old->key);

                        *slot_of(slots, capacity, old->key, hash) =
                                (struct ckpt_map_slot){old->key, hash, old->value};
                }
        }
        free(map->slots);
        map->slots = slots;
        map->capacity = capacity;
        return CKPT_OK;
}

static ckpt_status put(ckpt_map *map, const char *key, uint64_t value, bool replace)
{
        struct ckpt_map_slot *slot;
        uint64_t hash;

        if (map->count >= map->capacity / 3 * 2 && grow(map) != CKPT_OK)
                return CKPT_E_NOMEM;
        hash = hash_of(map->slots, key);
        slot = slot_of(map->slots, map->capacity, key, hash);
        if (slot->key) {
                if (!replace)
                        return CKPT_ABSENT;
                slot->value = value;
                return CKPT_OK;
        }
        *slot = (struct ckpt_map_slot){key, hash, value};
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
        slot = slot_of(map->slots, map->capacity, key, hash_of(map->slots, key));
        if (!slot->key)
                return false;
        *ret_value = slot->value;
        return true;
}
