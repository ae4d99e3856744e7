/* SPDX-License-Identifier: Apache-2.0 */
/* What a torch file says of its tensors: it has no header, and is read here and there while it is parsed. */
#include "components.h"
#include "shards_read.h"

#include <inttypes.h>
#include <string.h>

static int read_range(void *context, uint64_t offset, void *buffer, size_t size)
{
        struct hf_reading *reading = context;

        reading->status = ckpt_source_read(reading->self, reading->source, reading->shard->object, offset,
                                           buffer, size);
        return reading->status < 0 ? -1 : 0;
}

static void log_torch(const struct hf_reading *reading)
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

ckpt_status hf_read_torch(struct hf_reading *reading)
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
