/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: model.safetensors.index.json. What is accepted names plain files only, each once. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool promise)
{
        if (!promise)
                abort();
}

static void check_index(const struct hf_index *index)
{
        size_t i, j;

        for (i = 0; i < index->n_files; i++) {
                const struct hf_name *file = &index->files[i];

                check(hf_file_name_is_plain(file->text, file->length));
                for (j = 0; j < i && j < 100; j++)
                        check(hf_name_compare(file, &index->files[j]) != 0);
        }
        for (i = 0; i < index->n_entries; i++) {
                const struct hf_index_entry *entry = &index->entries[i];

                check(entry->file < index->n_files && entry->name.length <= HF_NAME_MAX);
                check(!memchr(entry->name.text, '\0', entry->name.length)); /* reads all of it */
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        char *text = malloc(size ? size : 1);
        struct hf_index index;
        struct hf_error error;

        if (!text)
                return 0;
        memcpy(text, bytes, size);
        if (hf_index_parse(text, size, &index, &error) == 0) {
                check_index(&index);
                hf_index_deinit(&index);
        } else {
                check(error.reason != HF_OK && error.message[0]);
        }
        free(text);
        return 0;
}
