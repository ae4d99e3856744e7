/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors are called by one letter, so that a list of files fits a line of a table. */
#include "test_hf_files.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct bytes *add(struct hf_files *files, const char *name, int length)
{
        char *copy = files->names[files->source.count];

        ck_assert_uint_lt(files->source.count, HOST_FILES_MAX);
        ck_assert_int_lt(length, 64);
        memcpy(copy, name, (size_t)length);
        copy[length] = '\0';
        host_add_file(&files->source, copy, NULL, 0);
        return &files->bytes[files->source.count - 1];
}

static void finish(struct hf_files *files)
{
        const struct bytes *bytes = &files->bytes[files->source.count - 1];

        files->source.files[files->source.count - 1].bytes = (const char *)bytes->at;
        files->source.files[files->source.count - 1].size = bytes->size;
}

/* Of bytes, two for each tensor. */
static void write_safetensors(struct bytes *file, const char *letters)
{
        char header[1024] = "{";
        size_t length = 1, i;

        for (i = 0; letters[i]; i++)
                length += (size_t)sprintf(
                        header + length,
                        "%s\"%c\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[%zu,%zu]}", i ? "," : "",
                        letters[i], 2 * i, 2 * i + 2);
        header[length++] = '}';
        bytes_add_number(file, length, 8);
        bytes_add(file, header, length);
        bytes_fill(file, 7, 2 * i);
}

static void write_torch(struct bytes *ret_file, const char *letters, bool legacy)
{
        char pickle[4096] = "#8002 } (", storages[128] = "";
        struct torch_parts parts = {.pickle = pickle, .storages = storages};
        struct torch_file file;
        size_t i;

        for (i = 0; letters[i]; i++) {
                sprintf(pickle + strlen(pickle), " '%c' " T_VECTOR("<Char:%zu:2>", "2"), letters[i], i);
                sprintf(storages + strlen(storages), " %zu=2*1", i);
        }
        strcat(pickle, " u .");
        if (legacy)
                torch_write_legacy(&parts, &file);
        else
                torch_write_zip(&parts, &file);
        *ret_file = file.bytes;
}

static void add_one(struct hf_files *files, const char *item, size_t length)
{
        const char *tensors = memchr(item, '=', length);
        size_t name = tensors ? (size_t)(tensors - item) : length;
        struct bytes *bytes = add(files, item, (int)name);
        bool safetensors = strstr(files->names[files->source.count - 1], ".safetensors") != NULL;
        char letters[16] = "";

        if (!tensors) {
                bytes_add_text(bytes, "x");
        } else {
                bool legacy = tensors[1] == '~', other = tensors[1] == '!';
                size_t skip = 1 + legacy + other;

                memcpy(letters, tensors + skip, length - name - skip);
                if (safetensors != other)
                        write_safetensors(bytes, letters);
                else
                        write_torch(bytes, letters, legacy);
        }
        finish(files);
}

void hf_files_add(struct hf_files *files, const char *list)
{
        for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
                size_t length = strcspn(list, " ");

                add_one(files, list, length);
                list += length;
        }
}

void hf_files_add_torch(struct hf_files *files, const char *name, const struct torch_parts *parts,
                        bool legacy)
{
        struct bytes *bytes = add(files, name, (int)strlen(name));
        struct torch_file file;

        if (legacy)
                torch_write_legacy(parts, &file);
        else
                torch_write_zip(parts, &file);
        *bytes = file.bytes;
        finish(files);
}

void hf_files_add_text(struct hf_files *files, const char *name, const char *text)
{
        bytes_add_text(add(files, name, (int)strlen(name)), text);
        finish(files);
}

void hf_files_deinit(struct hf_files *files)
{
        while (files->source.count)
                bytes_free(&files->bytes[--files->source.count]);
}

ckpt_status hf_files_load(struct hf_files *files, struct host_report *report, ckpt_weights_builder *builder,
                          char ret_names[128])
{
        ckpt_frame frame = {.api = &host_api, .data = report};
        ckpt_mapping mapping = CKPT_MAPPING_INIT;
        ckpt_status r;
        uint32_t i;

        frame.base = frame.top = &frame;
        files->source.api = &host_api;
        builder->api = &host_api;
        builder->count = 0;
        r = host_component(CKPT_KIND_WEIGHT_LOADER)
                    ->as.weight_loader->load_weights(&frame, &files->source, &mapping, builder);
        ret_names[0] = '\0';
        for (i = 0; i < builder->count; i++)
                sprintf(ret_names + strlen(ret_names), "%s%s", i ? " " : "", builder->entries[i].name);
        return r;
}
