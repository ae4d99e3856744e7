/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index and shards nearly always agree, which is told by walking through both. Where that is not seen, all
 * names at once: those of the index, then those of every shard, grouped by equality. One pass then tells a
 * tensor that the index misplaces, one that it does not know, one that is nowhere, and one that is in two
 * files.
 */
#include "components.h"
#include "shards.h"

#include <stdlib.h>

enum {
        NAMED_PRINT_MAX = 160,
        REPORTS_MAX = 100
};

struct record {
        struct hf_name name; /* first */
        uint32_t shard;      /* of an index entry: where it should be */
        bool found;          /* of an index entry: a shard has it */
};

struct check {
        ckpt_frame *self;
        const ckpt_source *source;
        const struct hf_shards *shards;
        struct record *records;
        size_t n_entries, n_records;
        size_t n_reports;
        bool sliced; /* said already */
        ckpt_status status;
};

static const char *shard_name(const struct check *check, uint32_t shard)
{
        return ckpt_source_name(check->source, check->shards->shards[shard].object);
}

/* Records one lie; a thousand more of the same kind help nobody. */
static void report(struct check *check, const struct record *record, uint32_t shard, const char *problem,
                   const char *other)
{
        char tensor[NAMED_PRINT_MAX];
        ckpt_where where = {
                .struct_size = sizeof where,
                .object = shard_name(check, shard),
                .tensor = hf_name_print(record->name.text, record->name.length, tensor, sizeof tensor),
                .hint = "fetch the checkpoint again, with the index that belongs to it"};

        check->status = CKPT_E_CORRUPT;
        if (check->n_reports++ < REPORTS_MAX)
                check->status = ckpt_fail(check->self, CKPT_E_CORRUPT, &where, "%s %s", problem, other);
}

static ckpt_status gather(struct check *check)
{
        const struct hf_shards *shards = check->shards;
        size_t i, n = 0;
        uint32_t s;

        check->n_entries = shards->index.n_entries;
        check->n_records = check->n_entries;
        for (s = 0; s < shards->n_shards; s++)
                check->n_records += shards->shards[s].n_tensors;
        check->records = calloc(check->n_records ? check->n_records : 1, sizeof *check->records);
        if (!check->records)
                return hf_fail_memory(check->self);

        for (i = 0; i < check->n_entries; i++)
                check->records[n++] =
                        (struct record){shards->index.entries[i].name, shards->index.entries[i].file, false};
        for (s = 0; s < shards->n_shards; s++)
                for (i = 0; i < shards->shards[s].n_tensors; i++)
                        check->records[n++] = (struct record){shards->shards[s].tensors[i].name, s, false};
        return 0;
}

static void check_indexed(struct check *check, const struct record *record, struct record *entry)
{
        if (record->shard != entry->shard)
                report(check, record, record->shard, "the index says that the tensor is in",
                       shard_name(check, entry->shard));
        entry->found = true;
}

/* Slices of one model share all names, which is one thing to say and not one for every tensor. */
static void report_slices(struct check *check, const struct record *record, const struct record *original)
{
        char tensor[NAMED_PRINT_MAX];
        ckpt_where where = {
                .struct_size = sizeof where,
                .object = shard_name(check, record->shard),
                .tensor = hf_name_print(record->name.text, record->name.length, tensor, sizeof tensor),
                .hint = "these files are tensor-parallel slices of one model; first merge them into one, or "
                        "convert the checkpoint"};

        if (!check->sliced)
                check->status = ckpt_fail(check->self, CKPT_E_UNSUPPORTED, &where, "the tensor is also in %s",
                                          shard_name(check, original->shard));
        check->sliced = true;
}

static void check_repeated(struct check *check, const struct record *record, const struct record *original)
{
        if (hf_is_slice(shard_name(check, record->shard)) && hf_is_slice(shard_name(check, original->shard)))
                report_slices(check, record, original);
        else
                report(check, record, record->shard, "the tensor is also in",
                       shard_name(check, original->shard));
}

static void compare(struct check *check, const uint32_t *first)
{
        size_t i;

        for (i = check->n_entries; i < check->n_records; i++) {
                const struct record *record = &check->records[i];

                if (first[i] < check->n_entries)
                        check_indexed(check, record, &check->records[first[i]]);
                else if (first[i] < i)
                        check_repeated(check, record, &check->records[first[i]]);
                else if (check->shards->index_name)
                        report(check, record, record->shard, "the tensor is not in",
                               check->shards->index_name);
        }
        for (i = 0; i < check->n_entries; i++)
                if (!check->records[i].found)
                        report(check, &check->records[i], check->records[i].shard,
                               "the tensor is not in this file, where it should be by",
                               check->shards->index_name);
}

static ckpt_status compare_all(struct check *check)
{
        size_t count = check->n_records ? check->n_records : 1, again, original;
        uint32_t *first = calloc(count, sizeof *first);

        if (!first)
                return hf_fail_memory(check->self);
        if (hf_names_group(check->records, sizeof *check->records, check->n_records, first, &again,
                           &original) < 0)
                check->status = hf_fail_memory(check->self);
        else
                compare(check, first);
        free(first);
        return check->status;
}

/* Whether it was seen that the index lists what is in the shards and nothing else. */
static bool is_agreed(const struct hf_shards *shards)
{
        size_t n = 0;
        uint32_t s;

        for (s = 0; s < shards->n_shards; s++) {
                const struct hf_shard *shard = &shards->shards[s];

                if (hf_index_match(&shards->index, s, shard->tensors, shard->n_tensors) < shard->n_tensors)
                        return false;
                n += shard->n_tensors;
        }
        return n == shards->index.n_entries;
}

static ckpt_status check_names(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards)
{
        struct check check = {.self = self, .source = source, .shards = shards};
        ckpt_status r = gather(&check);

        if (r == 0)
                r = compare_all(&check);
        free(check.records);
        return r;
}

ckpt_status hf_shards_check(ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards)
{
        ckpt_status r = 0;

        /* One file's names were compared when it was parsed. */
        if (!shards->index_name && shards->n_shards < 2)
                return 0;
        if (!shards->index_name || !is_agreed(shards))
                r = check_names(self, source, shards);
        return r == 0 ? hf_shards_check_total(self, shards) : r;
}
