/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors together: every byte of the data belongs to exactly one of them. */
#include "safetensors.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * By bytes, then by name: tensors of size 0 may share a place, and the order must not depend on the sort.
 */
static int compare_places(const void *a, const void *b)
{
        const struct hf_tensor *x = a, *y = b;

        if (x->begin != y->begin)
                return x->begin < y->begin ? -1 : 1;
        if (x->end != y->end)
                return x->end < y->end ? -1 : 1;
        return hf_name_compare(&x->name, &y->name);
}

static bool is_sorted(const struct hf_safetensors *table)
{
        size_t i;

        for (i = 1; i < table->n_tensors; i++)
                if (compare_places(&table->tensors[i - 1], &table->tensors[i]) > 0)
                        return false;
        return true;
}

static int fail_place(struct hf_safetensors_parser *parser, size_t index, uint64_t expected)
{
        const struct hf_tensor *tensor = &parser->table.tensors[index];
        uint64_t data = parser->table.data;
        char before[96] = "the header";

        if (index > 0)
                hf_name_print(tensor[-1].name.text, tensor[-1].name.length, before, sizeof before);
        if (tensor->begin > expected)
                return hf_error_set(parser->error, HF_BAD_HOLE, expected, &tensor->name,
                                    "bytes %" PRIu64 " to %" PRIu64
                                    " of the data, after %s, belong to no tensor",
                                    expected - data, tensor->begin - data, before);
        return hf_error_set(parser->error, HF_BAD_OVERLAP, tensor->begin, &tensor->name,
                            "the tensor begins at byte %" PRIu64
                            " of the data, inside %s, which ends at %" PRIu64,
                            tensor->begin - data, before, expected - data);
}

int hf_safetensors_check_layout(struct hf_safetensors_parser *parser, bool allow_trailing)
{
        struct hf_safetensors *table = &parser->table;
        uint64_t expected = table->data;
        size_t i;

        /* Writers list tensors in the order of their data, so that sorting is the rare case. */
        if (!is_sorted(table))
                qsort(table->tensors, table->n_tensors, sizeof *table->tensors, compare_places);
        for (i = 0; i < table->n_tensors; i++) {
                if (table->tensors[i].begin != expected)
                        return fail_place(parser, i, expected);
                expected = table->tensors[i].end;
        }

        table->trailing = parser->file_size - expected;
        if (table->trailing && !allow_trailing)
                return hf_error_set(parser->error, HF_BAD_DATA_TRAILING, expected, NULL,
                                    "%" PRIu64 " bytes follow the last tensor, which ends at byte %" PRIu64
                                    " of the file",
                                    table->trailing, expected);
        return 0;
}
