/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_NAMES_H
#define CKPT_WEIGHTS_NAMES_H

/*
 * A hash table from names to numbers that lives in an arena, as views do: nothing of it is ever freed
 */

#include "core/base/arena.h"

typedef struct ckpt_names {
        struct ckpt_names_slot *slots;
        uint64_t count, capacity, seed;
} ckpt_names;

/** Room for `count` names in all. Numbers are below 2^32. */
ckpt_status ckpt_names_reserve(ckpt_names *names, ckpt_arena *arena, uint64_t count);
/** Adds a name; CKPT_ABSENT when it is there already, with its number in *ret_other. The name is borrowed. */
ckpt_status ckpt_names_add(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value,
                           uint64_t *ret_other);
/** Adds a name, or gives one that is there another number. The name is borrowed. */
ckpt_status ckpt_names_set(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value);
bool ckpt_names_find(const ckpt_names *names, const char *name, uint64_t *ret_value);

#endif
