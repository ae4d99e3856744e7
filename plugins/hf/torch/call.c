/* SPDX-License-Identifier: Apache-2.0 */
/* What calls make, where the callee is known; nothing is called. */
#include "machine.h"

static const struct hf_value *fail_arguments(struct hf_pickle *pickle, const struct hf_global *callee)
{
        hf_pickle_fail(pickle, HF_BAD_CALL, "%s.%s is called with arguments that it does not take",
                       callee->module, callee->name);
        return NULL;
}

/* Adds what OrderedDict([[key, value], …]) is given, which is how Python 2 wrote one. */
static int add_pairs(struct hf_pickle *pickle, const struct hf_value *dict, const struct hf_items *pairs)
{
        uint32_t i;

        for (i = 0; i < pairs->count; i++) {
                const struct hf_value *pair = pairs->at[i];
                const struct hf_value *const *items = NULL;
                uint32_t count = 0;

                if (pair->kind == HF_VALUE_TUPLE)
                        items = pair->as.tuple, count = pair->count;
                if (pair->kind == HF_VALUE_LIST)
                        items = pair->as.items->at, count = pair->as.items->count;
                if (count != 2)
                        return hf_pickle_fail(pickle, HF_BAD_CALL,
                                              "a dictionary is made of something else than pairs");
                if (hf_pickle_set_items(pickle, dict, items, 2) < 0)
                        return -1;
        }
        return 0;
}

/* Nothing, a list of pairs, or a dictionary, which is copied. */
static const struct hf_value *make_dict(struct hf_pickle *pickle, const struct hf_global *callee,
                                        const struct hf_value *arguments)
{
        const struct hf_value *from = arguments->count == 1 ? arguments->as.tuple[0] : NULL, *dict;
        int r = 0;

        if (arguments->count > 1 || (from && from->kind != HF_VALUE_LIST && from->kind != HF_VALUE_DICT))
                return fail_arguments(pickle, callee);
        dict = hf_pickle_container(pickle, HF_VALUE_DICT);
        if (!dict)
                return NULL;
        dict->as.items->has_attributes = true;
        if (from)
                dict->as.items->has_tensors = from->as.items->has_tensors;
        if (from && from->kind == HF_VALUE_LIST)
                r = add_pairs(pickle, dict, from->as.items);
        else if (from)
                r = hf_pickle_extend(pickle, dict, from->as.items->at, from->as.items->count);
        return r < 0 ? NULL : dict;
}

static const struct hf_value *make_size(struct hf_pickle *pickle, const struct hf_global *callee,
                                        const struct hf_value *arguments)
{
        const struct hf_value *from = arguments->count == 1 ? arguments->as.tuple[0] : NULL;

        if (from && from->kind == HF_VALUE_TUPLE)
                return from;
        if (from && from->kind == HF_VALUE_LIST)
                return hf_pickle_tuple(pickle, from->as.items->at, from->as.items->count);
        return fail_arguments(pickle, callee);
}

/* Parameter(data[, requires_grad]) is its data. */
static const struct hf_value *make_parameter(struct hf_pickle *pickle, const struct hf_global *callee,
                                             const struct hf_value *arguments)
{
        if (arguments->count < 1 || arguments->count > 2 || arguments->as.tuple[0]->kind != HF_VALUE_TENSOR)
                return fail_arguments(pickle, callee);
        return arguments->as.tuple[0];
}

static const struct hf_value *make_object(struct hf_pickle *pickle, const struct hf_global *class)
{
        const struct hf_value *object = hf_pickle_container(pickle, HF_VALUE_OBJECT);

        if (object)
                object->as.items->class = class;
        return object;
}

static const struct hf_value *call_global(struct hf_pickle *pickle, const struct hf_global *callee,
                                          const struct hf_value *arguments)
{
        switch ((enum hf_meaning)callee->meaning) {
        case HF_MEANS_UNKNOWN:
        case HF_MEANS_INERT:
                return make_object(pickle, callee);
        case HF_MEANS_DICT:
                return make_dict(pickle, callee, arguments);
        case HF_MEANS_SIZE:
                return make_size(pickle, callee, arguments);
        case HF_MEANS_PARAMETER:
                return make_parameter(pickle, callee, arguments);
        case HF_MEANS_TENSOR_CLASS:
        case HF_MEANS_DTYPE:
        case HF_MEANS_STORAGE:
        case HF_MEANS_UNTYPED_STORAGE:
                hf_pickle_fail(pickle, HF_BAD_CALL, "%s.%s is called, which torch.save never writes",
                               callee->module, callee->name);
                return NULL;
        case HF_MEANS_REBUILD:
        case HF_MEANS_REBUILD_V2:
        case HF_MEANS_REBUILD_V3:
        case HF_MEANS_REBUILD_PARAMETER:
        case HF_MEANS_REBUILD_PARAMETER_STATE:
        case HF_MEANS_REBUILD_FROM_TYPE:
        case HF_MEANS_REBUILD_OTHER:
                return hf_pickle_rebuild(pickle, callee, arguments);
        }
        return NULL;
}

const struct hf_value *hf_pickle_call(struct hf_pickle *pickle, const struct hf_value *callee,
                                      const struct hf_value *arguments)
{
        if (callee->kind == HF_VALUE_GLOBAL)
                return call_global(pickle, callee->as.global, arguments);
        /* What an unknown class made may be called in its turn; it still does nothing. */
        if (hf_value_is_unknown(callee))
                return make_object(pickle, callee->as.items->class);
        hf_pickle_fail(pickle, HF_BAD_CALL, "%s is called, which is no function", hf_value_kind_name(callee));
        return NULL;
}
