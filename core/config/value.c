/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tree itself. Small objects are searched from end to end; larger ones get a hash map, so that a hostile
 * file of many keys costs no more than its size.
 */

#include "core/config/value.h"

#include <stdlib.h>
#include <string.h>

/* Members from which an object is worth a map. */
#define INDEX_FROM 16u
/* More members than this cannot be counted by ckpt_value_count. */
#define COUNT_MAX  (1u << 30)

struct ckpt_value_index {
        struct ckpt_value_index *next;
        ckpt_map map;
};

ckpt_config *ckpt_config_free(ckpt_config *config)
{
        if (!config)
                return NULL;
        for (struct ckpt_value_index *index = config->indices; index; index = index->next)
                ckpt_map_deinit(&index->map);
        ckpt_arena_deinit(&config->arena);
        free(config);
        return NULL;
}

ckpt_value *ckpt_value_new(ckpt_config *config, int32_t type)
{
        ckpt_value *value = ckpt_arena_alloc(&config->arena, sizeof(*value));

        if (value) {
                value->api = config->api;
                value->type = type;
        }
        return value;
}

/* Position of a member; false when there is none. */
static bool find(const ckpt_value *object, const char *key, uint64_t *ret_at)
{
        if (object->as.list.index)
                return ckpt_map_find(&object->as.list.index->map, key, ret_at);
        for (uint32_t i = 0; i < object->as.list.count; i++) {
                if (strcmp(object->as.list.keys[i], key) == 0) {
                        *ret_at = i;
                        return true;
                }
        }
        return false;
}

static ckpt_status build_index(ckpt_config *config, ckpt_value *object)
{
        struct ckpt_value_index *index = ckpt_arena_alloc(&config->arena, sizeof(*index));

        if (!index)
                return CKPT_E_NOMEM;
        index->next = config->indices;
        config->indices = index;
        for (uint32_t i = 0; i < object->as.list.count; i++)
                if (ckpt_map_add(&index->map, object->as.list.keys[i], i) != CKPT_OK)
                        return CKPT_E_NOMEM;
        object->as.list.index = index;
        return CKPT_OK;
}

/* Room for one more; the old array stays in the arena until the end, so it doubles. */
static ckpt_status grow(ckpt_config *config, ckpt_value *container)
{
        const uint32_t count = container->as.list.count, capacity = count ? count * 2 : 8;
        ckpt_value **items;
        const char **keys = NULL;

        if (count < container->as.list.capacity)
                return CKPT_OK;
        if (count >= COUNT_MAX)
                return CKPT_E_LIMIT;
        items = ckpt_arena_calloc(&config->arena, capacity, sizeof(*items));
        if (container->type == CKPT_VALUE_OBJECT)
                keys = ckpt_arena_calloc(&config->arena, capacity, sizeof(*keys));
        if (!items || (container->type == CKPT_VALUE_OBJECT && !keys))
                return CKPT_E_NOMEM;
        if (count > 0)
                memcpy(items, container->as.list.items, count * sizeof(*items));
        if (count > 0 && keys)
                memcpy(keys, container->as.list.keys, count * sizeof(*keys));
        container->as.list.items = items;
        container->as.list.keys = keys;
        container->as.list.capacity = capacity;
        return CKPT_OK;
}

static ckpt_status append_member(ckpt_config *config, ckpt_value *object, const char *key, ckpt_value *item)
{
        const uint32_t at = object->as.list.count;
        const char *copy = ckpt_arena_strdup(&config->arena, key);
        ckpt_status r;

        if (!copy)
                return CKPT_E_NOMEM;
        object->as.list.keys[at] = copy;
        object->as.list.items[at] = item;
        if (object->as.list.index) {
                r = ckpt_map_add(&object->as.list.index->map, copy, at);
                if (r != CKPT_OK)
                        return r;
        }
        object->as.list.count++;
        return object->as.list.count == INDEX_FROM ? build_index(config, object) : CKPT_OK;
}

ckpt_status ckpt_value_put(ckpt_config *config, ckpt_value *container, const char *key, ckpt_value *item)
{
        uint64_t at;
        ckpt_status r;

        if (key && find(container, key, &at)) {
                container->as.list.items[at] = item;
                return CKPT_OK;
        }
        r = grow(config, container);
        if (r != CKPT_OK)
                return r;
        if (key)
                return append_member(config, container, key, item);
        container->as.list.items[container->as.list.count++] = item;
        return CKPT_OK;
}

static ckpt_status copy_items(ckpt_config *config, const ckpt_value *from, uint32_t depth, ckpt_value *to)
{
        /* The count is taken first: a tree may be copied into itself. */
        const uint32_t count = from->as.list.count;

        for (uint32_t i = 0; i < count; i++) {
                ckpt_value *item;
                ckpt_status r = ckpt_value_copy(config, from->as.list.items[i], depth + 1, &item);

                if (r == CKPT_OK)
                        r = ckpt_value_put(config, to,
                                           from->type == CKPT_VALUE_OBJECT ? from->as.list.keys[i] : NULL,
                                           item);
                if (r != CKPT_OK)
                        return r;
        }
        return CKPT_OK;
}

ckpt_status ckpt_value_copy(ckpt_config *config, const ckpt_value *value, uint32_t depth,
                            ckpt_value **ret_copy)
{
        ckpt_value *copy = ckpt_value_new(config, value->type);
        ckpt_status r = CKPT_OK;

        if (!copy)
                return CKPT_E_NOMEM;
        if (ckpt_value_is_container(value)) {
                r = depth >= CKPT_CONFIG_DEPTH_MAX ? CKPT_E_LIMIT : copy_items(config, value, depth, copy);
        } else if (value->type == CKPT_VALUE_STRING) {
                copy->as.string = ckpt_arena_strdup(&config->arena, value->as.string);
                r = copy->as.string ? CKPT_OK : CKPT_E_NOMEM;
        } else {
                copy->as = value->as;
        }
        if (r == CKPT_OK)
                *ret_copy = copy;
        return r;
}

const ckpt_value *ckpt_config_api_root(const ckpt_config *config)
{
        return config->root;
}

int32_t ckpt_value_api_type(const ckpt_value *value)
{
        return value->type;
}

uint32_t ckpt_value_api_count(const ckpt_value *value)
{
        return ckpt_value_is_container(value) ? value->as.list.count : 0;
}

const char *ckpt_value_api_key(const ckpt_value *value, uint32_t index)
{
        return value->type == CKPT_VALUE_OBJECT && index < value->as.list.count ? value->as.list.keys[index]
                                                                                : NULL;
}

const ckpt_value *ckpt_value_api_at(const ckpt_value *value, uint32_t index)
{
        return index < ckpt_value_api_count(value) ? value->as.list.items[index] : NULL;
}

const ckpt_value *ckpt_value_api_get(const ckpt_value *value, const char *key)
{
        uint64_t at;

        return value->type == CKPT_VALUE_OBJECT && key && find(value, key, &at) ? value->as.list.items[at]
                                                                                : NULL;
}

int64_t ckpt_value_api_i64(const ckpt_value *value)
{
        return value->type == CKPT_VALUE_I64 || value->type == CKPT_VALUE_BOOL ? value->as.i64 : 0;
}

double ckpt_value_api_f64(const ckpt_value *value)
{
        return value->type == CKPT_VALUE_F64   ? value->as.f64
               : value->type == CKPT_VALUE_I64 ? (double)value->as.i64
                                               : 0;
}

const char *ckpt_value_api_string(const ckpt_value *value)
{
        return value->type == CKPT_VALUE_STRING ? value->as.string : NULL;
}
