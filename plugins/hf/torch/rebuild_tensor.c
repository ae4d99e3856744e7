/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of torch/_utils.py and torch/_tensor.py that make a tensor of a storage: what they are given
 * is checked and written down.
 */
#include "rebuild.h"

#include <inttypes.h>
#include <string.h>

enum {
        METADATA_MAX = 16 /* keys and values; torch knows conj and neg */
};

struct form {
        uint32_t least, most; /* arguments */
        uint32_t dtype;       /* which of them is the dtype; 0: the storage's class says it */
        uint32_t metadata;    /* which of them is the metadata, when it is there */
};

/* (storage, offset, size, stride[, requires_grad, backward_hooks[, dtype][, metadata]]) */
static const struct form forms[] = {
        [HF_MEANS_REBUILD] = {4, 4, 0, 4},
        [HF_MEANS_REBUILD_V2] = {6, 7, 0, 6},
        [HF_MEANS_REBUILD_V3] = {7, 8, 6, 7},
};

int hf_rebuild_fail_argument(struct hf_pickle *pickle, const struct hf_global *maker, const char *what,
                             const struct hf_value *value)
{
        bool negative = hf_value_is(value, HF_VALUE_INT) && value->as.integer < 0;

        return hf_pickle_fail(pickle, HF_BAD_CALL, "%s of %s.%s is %s", what, maker->module, maker->name,
                              negative ? "a negative number" : hf_value_kind_name(value));
}

int hf_rebuild_fail_count(struct hf_pickle *pickle, const struct hf_global *maker, uint32_t count)
{
        return hf_pickle_fail(pickle, HF_BAD_CALL, "%s.%s is called with %" PRIu32 " arguments",
                              maker->module, maker->name, count);
}

const struct hf_value *hf_rebuild_add(struct hf_pickle *pickle, const struct hf_rebuilt *rebuilt)
{
        struct hf_value *value = hf_pickle_new(pickle, HF_VALUE_TENSOR);
        struct hf_rebuilt *tensor = value ? hf_pickle_alloc(pickle, sizeof *tensor) : NULL;

        if (!tensor)
                return NULL;
        *tensor = *rebuilt;
        tensor->position = pickle->at;
        *pickle->last_tensor = tensor;
        pickle->last_tensor = &tensor->next;
        value->as.tensor = tensor;
        return value;
}

/* Sizes or strides: a tuple of integers that are not negative. */
static const uint64_t *take_numbers(struct hf_pickle *pickle, const struct hf_global *maker, const char *what,
                                    const struct hf_value *tuple)
{
        uint64_t *numbers;
        uint32_t i;

        if (tuple->kind != HF_VALUE_TUPLE) {
                hf_rebuild_fail_argument(pickle, maker, what, tuple);
                return NULL;
        }
        if (tuple->count > HF_RANK_MAX) {
                hf_pickle_fail(pickle, HF_BAD_RANK, "a tensor has %" PRIu32 " dimensions, more than %d",
                               tuple->count, HF_RANK_MAX);
                return NULL;
        }
        numbers = hf_pickle_alloc(pickle, tuple->count * sizeof *numbers);
        for (i = 0; numbers && i < tuple->count; i++) {
                const struct hf_value *item = tuple->as.tuple[i];

                if (item->kind != HF_VALUE_INT || item->as.integer < 0) {
                        hf_rebuild_fail_argument(pickle, maker, what, item);
                        return NULL;
                }
                numbers[i] = (uint64_t)item->as.integer;
        }
        return numbers;
}

/* What changes the values of a tensor and is not in its bytes. */
static int take_metadata(struct hf_pickle *pickle, const struct hf_global *maker,
                         const struct hf_value *metadata, struct hf_rebuilt *tensor)
{
        const struct hf_items *items;
        uint32_t i;

        if (metadata->kind == HF_VALUE_NONE)
                return 0;
        if (metadata->kind != HF_VALUE_DICT)
                return hf_rebuild_fail_argument(pickle, maker, "the metadata", metadata);
        items = metadata->as.items;
        if (items->count > METADATA_MAX)
                return hf_pickle_fail(pickle, HF_BAD_LIMIT,
                                      "the metadata of a tensor has %" PRIu32 " entries", items->count / 2);
        for (i = 0; i < items->count; i += 2) {
                const struct hf_value *flag = items->at[i + 1];

                if (flag->kind == HF_VALUE_BOOL && !flag->as.integer)
                        continue;
                if (hf_value_is_text(items->at[i], "conj"))
                        tensor->problem = "has its conjugate bit set: save tensor.resolve_conj()";
                else if (hf_value_is_text(items->at[i], "neg"))
                        tensor->problem = "has its negative bit set: save tensor.resolve_neg()";
                else
                        tensor->problem = "has metadata that this version does not know";
        }
        return 0;
}

static int take_type(struct hf_pickle *pickle, const struct hf_global *maker, const struct form *form,
                     const struct hf_value *const *arguments, struct hf_rebuilt *tensor)
{
        const struct hf_global *class = tensor->storage->class;

        tensor->type = class;
        if (form->dtype > 0) {
                if (!hf_value_is_global(arguments[form->dtype], HF_MEANS_DTYPE))
                        return hf_rebuild_fail_argument(pickle, maker, "the dtype", arguments[form->dtype]);
                tensor->type = arguments[form->dtype]->as.global;
        }
        if ((class->meaning == HF_MEANS_UNTYPED_STORAGE) != (form->dtype > 0))
                return hf_pickle_fail(pickle, HF_BAD_CALL, "%s.%s is given a storage of the class %s",
                                      maker->module, maker->name, class->name);
        if (tensor->type->dtype == HF_DTYPES) {
                tensor->problem = "has a dtype that this version does not read";
                tensor->culprit = tensor->type;
        }
        return 0;
}

static int take_place(struct hf_pickle *pickle, const struct hf_global *maker,
                      const struct hf_value *const *arguments, struct hf_rebuilt *tensor)
{
        const struct hf_value *offset = arguments[1];

        if (arguments[0]->kind != HF_VALUE_STORAGE)
                return hf_rebuild_fail_argument(pickle, maker, "the storage", arguments[0]);
        if (offset->kind != HF_VALUE_INT || offset->as.integer < 0)
                return hf_rebuild_fail_argument(pickle, maker, "the offset", offset);
        tensor->storage = arguments[0]->as.storage;
        tensor->offset = (uint64_t)offset->as.integer;
        tensor->shape = take_numbers(pickle, maker, "a size", arguments[2]);
        tensor->strides = tensor->shape ? take_numbers(pickle, maker, "a stride", arguments[3]) : NULL;
        if (!tensor->strides)
                return -1;
        if (arguments[2]->count != arguments[3]->count)
                return hf_pickle_fail(pickle, HF_BAD_CALL,
                                      "a tensor has %" PRIu32 " sizes, but %" PRIu32 " strides",
                                      arguments[2]->count, arguments[3]->count);
        tensor->rank = (uint8_t)arguments[2]->count;
        return 0;
}

/* requires_grad and hooks, of which nothing is needed. */
int hf_rebuild_check_training(struct hf_pickle *pickle, const struct hf_global *maker,
                              const struct hf_value *const *arguments)
{
        if (arguments[0]->kind != HF_VALUE_BOOL)
                return hf_rebuild_fail_argument(pickle, maker, "requires_grad", arguments[0]);
        if (arguments[1]->kind != HF_VALUE_DICT && arguments[1]->kind != HF_VALUE_NONE)
                return hf_rebuild_fail_argument(pickle, maker, "backward_hooks", arguments[1]);
        return 0;
}

const struct hf_value *hf_rebuild_tensor(struct hf_pickle *pickle, const struct hf_global *maker,
                                         const struct hf_value *arguments)
{
        const struct form *form = &forms[maker->meaning];
        const struct hf_value *const *items = arguments->as.tuple;
        struct hf_rebuilt tensor = {.culprit = maker};

        if (arguments->count < form->least || arguments->count > form->most) {
                hf_rebuild_fail_count(pickle, maker, arguments->count);
                return NULL;
        }
        if (take_place(pickle, maker, items, &tensor) < 0 ||
            (form->least > 4 && hf_rebuild_check_training(pickle, maker, items + 4) < 0) ||
            take_type(pickle, maker, form, items, &tensor) < 0)
                return NULL;
        if (arguments->count > form->metadata &&
            take_metadata(pickle, maker, items[form->metadata], &tensor) < 0)
                return NULL;
        return hf_rebuild_add(pickle, &tensor);
}
