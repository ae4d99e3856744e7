/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Open addressing, at most half full. Seeded by its own address, since names come from checkpoints. A table
 * that was outgrown stays in the arena; since tables double, all of them together are no larger than the
 * last.
 */

#include "core/weights/names.h"

#include <string.h>
#include <xxhash.h>

#define FIRST_CAPACITY 8u

struct ckpt_names_slot {
        const char *name; /* NULL: free */
        uint64_t hash, value;
};

static uint64_t hash_of(const struct ckpt_names_slot *slots, const char *name)
{
        return XXH3_64bits_withSeed(name, strlen(name), (uint64_t)(uintptr_t)slots);
}

static struct ckpt_names_slot *slot_of(struct ckpt_names_slot *slots, uint64_t capacity, const char *name,
                                       uint64_t hash)
{
        uint64_t at = hash & (capacity - 1);

        while (slots[at].name && (slots[at].hash != hash || strcmp(slots[at].name, name) != 0))
                at = (at + 1) & (capacity - 1);
        return &slots[at];
}

static ckpt_status grow(ckpt_names *names, ckpt_arena *arena)
{
        const uint64_t capacity = names->capacity ? names->capacity * 2 : FIRST_CAPACITY;
        struct ckpt_names_slot *slots = ckpt_arena_calloc(arena, capacity, sizeof(*slots));

        if (!slots)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < names->capacity; i++) {
                const struct ckpt_names_slot *old = &names->slots[i];

                if (old->name) {
                        const uint64_t hash = hash_of(slots, old->name);

                        *slot_of(slots, capacity, old->name, hash) =
                                (struct ckpt_names_slot){old->name, hash, old->value};
                }
        }
        names->slots = slots;
        names->capacity = capacity;
        return CKPT_OK;
}

ckpt_status ckpt_names_set(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value)
{
        struct ckpt_names_slot *slot;
        uint64_t hash;

        if (names->count >= names->capacity / 2 && grow(names, arena) != CKPT_OK)
                return CKPT_E_NOMEM;
        hash = hash_of(names->slots, name);
        slot = slot_of(names->slots, names->capacity, name, hash);
        names->count += slot->name == NULL;
        *slot = (struct ckpt_names_slot){slot->name ? slot->name : name, hash, value};
        return CKPT_OK;
}

bool ckpt_names_find(const ckpt_names *names, const char *name, uint64_t *ret_value)
{
        const struct ckpt_names_slot *slot;

        if (names->count == 0)
                return false;
        slot = slot_of(names->slots, names->capacity, name, hash_of(names->slots, name));
        if (!slot->name)
                return false;
        *ret_value = slot->value;
        return true;
}
