/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

static uint8_t *read_file(checkpoint *c, const char *path, uint64_t *ret_size)
{
        FILE *file = fopen(path, "re");
        struct stat st;
        uint8_t *bytes;

        ck_assert_msg(file != NULL, "%s cannot be opened", path);
        ck_assert_int_eq(fstat(fileno(file), &st), 0);
        bytes = malloc((size_t)st.st_size);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(fread(bytes, 1, (size_t)st.st_size, file), (size_t)st.st_size);
        fclose(file);
        c->files = realloc(c->files, (c->n_files + 1) * sizeof(*c->files));
        ck_assert_ptr_nonnull(c->files);
        c->files[c->n_files++] = bytes;
        *ret_size = (uint64_t)st.st_size;
        return bytes;
}

static ckpt_dtype parse_dtype(const char *name)
{
        ckpt_dtype dtype = CKPT_DTYPE_BOOL;

        while (dtype < CKPT_DTYPE_COUNT && strcmp(ckpt_dtype_name(dtype), name) != 0)
                dtype++;
        ck_assert_msg(dtype < CKPT_DTYPE_COUNT, "no dtype '%s'", name);
        return dtype;
}

static void add_tensor(checkpoint *c, const char *name, const json_t *entry, const uint8_t *file,
                       uint64_t data)
{
        const json_t *shape = json_object_get(entry, "shape"),
                     *offsets = json_object_get(entry, "data_offsets");
        const uint64_t begin = (uint64_t)json_integer_value(json_array_get(offsets, 0));
        const uint64_t end = (uint64_t)json_integer_value(json_array_get(offsets, 1));
        checkpoint_tensor *tensor;

        c->tensors = realloc(c->tensors, (c->count + 1) * sizeof(*c->tensors));
        ck_assert_ptr_nonnull(c->tensors);
        tensor = &c->tensors[c->count++];
        *tensor = (checkpoint_tensor){
                .name = strdup(name),
                .dtype = parse_dtype(json_string_value(json_object_get(entry, "dtype"))),
                .rank = (uint32_t)json_array_size(shape),
                .data = file + data + begin,
                .offset = data + begin,
                .size = end - begin,
        };
        ck_assert_uint_le(tensor->rank, 8);
        for (uint32_t i = 0; i < tensor->rank; i++)
                tensor->shape[i] = json_integer_value(json_array_get(shape, i));
}

static void add_file(checkpoint *c, const char *path)
{
        json_t *root, *entry;
        uint64_t size, length = 0;
        const uint8_t *file = read_file(c, path, &size);
        json_error_t error;
        const char *name;

        ck_assert_uint_ge(size, 8);
        for (int i = 7; i >= 0; i--)
                length = length << 8 | file[i];
        ck_assert_uint_le(length, size - 8);
        root = json_loadb((const char *)file + 8, length, 0, &error);
        ck_assert_msg(root != NULL, "%s: %s", path, error.text);
        json_object_foreach(root, name, entry)
        {
                if (strcmp(name, "__metadata__") != 0)
                        add_tensor(c, name, entry, file, 8 + length);
        }
        json_decref(root);
}

static int is_tensor_file(const struct dirent *entry)
{
        const char *dot = strrchr(entry->d_name, '.');

        return dot != NULL && strcmp(dot, ".safetensors") == 0;
}

void checkpoint_init(checkpoint *c, const char *path)
{
        struct dirent **entries;
        struct stat st;
        char name[1024];
        int n;

        *c = (checkpoint){0};
        ck_assert_msg(stat(path, &st) == 0, "%s is not there", path);
        if (S_ISREG(st.st_mode)) {
                add_file(c, path);
                return;
        }
        n = scandir(path, &entries, is_tensor_file, alphasort);
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++) {
                snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
                add_file(c, name);
                free(entries[i]);
        }
        free(entries);
}

void checkpoint_deinit(checkpoint *c)
{
        for (uint64_t i = 0; i < c->count; i++)
                free(c->tensors[i].name);
        for (uint64_t i = 0; i < c->n_files; i++)
                free(c->files[i]);
        free(c->tensors);
        free(c->files);
}

const checkpoint_tensor *checkpoint_find(const checkpoint *c, const char *name)
{
        for (uint64_t i = 0; i < c->count; i++)
                if (strcmp(c->tensors[i].name, name) == 0)
                        return &c->tensors[i];
        return NULL;
}
