/* SPDX-License-Identifier: Apache-2.0 */
/* What each file says of its tensors, by the grammar that its name promises. */
#include "components.h"
#include "shards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One file, as both grammars need it. */
struct reading {
        ckpt_frame *self;
        const ckpt_source *source;
        const struct hf_shards_options *options;
        struct hf_shard *shard;
        const char *name;
        uint64_t size;
        unsigned char head[HF_SAFETENSORS_SNIFF];
        size_t sniffed;     /* bytes of the head */
        ckpt_status status; /* of the last read */
};

/* Files whose names promise another format than they have; their own grammar would call them damaged. */
static ckpt_status check_suffix(const struct reading *reading, bool is_torch)
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

static ckpt_status read_safetensors(struct reading *reading)
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

static int read_range(void *context, uint64_t offset, void *buffer, size_t size)
{
        struct reading *reading = context;

        reading->status = ckpt_source_read(reading->self, reading->source, reading->shard->object, offset,
                                           buffer, size);
        return reading->status < 0 ? -1 : 0;
}

static void log_torch(const struct reading *reading)
{
        const struct hf_torch *torch = &reading->shard->torch;

        if (strcmp(torch->state_dict, "/") != 0)
                ckpt_log(reading->self, CKPT_LOG_INFO, "%s: the weights are taken from its entry %s",
                         reading->name, torch->state_dict);
        if (torch->n_others)
                ckpt_log(reading->self, CKPT_LOG_WARNING,
                         "%s: %zu entries of the state dictionary are no tensors and are not read, the "
                         "first: %s",
                         reading->name, torch->n_others, torch->first_other);
        if (reading->options->torch.verify && torch->legacy)
                ckpt_log(reading->self, CKPT_LOG_INFO,
                         "%s: torch's legacy format has no checksums, nothing is verified", reading->name);
}

static ckpt_status read_torch(struct reading *reading)
{
        struct hf_input input = {.read = read_range, .context = reading, .size = reading->size};
        struct hf_shard *shard = reading->shard;
        struct hf_error error;

        if (hf_torch_open(&input, &reading->options->torch, &shard->torch, &error) < 0)
                return error.reason == HF_BAD_READ ? reading->status
                                                   : hf_fail_parse(reading->self, reading->name, &error);
        log_torch(reading);
        shard->tensors = shard->torch.tensors;
        shard->n_tensors = shard->torch.n_tensors;
        return 0;
}

static ckpt_status read_shard(struct reading *reading, bool is_torch)
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
        return is_torch ? read_torch(reading) : read_safetensors(reading);
}

ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source,
                           const struct hf_shards_options *options, struct hf_shards *shards)
{
        struct reading reading = {.self = self, .source = source, .options = options};
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
