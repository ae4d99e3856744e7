/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Open addressing, at most half full. Seeded by the first table's address, since names come from checkpoints.
 * A table that was outgrown stays in the arena; since tables double, all of them together are no larger than
 * the last.
 */

#include "core/weights/names.h"

#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 8u

/* Hashes and numbers have 32 bits, so that a slot is small; no checkpoint comes near. */
#define NAMES_MAX (1u << 30)

struct ckpt_names_slot {
        const char *name; /* NULL: free */
        uint32_t hash, value;
};

static uint32_t hash_of(const ckpt_names *names, const char *name)
{
        return (uint32_t)XXH3_64bits_withSeed(name, strlen(name), names->seed);
}

static struct ckpt_names_slot *slot_of(const ckpt_names *names, const char *name, uint32_t hash)
{
        uint64_t at = hash & (names->capacity - 1);

        while (names->slots[at].name &&
               (names->slots[at].hash != hash || strcmp(names->slots[at].name, name) != 0))
                at = (at + 1) & (names->capacity - 1);
        return &names->slots[at];
}

static ckpt_status resize(ckpt_names *names, ckpt_arena *arena, uint64_t capacity)
{
        ckpt_names grown = {.count = names->count, .capacity = capacity, .seed = names->seed};

        grown.slots = ckpt_arena_calloc(arena, capacity, sizeof(*grown.slots));
        if (!grown.slots)
                return CKPT_E_NOMEM;
        if (!names->slots)
                grown.seed = (uint64_t)(uintptr_t)grown.slots;
        for (uint64_t i = 0; i < names->capacity; i++) {
                uint64_t at = names->slots[i].hash & (capacity - 1);

                if (!names->slots[i].name)
                        continue;
                while (grown.slots[at].name)
                        at = (at + 1) & (capacity - 1);
                grown.slots[at] = names->slots[i];
        }
        *names = grown;
        return CKPT_OK;
}

ckpt_status ckpt_names_reserve(ckpt_names *names, ckpt_arena *arena, uint64_t count)
{
        uint64_t capacity = names->capacity ? names->capacity : FIRST_CAPACITY;

        if (count > NAMES_MAX)
                return CKPT_E_NOMEM;
        while (capacity < count * 2)
                capacity *= 2;
        return capacity > names->capacity ? resize(names, arena, capacity) : CKPT_OK;
}

/* The slot of a name, or the free one where it goes; NULL when memory is short. */
static struct ckpt_names_slot *need_slot(ckpt_names *names, ckpt_arena *arena, const char *name,
                                         uint32_t *ret_hash)
{
        if (ckpt_names_reserve(names, arena, names->count + 1) != CKPT_OK)
                return NULL;
        *ret_hash = hash_of(names, name);
        return slot_of(names, name, *ret_hash);
}

ckpt_status ckpt_names_add(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value,
                           uint64_t *ret_other)
{
        uint32_t hash;
        struct ckpt_names_slot *slot = need_slot(names, arena, name, &hash);

        if (!slot || value > UINT32_MAX)
                return CKPT_E_NOMEM;
        if (slot->name) {
                *ret_other = slot->value;
                return CKPT_ABSENT;
        }
        names->count++;
        *slot = (struct ckpt_names_slot){name, hash, (uint32_t)value};
        return CKPT_OK;
}

ckpt_status ckpt_names_set(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value)
{
        uint32_t hash;
        struct ckpt_names_slot *slot = need_slot(names, arena, name, &hash);

        if (!slot || value > UINT32_MAX)
                return CKPT_E_NOMEM;
        names->count += slot->name == NULL;
        *slot = (struct ckpt_names_slot){slot->name ? slot->name : name, hash, (uint32_t)value};
        return CKPT_OK;
}

bool ckpt_names_find(const ckpt_names *names, const char *name, uint64_t *ret_value)
{
        const struct ckpt_names_slot *slot;

        if (names->count == 0)
                return false;
        slot = slot_of(names, name, hash_of(names, name));
        if (!slot->name)
                return false;
        *ret_value = slot->value;
        return true;
}
