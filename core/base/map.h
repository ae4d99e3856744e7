/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_MAP_H
#define CKPT_BASE_MAP_H

/*
 * A hash map from strings to numbers below 2^32 (indices of arrays). Keys are borrowed and must outlive the
 * map.
 */

#include <ckpt/abi.h>

typedef struct ckpt_map {
        struct ckpt_map_slot *slots;
        struct ckpt_map_entry *entries; /* in the order of their addition */
        uint64_t count, capacity, seed;
} ckpt_map;

#define CKPT_MAP_INIT               \
        {                           \
                NULL, NULL, 0, 0, 0 \
        }

void ckpt_map_deinit(ckpt_map *map);
/** CKPT_ABSENT (nothing changed) when the key is there already; CKPT_E_NOMEM. */
ckpt_status ckpt_map_add(ckpt_map *map, const char *key, uint64_t value);
/** Adds, or replaces the value of a key that is there. */
ckpt_status ckpt_map_set(ckpt_map *map, const char *key, uint64_t value);
bool ckpt_map_find(const ckpt_map *map, const char *key, uint64_t *ret_value);

#endif
