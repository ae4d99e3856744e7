/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_CONFIG_VALUE_H
#define CKPT_CONFIG_VALUE_H

/*
 * Values of the tree, and how it grows. All memory is the configuration's; nothing is freed before it.
 */

#include "core/base/map.h"
#include "core/config/config.h"

/** Deepest nesting of containers; what reads the tree may then recurse. */
#define CKPT_CONFIG_DEPTH_MAX 128u

struct ckpt_value {
        const ckpt_api *api;
        int32_t type;
        union {
                int64_t i64; /* booleans too */
                double f64;
                const char *string;
                struct {
                        ckpt_value **items;
                        const char **keys; /* NULL in arrays */
                        uint32_t count, capacity;
                        struct ckpt_value_index *index; /* objects of many members */
                } list;
        } as;
};

struct ckpt_config {
        const ckpt_api *api;
        ckpt_arena arena;
        ckpt_value *root;
        struct ckpt_value_index *indices; /* all there are, for freeing */
};

/** An empty value of a type; NULL when memory is short. */
ckpt_value *ckpt_value_new(ckpt_config *config, int32_t type);
/** Puts an item into a container: under `key`, in the place of what had it, or at the end of an array (NULL).
 */
ckpt_status ckpt_value_put(ckpt_config *config, ckpt_value *container, const char *key, ckpt_value *item);
/** A deep copy into this configuration. CKPT_E_LIMIT for what is nested too deeply. */
ckpt_status ckpt_value_copy(ckpt_config *config, const ckpt_value *value, uint32_t depth,
                            ckpt_value **ret_copy);

static inline bool ckpt_value_is_container(const ckpt_value *value)
{
        return value->type == CKPT_VALUE_ARRAY || value->type == CKPT_VALUE_OBJECT;
}

struct ckpt_config_builder {
        const ckpt_api *api;
        ckpt_config *config;
        ckpt_value *open[CKPT_CONFIG_DEPTH_MAX]; /* containers from the root to the innermost */
        uint32_t depth;                          /* at least 1 */
        uint32_t skipped;    /* containers that could not be opened and wait for their end */
        ckpt_status status;  /* the first failure of a setter */
        const char *mistake; /* words for CKPT_E_PLUGIN */
        const char *mistaken_key;
};

#endif
