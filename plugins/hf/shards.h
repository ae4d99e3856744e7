/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The safetensors files of one checkpoint: which ones count, their headers, and what the index says of
 * them.
 */
#ifndef HF_SHARDS_H
#define HF_SHARDS_H

#include <ckpt/interfaces.h>

#include "index.h"
#include "safetensors.h"

struct hf_shard {
        uint32_t object;
        char *header; /* what the table's names point into */
        struct hf_safetensors table;
};

struct hf_shards {
        struct hf_shard *shards;
        uint32_t n_shards;

        /* With an index only. */
        const char *index_name; /* NULL: there is none */
        char *index_text;
        struct hf_index index;
};

/*
 * Chooses the files: those of the index when there is one, else every *.safetensors file, with or without
 * "consolidated" in its name as `use_consolidated` asks, unless that leaves none. Headers are not read yet.
 * *shards starts as zeros, and is to be deinited whatever comes back.
 */
ckpt_status hf_shards_select(ckpt_frame *self, const ckpt_source *source, bool use_consolidated,
                             struct hf_shards *shards);

/* Reads and parses every header. */
ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source, bool allow_trailing,
                           struct hf_shards *shards);

/*
 * Checks that no tensor is in two shards, and that the index, where there is one, tells the truth: every
 * tensor is where it says, and there are no others. Every lie is recorded.
 */
ckpt_status hf_shards_check(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards);

void hf_shards_deinit(struct hf_shards *shards);

#endif
