/* SPDX-License-Identifier: Apache-2.0 */
/* What save() says of a storage in its place: a persistent id. */
#include "machine.h"

#include <inttypes.h>
#include <string.h>

enum {
        COUNT_MAX_BITS = 56 /* of a storage's elements: their bytes then fit 64 bits */
};

static const struct hf_value *fail_id(struct hf_pickle *pickle, const char *problem)
{
        hf_pickle_fail(pickle, HF_BAD_STORAGE, "a storage %s", problem);
        return NULL;
}

static bool is_count(const struct hf_value *value)
{
        return value->kind == HF_VALUE_INT && value->as.integer >= 0 &&
               (uint64_t)value->as.integer >> COUNT_MAX_BITS == 0;
}

/* (key of the part, offset, count), which files had before torch 0.4. */
static bool take_view(const struct hf_value *view, struct hf_storage *storage)
{
        if (view->kind == HF_VALUE_NONE)
                return true;
        if (view->kind != HF_VALUE_TUPLE || view->count != 3 || !view->as.tuple[0]->is_name ||
            !is_count(view->as.tuple[1]) || !is_count(view->as.tuple[2]))
                return false;
        storage->view_begin = (uint64_t)view->as.tuple[1]->as.integer;
        storage->view_count = (uint64_t)view->as.tuple[2]->as.integer;
        return storage->view_begin <= storage->count &&
               storage->view_count <= storage->count - storage->view_begin;
}

static struct hf_storage *add_storage(struct hf_pickle *pickle, const struct hf_value *const *items)
{
        struct hf_storage *storage = hf_pickle_alloc(pickle, sizeof *storage);

        if (!storage)
                return NULL;
        memset(storage, 0, sizeof *storage);
        storage->key = *items[2]->as.name;
        storage->class = items[1]->as.global;
        storage->count = storage->view_count = (uint64_t)items[4]->as.integer;
        storage->position = pickle->at;
        *pickle->last_storage = storage;
        pickle->last_storage = &storage->next;
        pickle->n_storages++;
        return storage;
}

const struct hf_value *hf_pickle_storage(struct hf_pickle *pickle, const struct hf_value *id)
{
        const struct hf_value *const *items = id->as.tuple;
        struct hf_storage *storage;
        struct hf_value *value;

        if (id->kind != HF_VALUE_TUPLE || id->count != (pickle->has_views ? 6 : 5) ||
            !hf_value_is_text(items[0], "storage"))
                return fail_id(pickle,
                               pickle->has_views
                                       ? "is not described by ('storage', class, key, location, count, view)"
                                       : "is not described by ('storage', class, key, location, count)");
        if (!hf_value_is_global(items[1], HF_MEANS_STORAGE) &&
            !hf_value_is_global(items[1], HF_MEANS_UNTYPED_STORAGE))
                return fail_id(pickle, "has a class that is none of torch's");
        if (!items[2]->is_name)
                return fail_id(pickle, "has a key that is no text of 1 to 4096 bytes");
        if (items[3]->kind != HF_VALUE_TEXT)
                return fail_id(pickle, "has a location that is no text");
        if (!is_count(items[4]))
                return fail_id(pickle, "has a count of elements that is negative or too large");
        storage = add_storage(pickle, items);
        if (!storage)
                return NULL;
        if (pickle->has_views && !take_view(items[5], storage))
                return fail_id(pickle, "is a part of another that does not hold it");
        value = hf_pickle_new(pickle, HF_VALUE_STORAGE);
        if (value)
                value->as.storage = storage;
        return value;
}
