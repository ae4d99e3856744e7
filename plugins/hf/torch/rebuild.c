/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that rebuild a tensor around another, and those whose tensors are not read. */
#include "rebuild.h"

#include <string.h>

/* (data, requires_grad, backward_hooks[, state]): the data. */
static const struct hf_value *rebuild_parameter(struct hf_pickle *pickle, const struct hf_global *maker,
                                                const struct hf_value *arguments)
{
        const struct hf_value *const *items = arguments->as.tuple;

        if (arguments->count != (maker->meaning == HF_MEANS_REBUILD_PARAMETER_STATE ? 4 : 3)) {
                hf_rebuild_fail_count(pickle, maker, arguments->count);
                return NULL;
        }
        if (items[0]->kind != HF_VALUE_TENSOR) {
                hf_rebuild_fail_argument(pickle, maker, "the data", items[0]);
                return NULL;
        }
        return hf_rebuild_check_training(pickle, maker, items + 1) < 0 ? NULL : items[0];
}

/*
 * (function, type, arguments, state): the function's tensor, whatever type it is dressed in. Around another
 * one of its kind it would be a way to recurse, and torch writes none.
 */
static int check_from_type(struct hf_pickle *pickle, const struct hf_global *maker,
                           const struct hf_value *const *items)
{
        if (items[0]->kind != HF_VALUE_GLOBAL || items[0]->as.global->meaning < HF_MEANS_REBUILD ||
            items[0]->as.global->meaning == HF_MEANS_REBUILD_FROM_TYPE)
                return hf_rebuild_fail_argument(pickle, maker, "the function", items[0]);
        if (items[1]->kind != HF_VALUE_GLOBAL)
                return hf_rebuild_fail_argument(pickle, maker, "the type", items[1]);
        if (items[2]->kind != HF_VALUE_TUPLE)
                return hf_rebuild_fail_argument(pickle, maker, "the arguments", items[2]);
        return 0;
}

static const struct hf_value *rebuild_from_type(struct hf_pickle *pickle, const struct hf_global *maker,
                                                const struct hf_value *arguments)
{
        const struct hf_value *const *items = arguments->as.tuple;

        if (arguments->count != 4) {
                hf_rebuild_fail_count(pickle, maker, arguments->count);
                return NULL;
        }
        if (check_from_type(pickle, maker, items) < 0)
                return NULL;
        return hf_pickle_rebuild(pickle, items[0]->as.global, items[2]);
}

/* Tensors that are more than a storage and strides. */
static const struct hf_value *refuse_later(struct hf_pickle *pickle, const struct hf_global *maker)
{
        static const char *const kinds[][2] = {
                {"_rebuild_qtensor", "is quantised"},
                {"_rebuild_sparse_tensor", "is sparse"},
                {"_rebuild_sparse_csr_tensor", "is sparse"},
                {"_rebuild_nested_tensor", "is nested"},
                {"_rebuild_meta_tensor_no_storage", "is a meta tensor, which has no values"},
        };
        struct hf_rebuilt tensor = {.problem = "is not a plain tensor", .culprit = maker};
        size_t i;

        for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (strcmp(maker->name, kinds[i][0]) == 0)
                        tensor.problem = kinds[i][1];
        return hf_rebuild_add(pickle, &tensor);
}

const struct hf_value *hf_pickle_rebuild(struct hf_pickle *pickle, const struct hf_global *maker,
                                         const struct hf_value *arguments)
{
        switch ((enum hf_meaning)maker->meaning) {
        case HF_MEANS_REBUILD_PARAMETER:
        case HF_MEANS_REBUILD_PARAMETER_STATE:
                return rebuild_parameter(pickle, maker, arguments);
        case HF_MEANS_REBUILD_FROM_TYPE:
                return rebuild_from_type(pickle, maker, arguments);
        case HF_MEANS_REBUILD_OTHER:
                return refuse_later(pickle, maker);
        case HF_MEANS_REBUILD:
        case HF_MEANS_REBUILD_V2:
        case HF_MEANS_REBUILD_V3:
                return hf_rebuild_tensor(pickle, maker, arguments);
        default:
                return NULL; /* no function of these */
        }
}
