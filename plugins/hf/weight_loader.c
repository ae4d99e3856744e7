/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every tensor of the checkpoint's safetensors files, from their headers alone, as ranges of those files.
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

static ckpt_status read_header(ckpt_frame *self, const ckpt_source *source, bool allow_trailing,
                               struct hf_shard *shard)
{
        struct hf_safetensors_options options = {.allow_trailing = allow_trailing};
        const char *name = ckpt_source_name(source, shard->object);
        uint64_t size = ckpt_source_size(source, shard->object), length;
        unsigned char head[HF_SAFETENSORS_SNIFF];
        uint64_t sniffed = size < sizeof head ? size : sizeof head;
        struct hf_error error;
        ckpt_status r;

        r = ckpt_source_read(self, source, shard->object, 0, head, sniffed);
        if (r < 0)
                return r;
        if (hf_safetensors_header_length(head, (size_t)sniffed, size, &length, &error) < 0)
                return hf_fail_parse(self, name, &error);

        shard->header = malloc(length ? (size_t)length : 1);
        if (!shard->header)
                return hf_fail_memory(self);
        r = ckpt_source_read(self, source, shard->object, HF_SAFETENSORS_PREFIX, shard->header, length);
        if (r < 0)
                return r;
        if (hf_safetensors_parse(shard->header, (size_t)length, size, &options, &shard->table, &error) < 0)
                return hf_fail_parse(self, name, &error);
        if (shard->table.trailing)
                ckpt_log(self, CKPT_LOG_WARNING, "%s: %" PRIu64 " bytes after the last tensor are ignored",
                         name, shard->table.trailing);
        return 0;
}

ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source, bool allow_trailing,
                           struct hf_shards *shards)
{
        ckpt_status r, first = 0;
        uint32_t i;

        /* All are tried: who has to fetch one shard again wants to know of the others. */
        for (i = 0; i < shards->n_shards; i++) {
                r = read_header(self, source, allow_trailing, &shards->shards[i]);
                if (r < 0 && first == 0)
                        first = r;
        }
        return first;
}

static ckpt_status add_tensor(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                              const struct hf_tensor *tensor, ckpt_weights_builder *builder)
{
        int64_t shape[HF_RANK_MAX];
        char name[HF_NAME_MAX + 1];
        ckpt_leaf leaf = {
                .struct_size = sizeof leaf,
                .kind = CKPT_LEAF_OBJECT,
                .dtype = (ckpt_dtype)tensor->dtype + 1,
                .rank = tensor->rank,
                .shape = shape,
                .object = object,
                .offset = tensor->begin,
        };
        uint32_t i;

        memcpy(name, tensor->name.text, tensor->name.length);
        name[tensor->name.length] = '\0';
        for (i = 0; i < tensor->rank; i++) {
                /* Only beside a 0 can a dimension be that long. */
                if (tensor->shape[i] > INT64_MAX) {
                        ckpt_where where = {.struct_size = sizeof where,
                                            .tensor = name,
                                            .object = ckpt_source_name(source, object)};

                        return ckpt_fail(self, CKPT_E_LIMIT, &where,
                                         "a dimension of %" PRIu64 " is over the limit", tensor->shape[i]);
                }
                shape[i] = (int64_t)tensor->shape[i];
        }
        ckpt_weights_add(builder, name, ckpt_weights_leaf(builder, &leaf));
        return 0;
}

static ckpt_status add_tensors(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards,
                               ckpt_weights_builder *builder)
{
        ckpt_status r = 0;
        uint32_t s;
        size_t i;

        for (s = 0; s < shards->n_shards; s++)
                for (i = 0; r == 0 && i < shards->shards[s].table.n_tensors; i++)
                        r = add_tensor(self, source, shards->shards[s].object,
                                       &shards->shards[s].table.tensors[i], builder);
        return r;
}

static ckpt_status load_weights(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                ckpt_weights_builder *builder)
{
        struct hf_shards shards = {0};
        ckpt_status r;

        (void)mapping;
        r = hf_shards_select(self, source, ckpt_option_bool(self, "use_consolidated"), &shards);
        if (r == 0)
                r = hf_shards_read(self, source, ckpt_option_bool(self, "allow_trailing_bytes"), &shards);
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

static const ckpt_option *const options[] = {&use_consolidated, &allow_trailing_bytes};

const ckpt_weight_loader hf_weight_loader = {
        .struct_size = sizeof hf_weight_loader,
        .n_options = sizeof options / sizeof *options,
        .options = options,
        .load_weights = load_weights,
};
