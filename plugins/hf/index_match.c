/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file holds beside what the index says of it, by walking through both in order: writers sort names,
 * so that no table of them is needed.
 */
#include "index.h"

/* Where a name stands, sought from `at` on in steps that double; n_entries when it was not met. */
static size_t seek(const struct hf_index *index, size_t at, const struct hf_name *name)
{
        size_t end = at, step = 1;

        while (end < index->n_entries && hf_name_compare(&index->entries[end].name, name) < 0) {
                at = end + 1;
                end = step < index->n_entries - end ? end + step : index->n_entries;
                step *= 2;
        }
        while (at < end) {
                size_t middle = at + (end - at) / 2;

                if (hf_name_compare(&index->entries[middle].name, name) < 0)
                        at = middle + 1;
                else
                        end = middle;
        }
        return at < index->n_entries && hf_name_compare(&index->entries[at].name, name) == 0
                       ? at
                       : index->n_entries;
}

size_t hf_index_match(const struct hf_index *index, uint32_t file, const struct hf_tensor *tensors,
                      size_t count)
{
        size_t at = 0, i;

        for (i = 0; i < count; i++) {
                at = seek(index, at, &tensors[i].name);
                if (at == index->n_entries || index->entries[at].file != file)
                        break;
        }
        return i;
}
