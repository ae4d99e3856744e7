/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every tensor of the checkpoint's weight files, from what they say of themselves, as ranges of those files.
 */
#include "components.h"
#include "shards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)HF_BOOL + 1 == (int)CKPT_DTYPE_BOOL && (int)HF_BF16 + 1 == (int)CKPT_DTYPE_BF16 &&
                       (int)HF_U64 + 1 == (int)CKPT_DTYPE_U64 && (int)HF_DTYPES + 1 == (int)CKPT_DTYPE_COUNT,
               "the format's types and the runtime's have one order");
_Static_assert((int)HF_RANK_MAX <= CKPT_RANK_MAX, "every rank that is parsed can be described");

/* Numbers of a tensor as the runtime wants them. Only beside a 0 or a 1 can one be that long. */
static ckpt_status convert(const ckpt_frame *self, const ckpt_where *where, const char *what,
                           const uint64_t *numbers, uint32_t rank, int64_t *ret_numbers)
{
        uint32_t i;

        for (i = 0; i < rank; i++) {
                if (numbers[i] > INT64_MAX)
                        return ckpt_fail(self, CKPT_E_LIMIT, where, "a %s of %" PRIu64 " is over the limit",
                                         what, numbers[i]);
                ret_numbers[i] = (int64_t)numbers[i];
        }
        return 0;
}

static ckpt_status add_tensor(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                              const struct hf_tensor *tensor, ckpt_weights_builder *builder)
{
        int64_t shape[HF_RANK_MAX], strides[HF_RANK_MAX];
        char name[HF_NAME_MAX + 1];
        ckpt_where where = {
                .struct_size = sizeof where, .tensor = name, .object = ckpt_source_name(source, object)};
        ckpt_leaf leaf = {
                .struct_size = sizeof leaf,
                .kind = CKPT_LEAF_OBJECT,
                .dtype = (ckpt_dtype)tensor->dtype + 1,
                .rank = tensor->rank,
                .shape = shape,
                .strides = tensor->strides ? strides : NULL,
                .flags = tensor->big_endian ? CKPT_LEAF_BIG_ENDIAN : 0,
                .object = object,
                .offset = tensor->begin,
        };
        ckpt_status r;

        memcpy(name, tensor->name.text, tensor->name.length);
        name[tensor->name.length] = '\0';
        r = convert(self, &where, "dimension", tensor->shape, tensor->rank, shape);
        if (r == 0 && tensor->strides)
                r = convert(self, &where, "stride", tensor->strides, tensor->rank, strides);
        if (r == 0)
                ckpt_weights_add(builder, name, ckpt_weights_leaf(builder, &leaf));
        return r;
}

static ckpt_status add_tensors(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards,
                               ckpt_weights_builder *builder)
{
        ckpt_status r = 0;
        uint32_t s;
        size_t i;

        for (s = 0; s < shards->n_shards; s++)
                for (i = 0; r == 0 && i < shards->shards[s].n_tensors; i++)
                        r = add_tensor(self, source, shards->shards[s].object, &shards->shards[s].tensors[i],
                                       builder);
        return r;
}

static ckpt_status read_policy(const ckpt_frame *self, enum hf_torch_policy *ret_policy)
{
        const char *policy = ckpt_option_string(self, "pickle_policy");
        bool opaque = policy && strcmp(policy, "opaque") == 0;

        if (!opaque && policy && strcmp(policy, "strict") != 0)
                return ckpt_fail(self, CKPT_E_INVALID, NULL,
                                 "the setting 'weights.pickle_policy' is '%s'; it must be strict or opaque",
                                 policy);
        *ret_policy = opaque ? HF_TORCH_OPAQUE : HF_TORCH_STRICT;
        return 0;
}

static ckpt_status load_weights(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                ckpt_weights_builder *builder)
{
        struct hf_shards_options options = {0};
        struct hf_shards shards = {0};
        ckpt_status r;

        (void)mapping;
        options.use_consolidated = ckpt_option_bool(self, "use_consolidated");
        options.allow_trailing = ckpt_option_bool(self, "allow_trailing_bytes");
        options.torch.state_dict = ckpt_option_string(self, "state_dict");
        options.torch.verify = ckpt_option_bool(self, "verify");
        r = read_policy(self, &options.torch.policy);
        if (r == 0)
                r = hf_shards_select(self, source, options.use_consolidated, &shards);
        if (r == 0)
                r = hf_shards_read(self, source, &options, &shards);
        if (r == 0)
                r = hf_shards_check(self, source, &shards);
        if (r == 0)
                r = add_tensors(self, source, &shards, builder);
        hf_shards_deinit(&shards);
        return r;
}

static const ckpt_option use_consolidated = {
        .struct_size = sizeof use_consolidated,
        .type = CKPT_OPTION_BOOL,
        .name = "use_consolidated",
        .fallback = "false",
        .description = "read the files with \"consolidated\" in their name instead of the others",
};

static const ckpt_option allow_trailing_bytes = {
        .struct_size = sizeof allow_trailing_bytes,
        .type = CKPT_OPTION_BOOL,
        .name = "allow_trailing_bytes",
        .fallback = "false",
        .description = "accept safetensors files that go on after their last tensor",
};

static const ckpt_option pickle_policy = {
        .struct_size = sizeof pickle_policy,
        .type = CKPT_OPTION_STRING,
        .name = "pickle_policy",
        .fallback = "strict",
        .description = "strict: refuse torch files that name unknown Python objects; opaque: pass over them",
};

static const ckpt_option state_dict = {
        .struct_size = sizeof state_dict,
        .type = CKPT_OPTION_STRING,
        .name = "state_dict",
        .description = "the entry of a torch file that holds the weights (\"model\", \"ema/params\", \"/\")",
};

static const ckpt_option verify = {
        .struct_size = sizeof verify,
        .type = CKPT_OPTION_BOOL,
        .name = "verify",
        .fallback = "false",
        .description = "compare the checksums that the format has; reads all of it once more",
};

static const ckpt_option *const options_of_weights[] = {
        &use_consolidated, &allow_trailing_bytes, &pickle_policy, &state_dict, &verify,
};

const ckpt_weight_loader hf_weight_loader = {
        .struct_size = sizeof hf_weight_loader,
        .n_options = sizeof options_of_weights / sizeof *options_of_weights,
        .options = options_of_weights,
        .load_weights = load_weights,
};
