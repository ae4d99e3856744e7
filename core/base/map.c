/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Open addressing with linear probing, at most two thirds full. The slots are apart from the entries and as
 * small as can be: every probe is a place in memory that was not looked at before. Names come from
 * checkpoints, so the hash is seeded with the first table's address: who writes a file cannot choose names
 * that collide.
 */

#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 64u

struct ckpt_map_slot {
        uint32_t hash, entry; /* counted from 1; 0: free */
};

struct ckpt_map_entry {
        const char *key;
        uint64_t value;
};

void ckpt_map_deinit(ckpt_map *map)
{
        free(map->slots);
        free(map->entries);
        *map = (ckpt_map)CKPT_MAP_INIT;
}

static uint32_t hash_of(const ckpt_map *map, const char *key)
{
        return (uint32_t)XXH3_64bits_withSeed(key, strlen(key), map->seed);
}

static bool is_key(const ckpt_map *map, const struct ckpt_map_slot *slot, const char *key, uint32_t hash)
{
        return slot->hash == hash && strcmp(map->entries[slot->entry - 1].key, key) == 0;
}

/* The slot of a key, or the free one where it would be put. There is always a free one. */
static struct ckpt_map_slot *slot_of(const ckpt_map *map, const char *key, uint32_t hash)
{
        uint64_t at = hash & (map->capacity - 1);

        while (map->slots[at].entry && !is_key(map, &map->slots[at], key, hash))
                at = (at + 1) & (map->capacity - 1);
        return &map->slots[at];
}

/* How many entries a table of a capacity takes. */
static uint64_t room_of(uint64_t capacity)
{
        return capacity / 3 * 2;
}

static ckpt_status grow(ckpt_map *map)
{
        const uint64_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
        struct ckpt_map_entry *entries = reallocarray(map->entries, room_of(capacity), sizeof(*entries));
        struct ckpt_map_slot *slots;

        if (!entries)
                return CKPT_E_NOMEM;
        map->entries = entries;
        slots = calloc(capacity, sizeof(*slots));
        if (!slots)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < map->capacity; i++) {
                uint64_t at = map->slots[i].hash & (capacity - 1);

                if (!map->slots[i].entry)
                        continue;
                while (slots[at].entry)
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

        /* Slots number entries in 32 bits. */
        if (map->count >= UINT32_MAX || (map->count >= room_of(map->capacity) && grow(map) != CKPT_OK))
                return CKPT_E_NOMEM;
        hash = hash_of(map, key);
        slot = slot_of(map, key, hash);
        if (slot->entry) {
                if (!replace)
                        return CKPT_ABSENT;
                map->entries[slot->entry - 1].value = value;
                return CKPT_OK;
        }
        map->entries[map->count++] = (struct ckpt_map_entry){key, value};
        *slot = (struct ckpt_map_slot){hash, (uint32_t)map->count};
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
        if (!slot->entry)
                return false;
        *ret_value = map->entries[slot->entry - 1].value;
        return true;
}
