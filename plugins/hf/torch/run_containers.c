/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes of tuples, lists, dictionaries and sets. */
#include "machine.h"

/* Tuples */

static int push_tuple(struct hf_pickle *pickle, size_t count)
{
        const struct hf_value *items[3] = {NULL};
        size_t i = count;

        while (i-- > 0) {
                items[i] = hf_pickle_pop(pickle);
                if (!items[i])
                        return -1;
        }
        return hf_pickle_push(pickle, hf_pickle_tuple(pickle, items, count));
}

int hf_run_empty_tuple(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_tuple(pickle, 0);
}

int hf_run_tuple1(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_tuple(pickle, 1);
}

int hf_run_tuple2(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_tuple(pickle, 2);
}

int hf_run_tuple3(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_tuple(pickle, 3);
}

int hf_run_tuple(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *const *items;
        size_t count;

        (void)operand;
        if (hf_pickle_pop_mark(pickle, &items, &count) < 0)
                return -1;
        return hf_pickle_push(pickle, hf_pickle_tuple(pickle, items, count));
}

/* Lists and sets */

int hf_run_empty_list(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return hf_pickle_push(pickle, hf_pickle_container(pickle, HF_VALUE_LIST));
}

int hf_run_empty_set(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return hf_pickle_push(pickle, hf_pickle_container(pickle, HF_VALUE_SET));
}

static int push_marked(struct hf_pickle *pickle, enum hf_value_kind kind)
{
        const struct hf_value *const *items, *container;
        size_t count;

        if (hf_pickle_pop_mark(pickle, &items, &count) < 0)
                return -1;
        container = hf_pickle_container(pickle, kind);
        if (!container || hf_pickle_extend(pickle, container, items, count) < 0)
                return -1;
        return hf_pickle_push(pickle, container);
}

int hf_run_list(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_marked(pickle, HF_VALUE_LIST);
}

int hf_run_set(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_marked(pickle, HF_VALUE_FROZEN_SET);
}

static int append(struct hf_pickle *pickle, const struct hf_value *const *items, size_t count,
                  enum hf_value_kind kind)
{
        const struct hf_value *container = hf_pickle_top(pickle);

        if (!container)
                return -1;
        if (hf_value_is_unknown(container))
                return 0;
        if (container->kind != kind)
                return hf_pickle_fail(pickle, HF_BAD_CALL, "items are added to %s",
                                      hf_value_kind_name(container));
        return hf_pickle_extend(pickle, container, items, count);
}

int hf_run_append(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *item = hf_pickle_pop(pickle);

        (void)operand;
        return item ? append(pickle, &item, 1, HF_VALUE_LIST) : -1;
}

static int append_marked(struct hf_pickle *pickle, enum hf_value_kind kind)
{
        const struct hf_value *const *items;
        size_t count;

        if (hf_pickle_pop_mark(pickle, &items, &count) < 0)
                return -1;
        return append(pickle, items, count, kind);
}

int hf_run_appends(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return append_marked(pickle, HF_VALUE_LIST);
}

int hf_run_add_items(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return append_marked(pickle, HF_VALUE_SET);
}

/* Dictionaries */

int hf_run_empty_dict(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return hf_pickle_push(pickle, hf_pickle_container(pickle, HF_VALUE_DICT));
}

int hf_run_dict(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *const *items, *dict;
        size_t count;

        (void)operand;
        if (hf_pickle_pop_mark(pickle, &items, &count) < 0)
                return -1;
        dict = hf_pickle_container(pickle, HF_VALUE_DICT);
        if (!dict || hf_pickle_set_items(pickle, dict, items, count) < 0)
                return -1;
        return hf_pickle_push(pickle, dict);
}

int hf_run_set_item(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *items[2], *mapping;

        (void)operand;
        items[1] = hf_pickle_pop(pickle);
        items[0] = items[1] ? hf_pickle_pop(pickle) : NULL;
        mapping = items[0] ? hf_pickle_top(pickle) : NULL;
        return mapping ? hf_pickle_set_items(pickle, mapping, items, 2) : -1;
}

int hf_run_set_items(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *const *items, *mapping;
        size_t count;

        (void)operand;
        if (hf_pickle_pop_mark(pickle, &items, &count) < 0)
                return -1;
        mapping = hf_pickle_top(pickle);
        return mapping ? hf_pickle_set_items(pickle, mapping, items, count) : -1;
}
