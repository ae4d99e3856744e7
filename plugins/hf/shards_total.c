/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size that an index says all tensors have. Writers do not agree whether one that has two names counts
 * twice, so both sums are right; and real indexes are often off, which is worth a word and not a refusal.
 */
#include "components.h"
#include "shards.h"

#include <inttypes.h>
#include <stdlib.h>

struct place {
        uint32_t shard;
        uint64_t begin, size;
};

static int compare(const void *a, const void *b)
{
        const struct place *x = a, *y = b;

        if (x->shard != y->shard)
                return x->shard < y->shard ? -1 : 1;
        if (x->begin != y->begin)
                return x->begin < y->begin ? -1 : 1;
        return (x->size > y->size) - (x->size < y->size);
}

static size_t count_tensors(const struct hf_shards *shards)
{
        size_t count = 0;
        uint32_t s;

        for (s = 0; s < shards->n_shards; s++)
                count += shards->shards[s].n_tensors;
        return count;
}

static uint64_t sum_all(const struct hf_shards *shards)
{
        uint64_t sum = 0;
        uint32_t s;
        size_t i;

        for (s = 0; s < shards->n_shards; s++)
                for (i = 0; i < shards->shards[s].n_tensors; i++)
                        sum += hf_tensor_size(&shards->shards[s].tensors[i]);
        return sum;
}

static void gather(const struct hf_shards *shards, struct place *places)
{
        uint32_t s;
        size_t i;

        for (s = 0; s < shards->n_shards; s++)
                for (i = 0; i < shards->shards[s].n_tensors; i++) {
                        const struct hf_tensor *tensor = &shards->shards[s].tensors[i];

                        *places++ = (struct place){s, tensor->begin, hf_tensor_size(tensor)};
                }
}

/* Those that lie in one place and have one size count once. */
static ckpt_status sum_once(const ckpt_frame *self, const struct hf_shards *shards, uint64_t *ret_sum)
{
        size_t count = count_tensors(shards), i;
        struct place *places = calloc(count ? count : 1, sizeof *places);
        uint64_t sum = 0;

        if (!places)
                return hf_fail_memory(self);
        gather(shards, places);
        qsort(places, count, sizeof *places, compare);
        for (i = 0; i < count; i++)
                if (i == 0 || compare(&places[i - 1], &places[i]) != 0)
                        sum += places[i].size;
        free(places);
        *ret_sum = sum;
        return 0;
}

ckpt_status hf_shards_check_total(const ckpt_frame *self, const struct hf_shards *shards)
{
        uint64_t total = shards->index.total_size, all = sum_all(shards), once = 0;
        ckpt_status r;

        if (!shards->index.has_total_size || total == all)
                return 0;
        r = sum_once(self, shards, &once);
        if (r == 0 && total != once)
                ckpt_log(self, CKPT_LOG_WARNING,
                         "%s says that the tensors have %" PRIu64 " bytes; they have %" PRIu64,
                         shards->index_name, total, all);
        return r;
}
