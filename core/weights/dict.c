/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dictionaries: filled one by one, then read
 */

#include <string.h>

#include "core/weights/view.h"

ckpt_weights *ckpt_weights_view_new(ckpt_scope *scope, enum ckpt_weights_kind kind)
{
        static const uint64_t sizes[] = {
                [CKPT_WEIGHTS_DICT] = sizeof(ckpt_dict),
                [CKPT_WEIGHTS_RANGE] = sizeof(ckpt_range),
                [CKPT_WEIGHTS_EDIT] = sizeof(ckpt_edit),
        };
        ckpt_weights *weights = ckpt_arena_alloc(&scope->arena, sizeof(*weights) + sizes[kind]);

        if (!weights) {
                scope->out_of_memory = true;
                return NULL;
        }
        weights->api = scope->api;
        weights->kind = kind;
        weights->scope = scope;
        weights->as.dict = (void *)(weights + 1);
        return weights;
}

ckpt_weights *ckpt_weights_dict_new(ckpt_scope *scope)
{
        return ckpt_weights_view_new(scope, CKPT_WEIGHTS_DICT);
}

/* Room for `wanted` entries; grows by doubling at least. */
static ckpt_status grow(ckpt_dict *dict, ckpt_arena *arena, uint64_t wanted)
{
        const uint64_t twice = dict->capacity ? dict->capacity * 2 : 8;
        const uint64_t capacity = wanted > twice ? wanted : twice;
        ckpt_weights_entry *entries;

        if (wanted <= dict->capacity)
                return CKPT_OK;
        entries = ckpt_arena_calloc(arena, capacity, sizeof(*entries));
        if (!entries)
                return CKPT_E_NOMEM;
        if (dict->count > 0)
                memcpy(entries, dict->entries, dict->count * sizeof(*entries));
        dict->entries = entries;
        dict->capacity = capacity;
        return CKPT_OK;
}

ckpt_status ckpt_weights_dict_add(ckpt_weights *weights, const char *name, const ckpt_tensor *tensor,
                                  uint64_t *ret_other)
{
        ckpt_dict *dict = weights->as.dict;
        ckpt_arena *arena = &weights->scope->arena;
        ckpt_status r;

        if (!name || !tensor)
                return CKPT_E_INVALID;
        r = grow(dict, arena, dict->count + 1);
        if (r == CKPT_OK)
                r = ckpt_names_add(&dict->names, arena, name, dict->count, ret_other);
        if (r == CKPT_OK)
                dict->entries[dict->count++] = (ckpt_weights_entry){name, tensor};
        else if (r < 0)
                weights->scope->out_of_memory = true;
        return r;
}

ckpt_status ckpt_weights_dict_reserve(ckpt_weights *weights, uint64_t count)
{
        ckpt_dict *dict = weights->as.dict;
        ckpt_arena *arena = &weights->scope->arena;
        ckpt_status r = grow(dict, arena, count);

        if (r == CKPT_OK)
                r = ckpt_names_reserve(&dict->names, arena, count);
        if (r < 0)
                weights->scope->out_of_memory = true;
        return r;
}

ckpt_weights *ckpt_weights_dict_of_store(ckpt_scope *scope, ckpt_weights *store)
{
        const ckpt_dict *from = store->as.dict;
        ckpt_weights *weights = ckpt_weights_dict_new(scope);
        ckpt_dict *dict;

        if (!weights || grow(weights->as.dict, &scope->arena, from->count) != CKPT_OK)
                return NULL;
        dict = weights->as.dict;
        for (uint64_t i = 0; i < from->count; i++) {
                const ckpt_weights_entry *entry = &from->entries[i];
                const ckpt_tensor *tensor = ckpt_tensor_source(scope, entry->name, i, entry->tensor);

                if (!tensor || scope->out_of_memory)
                        return NULL;
                dict->entries[dict->count++] = (ckpt_weights_entry){entry->name, tensor};
        }
        /* The same names at the same places: the store's index of them serves, since neither changes. */
        dict->names = from->names;
        return weights;
}

uint64_t ckpt_weights_api_count(const ckpt_weights *weights)
{
        switch (weights->kind) {
        case CKPT_WEIGHTS_DICT:
                return weights->as.dict->count;
        case CKPT_WEIGHTS_RANGE:
                return weights->as.range->count;
        default:
                return weights->as.edit->count;
        }
}

/* An entry of a range by its place in the order of addition; NULL when memory is short. */
static const ckpt_weights_entry *range_entry(const ckpt_weights *weights, uint64_t index)
{
        const uint64_t *added = ckpt_range_added(weights->as.range, weights->scope);

        return added ? &weights->as.range->dict->entries[added[index]] : NULL;
}

const char *ckpt_weights_api_name(const ckpt_weights *weights, uint64_t index)
{
        const ckpt_weights_entry *entry;

        if (index >= ckpt_weights_api_count(weights))
                return NULL;
        switch (weights->kind) {
        case CKPT_WEIGHTS_DICT:
                return weights->as.dict->entries[index].name;
        case CKPT_WEIGHTS_RANGE:
                entry = range_entry(weights, index);
                return entry ? entry->name + weights->as.range->skip : NULL;
        default:
                return ckpt_edit_name(weights->as.edit, index);
        }
}

const ckpt_tensor *ckpt_weights_api_at(const ckpt_weights *weights, uint64_t index)
{
        const ckpt_weights_entry *entry;

        if (index >= ckpt_weights_api_count(weights))
                return NULL;
        switch (weights->kind) {
        case CKPT_WEIGHTS_DICT:
                return weights->as.dict->entries[index].tensor;
        case CKPT_WEIGHTS_RANGE:
                entry = range_entry(weights, index);
                return entry ? entry->tensor : NULL;
        default:
                return ckpt_edit_at(weights->as.edit, index);
        }
}

static const ckpt_tensor *range_get(const ckpt_range *range, const char *name)
{
        const uint64_t at = ckpt_range_lower_bound(range, name);

        if (at >= range->count || strcmp(ckpt_range_name(range, at), name) != 0)
                return NULL;
        return range->dict->entries[range->sorted[at]].tensor;
}

const ckpt_tensor *ckpt_weights_api_get(const ckpt_weights *weights, const char *name)
{
        uint64_t at;

        if (!name)
                return NULL;
        switch (weights->kind) {
        case CKPT_WEIGHTS_DICT:
                /* A store's index that is shared may know names that were added to the store since. */
                return ckpt_names_find(&weights->as.dict->names, name, &at) && at < weights->as.dict->count
                               ? weights->as.dict->entries[at].tensor
                               : NULL;
        case CKPT_WEIGHTS_RANGE:
                return range_get(weights->as.range, name);
        default:
                return ckpt_edit_get(weights->as.edit, name);
        }
}
