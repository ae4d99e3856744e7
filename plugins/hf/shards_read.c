/* SPDX-License-Identifier: Apache-2.0 */
/* What each file says of its tensors, by the grammar that its name promises. */
#include "shards_read.h"

#include "components.h"

#include <inttypes.h>
#include <stdlib.h>

/* Files whose names promise another format than they have; their own grammar would call them damaged. */
static ckpt_status check_suffix(const struct hf_reading *reading, bool is_torch)
{
        bool safetensors = hf_safetensors_looks_like(reading->head, reading->sniffed, reading->size);
        ckpt_where where = {.struct_size = sizeof where, .object = reading->name};

        if (is_torch && safetensors) {
                where.hint = "give it a name that ends in .safetensors";
                return ckpt_fail(reading->self, CKPT_E_UNSUPPORTED, &where,
                                 "this is a safetensors file, not one that torch.save wrote");
        }
        if (!is_torch && !safetensors && hf_torch_looks_like(reading->head, reading->sniffed)) {
                where.hint = "give it a name that ends in .bin, as torch.save's files have";
                return ckpt_fail(reading->self, CKPT_E_UNSUPPORTED, &where,
                                 "this is a %s, as torch.save writes, not a safetensors file",
                                 reading->head[0] == 'P' ? "zip archive" : "pickle");
        }
        return 0;
}

static ckpt_status read_safetensors(struct hf_reading *reading)
{
        struct hf_safetensors_options options = {.allow_trailing = reading->options->allow_trailing};
        struct hf_shard *shard = reading->shard;
        struct hf_error error;
        uint64_t length;
        ckpt_status r;

        if (hf_safetensors_header_length(reading->head, reading->sniffed, reading->size, &length, &error) < 0)
                return hf_fail_parse(reading->self, reading->name, &error);
        shard->header = malloc(length ? (size_t)length : 1);
        if (!shard->header)
                return hf_fail_memory(reading->self);
        r = ckpt_source_read(reading->self, reading->source, shard->object, HF_SAFETENSORS_PREFIX,
                             shard->header, length);
        if (r < 0)
                return r;
        if (hf_safetensors_parse(shard->header, (size_t)length, reading->size, &options, &shard->table,
                                 &error) < 0)
                return hf_fail_parse(reading->self, reading->name, &error);
        if (shard->table.trailing)
                ckpt_log(reading->self, CKPT_LOG_WARNING,
                         "%s: %" PRIu64 " bytes after the last tensor are ignored", reading->name,
                         shard->table.trailing);
        shard->tensors = shard->table.tensors;
        shard->n_tensors = shard->table.n_tensors;
        return 0;
}

static ckpt_status read_shard(struct hf_reading *reading, bool is_torch)
{
        ckpt_status r;

        reading->name = ckpt_source_name(reading->source, reading->shard->object);
        reading->size = ckpt_source_size(reading->source, reading->shard->object);
        reading->sniffed =
                reading->size < sizeof reading->head ? (size_t)reading->size : sizeof reading->head;
        r = ckpt_source_read(reading->self, reading->source, reading->shard->object, 0, reading->head,
                             reading->sniffed);
        if (r == 0)
                r = check_suffix(reading, is_torch);
        if (r < 0)
                return r;
        return is_torch ? hf_read_torch(reading) : read_safetensors(reading);
}

ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source,
                           const struct hf_shards_options *options, struct hf_shards *shards)
{
        struct hf_reading reading = {.self = self, .source = source, .options = options};
        ckpt_status r, first = 0;
        uint32_t i;

        if (options->torch.verify && !shards->family->is_torch)
                ckpt_log(self, CKPT_LOG_INFO, "safetensors files have no checksums, nothing is verified");
        /* All are tried: who has to fetch one shard again wants to know of the others. */
        for (i = 0; i < shards->n_shards; i++) {
                reading.shard = &shards->shards[i];
                r = read_shard(&reading, shards->family->is_torch);
                if (r < 0 && first == 0)
                        first = r;
        }
        return first;
}
