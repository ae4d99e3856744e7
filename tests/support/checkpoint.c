/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

#include <check.h>

static void copy_file(const char *from, const char *name)
{
        FILE *file = fopen(from, "re");
        char *bytes = NULL;
        size_t size;

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
        size = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(size + 1);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(fread(bytes, 1, size, file), size);
        fclose(file);
        scratch_write(name, bytes, size);
        free(bytes);
}

void checkpoint_copy(const char *fixture)
{
        char from[1024];
        DIR *dir;

        snprintf(from, sizeof(from), "%s/%s", test_place("CKPT_TEST_FIXTURES"), fixture);
        dir = opendir(from);
        ck_assert_msg(dir != NULL, "there is no fixture %s", from);
        for (const struct dirent *entry; (entry = readdir(dir));) {
                char path[1024 + 256];
                struct stat st;

                snprintf(path, sizeof(path), "%s/%s", from, entry->d_name);
                if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
                        copy_file(path, entry->d_name);
        }
        closedir(dir);
}

static json_t *read_json(const char *name)
{
        json_t *value = json_load_file(scratch_path(name), 0, NULL);

        ck_assert_msg(value != NULL, "%s is no JSON", name);
        return value;
}

static void write_json(const char *name, json_t *value)
{
        ck_assert_int_eq(json_dump_file(value, scratch_path(name), JSON_INDENT(2)), 0);
        json_decref(value);
}

static void set_or_remove(json_t *object, const char *key, json_t *value)
{
        if (value)
                ck_assert_int_eq(json_object_set_new(object, key, value), 0);
        else
                ck_assert_int_eq(json_object_del(object, key), 0);
}

void checkpoint_set_config(const char *key, json_t *value)
{
        json_t *config = read_json("config.json");

        set_or_remove(config, key, value);
        write_json("config.json", config);
}

void checkpoint_set_index(const char *tensor, const char *file)
{
        json_t *index = read_json("model.safetensors.index.json");

        set_or_remove(json_object_get(index, "weight_map"), tensor, file ? json_string(file) : NULL);
        write_json("model.safetensors.index.json", index);
}

void checkpoint_truncate(const char *file, uint64_t size)
{
        ck_assert_int_eq(truncate(scratch_path(file), (off_t)size), 0);
}

uint64_t checkpoint_size(const char *file)
{
        struct stat st;

        ck_assert_int_eq(stat(scratch_path(file), &st), 0);
        return (uint64_t)st.st_size;
}

tensor_file tensor_file_read(const char *file)
{
        tensor_file tensors = {.header = NULL};
        size_t size;
        char *bytes = scratch_read(file, &size);
        uint64_t length;

        ck_assert_uint_ge(size, 8);
        memcpy(&length, bytes, 8);
        ck_assert_uint_le(length, size - 8);
        tensors.header = json_loadb(bytes + 8, length, 0, NULL);
        ck_assert_ptr_nonnull(tensors.header);
        tensors.size = size - 8 - length;
        tensors.data = malloc(tensors.size + 1);
        ck_assert_ptr_nonnull(tensors.data);
        memcpy(tensors.data, bytes + 8 + length, tensors.size);
        free(bytes);
        return tensors;
}

static void pack(tensor_file *tensors, char *packed, size_t *ret_size)
{
        size_t at = 0;
        const char *name;
        json_t *entry;

        json_object_foreach(tensors->header, name, entry)
        {
                json_t *offsets = json_object_get(entry, "data_offsets");
                size_t begin, size;

                if (!offsets)
                        continue;
                begin = (size_t)json_integer_value(json_array_get(offsets, 0));
                size = (size_t)json_integer_value(json_array_get(offsets, 1)) - begin;
                memcpy(packed + at, tensors->data + begin, size);
                json_object_set_new(entry, "data_offsets",
                                    json_pack("[I, I]", (json_int_t)at, (json_int_t)(at + size)));
                at += size;
        }
        *ret_size = at;
}

static void write_parts(const char *file, const char *header, const char *data, size_t size)
{
        const uint64_t length = strlen(header);
        FILE *f = fopen(scratch_path(file), "we");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(&length, 8, 1, f), 1);
        ck_assert_uint_eq(fwrite(header, 1, length, f), length);
        ck_assert_uint_eq(fwrite(data, 1, size, f), size);
        ck_assert_int_eq(fclose(f), 0);
}

void tensor_file_write(tensor_file *tensors, const char *file)
{
        char *packed = malloc(tensors->size + 1), *text;
        size_t size;

        ck_assert_ptr_nonnull(packed);
        pack(tensors, packed, &size);
        text = json_dumps(tensors->header, JSON_COMPACT);
        ck_assert_ptr_nonnull(text);
        write_parts(file, text, packed, size);
        free(text);
        free(packed);
        free(tensors->data);
        json_decref(tensors->header);
}

void tensor_file_drop(tensor_file *tensors, const char *name)
{
        ck_assert_msg(json_object_del(tensors->header, name) == 0, "there is no %s", name);
}

void tensor_file_drop_prefix(tensor_file *tensors, const char *prefix)
{
        const char *name;
        json_t *entry;
        void *next;

        json_object_foreach_safe(tensors->header, next, name, entry)
        {
                if (strncmp(name, prefix, strlen(prefix)) == 0)
                        json_object_del(tensors->header, name);
        }
}

void tensor_file_add(tensor_file *tensors, const char *name, const char *dtype, const int64_t *shape,
                     uint32_t rank, uint64_t size)
{
        char *grown = realloc(tensors->data, tensors->size + size + 1);
        json_t *dims = json_array();

        ck_assert_ptr_nonnull(grown);
        memset(grown + tensors->size, 0, size);
        for (uint32_t i = 0; i < rank; i++)
                json_array_append_new(dims, json_integer(shape[i]));
        json_object_set_new(tensors->header, name,
                            json_pack("{s: s, s: o, s: [I, I]}", "dtype", dtype, "shape", dims,
                                      "data_offsets", (json_int_t)tensors->size,
                                      (json_int_t)(tensors->size + size)));
        tensors->data = grown;
        tensors->size += size;
}

void checkpoint_drop(const char *tensor)
{
        tensor_file tensors = tensor_file_read("model.safetensors");

        tensor_file_drop(&tensors, tensor);
        tensor_file_write(&tensors, "model.safetensors");
}

void checkpoint_pad(const char *file, size_t size)
{
        size_t whole;
        char *bytes = scratch_read(file, &whole), *text = malloc(size + 1);
        uint64_t length;

        ck_assert_ptr_nonnull(text);
        memcpy(&length, bytes, 8);
        ck_assert_uint_lt(length, size);
        memcpy(text, bytes + 8, length);
        memset(text + length, ' ', size - length);
        text[size] = '\0';
        write_parts(file, text, bytes + 8 + length, whole - 8 - length);
        free(text);
        free(bytes);
}

void checkpoint_write_raw(const char *file, const char *header, uint64_t size)
{
        char *zeros = calloc(1, size + 1);

        ck_assert_ptr_nonnull(zeros);
        write_parts(file, header, zeros, size);
        free(zeros);
}
