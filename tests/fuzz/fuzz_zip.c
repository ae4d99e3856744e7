/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: a whole zip archive. What is accepted must keep the reader's promises: names that differ
 * and lead nowhere, data inside the file that no two members share, and what is extracted is what its size
 * and its CRC say.
 */
#include "torch/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
        LIMIT = 1 << 16, /* what is extracted */
        PAIRS = 64       /* members that are compared with each other */
};

struct file {
        const uint8_t *bytes;
        size_t size;
};

static void check(bool promise)
{
        if (!promise)
                abort();
}

static int read_file(void *context, uint64_t offset, void *buffer, size_t size)
{
        const struct file *file = context;

        check(offset <= file->size && size <= file->size - offset);
        memcpy(buffer, file->bytes + offset, size);
        return 0;
}

static void check_name(const struct hf_zip *zip, const struct hf_zip_member *member)
{
        const struct hf_name *name = &member->name;
        char copy[HF_ZIP_NAME_MAX + 1];

        check(name->length > 0 && zip->root.length + 1 + name->length <= HF_ZIP_NAME_MAX);
        check(!memchr(name->text, '\0', name->length) && !memchr(name->text, '\\', name->length));
        check(name->text[0] != '/' && name->text[name->length - 1] != '/');
        check(hf_name_hash(name->text, name->length) == name->hash);
        memcpy(copy, name->text, name->length);
        copy[name->length] = '\0';
        check(!strstr(copy, "//") && strncmp(copy, "../", 3) != 0 && !strstr(copy, "/../"));
        check(hf_zip_find(zip, copy) == member);
}

static void check_ranges(const struct hf_zip *zip, uint64_t file_size)
{
        size_t i, j;

        for (i = 0; i < zip->n_members; i++) {
                const struct hf_zip_member *a = &zip->members[i], *b;

                check(a->offset <= file_size && a->packed <= file_size - a->offset);
                check(a->method == HF_ZIP_DEFLATED || (a->method == HF_ZIP_STORED && a->packed == a->size));
                for (j = i + 1; j < zip->n_members && j < i + PAIRS; j++) {
                        b = &zip->members[j];
                        check(a->offset + a->packed < b->offset || b->offset + b->packed < a->offset);
                }
        }
}

static void check_data(const struct hf_input *input, const struct hf_zip_member *member)
{
        struct hf_error error = {0};
        uint64_t size;
        char *bytes;
        int r = hf_zip_extract(input, member, LIMIT, &bytes, &size, &error);

        if (r == 0) {
                check(size == member->size && size <= LIMIT);
                check(crc32_z(0, (const Bytef *)bytes, (z_size_t)size) == member->crc);
                free(bytes);
        } else {
                check(error.reason != HF_OK && error.reason != HF_BAD_TRUNCATED && error.message[0]);
        }
        if (member->method == HF_ZIP_STORED && member->size <= LIMIT)
                check(hf_zip_verify(input, member, &error) == r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct file file = {bytes, size};
        struct hf_input input = {.read = read_file, .context = &file, .size = size};
        struct hf_error error = {0};
        struct hf_zip zip;
        size_t i;

        if (hf_zip_open(&input, &zip, &error) < 0) {
                check(error.reason != HF_OK && error.message[0]);
                return 0;
        }
        check(zip.n_members > 0);
        check_ranges(&zip, size);
        for (i = 0; i < zip.n_members; i++) {
                check_name(&zip, &zip.members[i]);
                check_data(&input, &zip.members[i]);
        }
        hf_zip_deinit(&zip);
        return 0;
}
