/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: a whole safetensors file, its length included. What is accepted must keep the
 * parser's promises: sorted tensors that cover the data exactly, names without NUL, a metadata table that
 * can be read.
 */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool promise)
{
        if (!promise)
                abort();
}

/* Reads every byte that a table points to, so that a sanitizer sees a bad slice. */
static uint32_t touch(const struct hf_name *name)
{
        return hf_name_hash(name->text, name->length);
}

static void check_table(const struct hf_safetensors *table, uint64_t file_size)
{
        uint64_t expected = table->data;
        volatile uint64_t sum = 0;
        size_t i, d;

        for (i = 0; i < table->n_tensors; i++) {
                const struct hf_tensor *tensor = &table->tensors[i];

                check(tensor->begin == expected && tensor->end >= tensor->begin && tensor->end <= file_size);
                check(tensor->name.length <= HF_NAME_MAX &&
                      !memchr(tensor->name.text, '\0', tensor->name.length));
                sum += touch(&tensor->name);
                check(tensor->dtype < HF_DTYPES && tensor->rank <= HF_RANK_MAX);
                for (d = 0; d < tensor->rank; d++)
                        sum += tensor->shape[d];
                expected = tensor->end;
        }
        check(expected + table->trailing == file_size);
        for (i = 0; i < table->n_metadata; i++)
                sum += touch(&table->metadata[i].key) + touch(&table->metadata[i].value);
        (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct hf_safetensors_options options = {.allow_trailing = size & 1};
        struct hf_safetensors table;
        struct hf_error error;
        uint64_t length;
        char *header;

        if (hf_safetensors_header_length(bytes, size, size, &length, &error) < 0)
                return 0;
        header = malloc(length ? (size_t)length : 1);
        if (!header)
                return 0;
        memcpy(header, bytes + HF_SAFETENSORS_PREFIX, (size_t)length);
        if (hf_safetensors_parse(header, (size_t)length, size, &options, &table, &error) == 0) {
                check_table(&table, size);
                hf_safetensors_deinit(&table);
        } else {
                check(error.reason != HF_OK && error.message[0]);
        }
        free(header);
        return 0;
}
