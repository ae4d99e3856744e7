/* SPDX-License-Identifier: Apache-2.0 */
/* What each file says of its tensors, by the grammar that its name promises. */
#include "shards_read.h"

#include "components.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_safetensors(const struct hf_reading *reading)
{
        return hf_safetensors_looks_like(reading->head, reading->sniffed, reading->size);
}

static bool is_torch_instead(const struct hf_reading *reading)
{
        return !is_safetensors(reading) && hf_torch_looks_like(reading->head, reading->sniffed);
}

/* Files whose names promise another format than they have; their own grammar would call them damaged. */
static ckpt_status check_suffix(const struct hf_reading *reading, bool is_torch)
{
        ckpt_where where = {.struct_size = sizeof where, .object = reading->name};

        if (is_torch && is_safetensors(reading)) {
                where.hint = "give it a name that ends in .safetensors";
                return ckpt_fail(reading->self, CKPT_E_UNSUPPORTED, &where,
                                 "this is a safetensors file, not one that torch.save wrote");
        }
        if (!is_torch && is_torch_instead(reading)) {
                where.hint = "give it a name that ends in .bin, as torch.save's files have";
                return ckpt_fail(reading->self, CKPT_E_UNSUPPORTED, &where,
                                 "this is a %s, as torch.save writes, not a safetensors file",
                                 reading->head[0] == 'P' ? "zip archive" : "pickle");
        }
        return 0;
}

/* Only what is refused by the runtime is recorded here; all else is told in the order of the files, later. */
static ckpt_status read_header(struct hf_reading *reading)
{
        struct hf_header *header = reading->header;
        struct hf_error error;
        uint64_t length;
        ckpt_status r;
        char *text;

        if (is_torch_instead(reading))
                return 0;
        if (hf_safetensors_header_length(reading->head, reading->sniffed, reading->size, &length, &error) <
            0) {
                hf_header_fail(header, &error);
                return 0;
        }
        text = malloc(length ? (size_t)length : 1);
        if (!text)
                return hf_fail_memory(reading->self);
        r = ckpt_source_read(reading->self, reading->source, reading->shard->object, HF_SAFETENSORS_PREFIX,
                             text, length);
        if (r < 0) {
                free(text);
                return r;
        }
        header->text = text;
        header->length = (size_t)length;
        header->file_size = reading->size;
        return 0;
}

/* What is to be said of a header that was read, and perhaps parsed. */
static ckpt_status take_header(const struct hf_reading *reading)
{
        const struct hf_header *header = reading->header;
        ckpt_status r = check_suffix(reading, false);

        if (r < 0)
                return r;
        if (header->failed)
                return header->error ? hf_fail_parse(reading->self, reading->name, header->error)
                                     : hf_fail_memory(reading->self);
        if (header->table.trailing)
                ckpt_log(reading->self, CKPT_LOG_WARNING,
                         "%s: %" PRIu64 " bytes after the last tensor are ignored", reading->name,
                         header->table.trailing);
        reading->shard->tensors = header->table.tensors;
        reading->shard->n_tensors = header->table.n_tensors;
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
        if (r < 0 || !is_torch)
                return r < 0 ? r : read_header(reading);
        r = check_suffix(reading, true);
        return r < 0 ? r : hf_read_torch(reading);
}

/* All are tried: who has to fetch one shard again wants to know of the others. The first failure is given. */
static ckpt_status read_all(struct hf_reading *readings, const struct hf_shards *shards,
                            const struct hf_shards_options *options)
{
        const struct hf_safetensors_options trailing = {.allow_trailing = options->allow_trailing};
        bool is_torch = shards->family->is_torch;
        ckpt_status r, first = 0;
        uint32_t i;

        for (i = 0; i < shards->n_shards; i++)
                readings[i].status = read_shard(&readings[i], is_torch);
        if (!is_torch)
                hf_headers_parse(shards->headers, shards->n_shards, &trailing);
        for (i = 0; i < shards->n_shards; i++) {
                r = readings[i].status;
                if (r == 0 && !is_torch)
                        r = take_header(&readings[i]);
                if (r < 0 && first == 0)
                        first = r;
        }
        return first;
}

ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source,
                           const struct hf_shards_options *options, struct hf_shards *shards)
{
        struct hf_reading *readings = calloc(shards->n_shards ? shards->n_shards : 1, sizeof *readings);
        ckpt_status r;
        uint32_t i;

        if (!readings)
                return hf_fail_memory(self);
        if (options->torch.verify && !shards->family->is_torch)
                ckpt_log(self, CKPT_LOG_INFO, "safetensors files have no checksums, nothing is verified");
        for (i = 0; i < shards->n_shards; i++) {
                readings[i].self = self;
                readings[i].source = source;
                readings[i].options = options;
                readings[i].shard = &shards->shards[i];
                readings[i].header = &shards->headers[i];
        }
        r = read_all(readings, shards, options);
        free(readings);
        return r;
}
