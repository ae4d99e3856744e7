/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storages get their places by one comparison of all names: those that the container has, then every mention,
 * grouped by equality.
 */
#include "storage.h"

#include "machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct record {
        struct hf_name name; /* first */
        struct hf_storage *storage;
};

uint64_t hf_storage_width(const struct hf_storage *storage)
{
        return storage->class->meaning == HF_MEANS_UNTYPED_STORAGE ? 1 : storage->class->bytes;
}

uint64_t hf_storage_size(const struct hf_storage *storage)
{
        return storage->count * hf_storage_width(storage);
}

static int fail(struct hf_pickle *pickle, const struct hf_storage *storage, enum hf_reason reason,
                const char *problem)
{
        char key[96];

        pickle->at = (size_t)storage->position;
        return hf_pickle_fail(pickle, reason, "storage %s %s",
                              hf_name_print(storage->key.text, storage->key.length, key, sizeof key),
                              problem);
}

/* torch mentions a storage by its bytes where a dtype is too new for a class: no word of its elements. */
static bool is_untyped(const struct hf_storage *storage)
{
        return storage->class->meaning == HF_MEANS_UNTYPED_STORAGE;
}

static int match(struct hf_pickle *pickle, struct hf_storage *storage, struct hf_place *place)
{
        const struct hf_storage *first = place->storage;

        storage->place = place;
        if (!first) {
                place->storage = storage;
                return 0;
        }
        if (is_untyped(first))
                place->storage = storage;
        else if (first->class != storage->class && !is_untyped(storage))
                return fail(pickle, storage, HF_BAD_STORAGE, "is of two classes");
        if (hf_storage_size(first) != hf_storage_size(storage))
                return fail(pickle, storage, HF_BAD_STORAGE, "is of two sizes");
        return 0;
}

static int match_all(struct hf_pickle *pickle, struct hf_place *places, size_t n_places,
                     const struct record *records, const uint32_t *first)
{
        size_t i;

        for (i = n_places; i < n_places + pickle->n_storages; i++) {
                if (first[i] >= n_places)
                        return fail(pickle, records[i].storage, HF_BAD_STORAGE, "is not in the file");
                if (match(pickle, records[i].storage, &places[first[i]]) < 0)
                        return -1;
        }
        return 0;
}

int hf_storages_match(struct hf_pickle *pickle, struct hf_place *places, size_t n_places)
{
        size_t count = n_places + pickle->n_storages, i, again, original;
        struct record *records = calloc(count ? count : 1, sizeof *records);
        uint32_t *first = calloc(count ? count : 1, sizeof *first);
        struct hf_storage *storage = pickle->storages;
        int r = -1;

        if (records && first) {
                for (i = 0; i < n_places; i++)
                        records[i].name = places[i].name;
                for (; storage; storage = storage->next, i++)
                        records[i] = (struct record){storage->key, storage};
                r = hf_names_group(records, sizeof *records, count, first, &again, &original);
        }
        r = r < 0 ? hf_error_set_memory(pickle->error) : match_all(pickle, places, n_places, records, first);
        free(records);
        free(first);
        return r;
}

int hf_storages_check(struct hf_pickle *pickle, const struct hf_place *places, size_t n_places)
{
        char problem[120];
        size_t i;

        for (i = 0; i < n_places; i++) {
                const struct hf_storage *storage = places[i].storage;

                if (!storage || places[i].size == hf_storage_size(storage))
                        continue;
                snprintf(problem, sizeof problem, "should have %" PRIu64 " bytes, but has %" PRIu64,
                         hf_storage_size(storage), places[i].size);
                return fail(pickle, storage, HF_BAD_STORAGE, problem);
        }
        return 0;
}
