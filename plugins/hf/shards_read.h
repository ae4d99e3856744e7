/* SPDX-License-Identifier: Apache-2.0 */
/* A file while it is read, between the files that read shards. */
#ifndef HF_SHARDS_READ_H
#define HF_SHARDS_READ_H

#include "shards.h"

/* One file, as both grammars need it. */
struct hf_reading {
        ckpt_frame *self;
        const ckpt_source *source;
        const struct hf_shards_options *options;
        struct hf_shard *shard;
        struct hf_header *header;
        const char *name;
        uint64_t size;
        unsigned char head[HF_SAFETENSORS_SNIFF];
        size_t sniffed;     /* bytes of the head */
        ckpt_status status; /* of the last read, then of the file */
};

/* Reads what a torch file says of its tensors. A failure is recorded. */
ckpt_status hf_read_torch(struct hf_reading *reading);

#endif
