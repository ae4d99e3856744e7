/* SPDX-License-Identifier: Apache-2.0 */
/* Values that hold others: how they are made, and how they grow. */
#include "machine.h"

#include <string.h>

enum {
        ITEMS_MIN = 4
};

const struct hf_value *hf_pickle_tuple(struct hf_pickle *pickle, const struct hf_value *const *items,
                                       size_t count)
{
        struct hf_value *tuple = hf_pickle_new(pickle, HF_VALUE_TUPLE);
        const struct hf_value **copy = tuple ? hf_pickle_alloc(pickle, count * sizeof *copy) : NULL;

        if (!copy)
                return NULL;
        if (count > 0)
                memcpy(copy, items, count * sizeof *copy);
        tuple->as.tuple = copy;
        tuple->count = (uint32_t)count;
        return tuple;
}

const struct hf_value *hf_pickle_container(struct hf_pickle *pickle, enum hf_value_kind kind)
{
        struct hf_value *value = hf_pickle_new(pickle, kind);
        struct hf_items *items = value ? hf_pickle_alloc(pickle, sizeof *items) : NULL;

        if (!items)
                return NULL;
        memset(items, 0, sizeof *items);
        value->as.items = items;
        return value;
}

/* What is outgrown stays in the arena: together never more than what is kept. */
static int make_room(struct hf_pickle *pickle, struct hf_items *items, size_t count)
{
        size_t room = items->room ? items->room : ITEMS_MIN;
        const struct hf_value **grown;

        if (count <= items->room - items->count)
                return 0;
        while (room - items->count < count)
                room *= 2;
        grown = hf_pickle_alloc(pickle, room * sizeof *grown);
        if (!grown)
                return -1;
        if (items->count > 0)
                memcpy(grown, items->at, items->count * sizeof *grown);
        items->at = grown;
        items->room = (uint32_t)room;
        return 0;
}

int hf_pickle_extend(struct hf_pickle *pickle, const struct hf_value *container,
                     const struct hf_value *const *added, size_t count)
{
        struct hf_items *items = container->as.items;

        if (make_room(pickle, items, count) < 0)
                return -1;
        if (count > 0)
                memcpy(items->at + items->count, added, count * sizeof *added);
        items->count += (uint32_t)count;
        return 0;
}

/* Python has no keys that can change. */
static bool is_hashable(const struct hf_value *value)
{
        return value->kind != HF_VALUE_LIST && value->kind != HF_VALUE_DICT && value->kind != HF_VALUE_SET;
}

int hf_pickle_set_items(struct hf_pickle *pickle, const struct hf_value *mapping,
                        const struct hf_value *const *items, size_t count)
{
        size_t i;

        if (mapping->kind != HF_VALUE_DICT && !hf_value_is_unknown(mapping))
                return hf_pickle_fail(pickle, HF_BAD_CALL, "items are set in %s, not in a dictionary",
                                      hf_value_kind_name(mapping));
        if (count % 2 != 0)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "the last key of a dictionary has no value");
        for (i = 0; i < count; i += 2) {
                if (!is_hashable(items[i]))
                        return hf_pickle_fail(pickle, HF_BAD_PICKLE, "a key of a dictionary is %s",
                                              hf_value_kind_name(items[i]));
                mapping->as.items->has_tensors |= items[i + 1]->kind == HF_VALUE_TENSOR;
        }
        /* What a class of one's own would make of them nobody knows. */
        return mapping->kind == HF_VALUE_OBJECT ? 0 : hf_pickle_extend(pickle, mapping, items, count);
}
