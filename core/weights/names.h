/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_NAMES_H
#define CKPT_WEIGHTS_NAMES_H

/*
 * A hash table from names to numbers that lives in an arena, as views do: nothing of it is ever freed
 */

#include "core/base/arena.h"

typedef struct ckpt_names {
        struct ckpt_names_slot *slots;
        uint64_t count, capacity;
} ckpt_names;

/** Adds a name, or gives one that is there another number. The name is borrowed. */
ckpt_status ckpt_names_set(ckpt_names *names, ckpt_arena *arena, const char *name, uint64_t value);
bool ckpt_names_find(const ckpt_names *names, const char *name, uint64_t *ret_value);

#endif
