/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one checkpoint that hold its weights: which ones count, what each says of its tensors, and
 * what the index says of them.
 */
#ifndef HF_SHARDS_H
#define HF_SHARDS_H

#include <ckpt/interfaces.h>

#include "families.h"
#include "headers.h"
#include "index.h"
#include "torch/torch.h"

struct hf_shard {
        uint32_t object;
        const struct hf_tensor *tensors; /* of whichever of the two it is */
        size_t n_tensors;
        struct hf_torch torch; /* zeros for a safetensors file */
};

struct hf_shards {
        const struct hf_family *family;
        struct hf_shard *shards;
        struct hf_header *headers; /* one for each of them; zeros for torch files */
        uint32_t n_shards;

        /* With an index only. */
        const char *index_name; /* NULL: there is none */
        char *index_text;
        struct hf_index index;
};

struct hf_shards_options {
        bool use_consolidated;
        bool allow_trailing;           /* of safetensors files */
        struct hf_torch_options torch; /* its `verify` is meant for all files */
};

/*
 * Chooses the files: of the first family that has an index or files, those of the index, else those with or
 * without "consolidated" in their names as the options ask, unless that leaves none. Nothing is read of them
 * yet. *shards starts as zeros, and is to be deinited whatever comes back.
 */
ckpt_status hf_shards_select(ckpt_frame *self, const ckpt_source *source, bool use_consolidated,
                             struct hf_shards *shards);

/* The same where the source has an index, which is that object. */
ckpt_status hf_shards_select_by_index(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                      struct hf_shards *shards);

/* Room for `count` shards. */
ckpt_status hf_shards_allocate(const ckpt_frame *self, struct hf_shards *shards, size_t count);

/* Without an index: whether of the files that say "3 of 7" in their names all are there. */
ckpt_status hf_shards_check_numbers(const ckpt_frame *self, const ckpt_source *source,
                                    const struct hf_shards *shards);

/* Reads and parses what every file says of its tensors. */
ckpt_status hf_shards_read(ckpt_frame *self, const ckpt_source *source,
                           const struct hf_shards_options *options, struct hf_shards *shards);

/*
 * Checks that no tensor is in two shards, and that the index, where there is one, tells the truth: every
 * tensor is where it says, and there are no others. Every lie is recorded.
 */
ckpt_status hf_shards_check(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards);

/* Warns of an index whose total is wrong. Fails only when memory is out. */
ckpt_status hf_shards_check_total(const ckpt_frame *self, const struct hf_shards *shards);

void hf_shards_deinit(struct hf_shards *shards);

#endif
