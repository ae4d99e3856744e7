/* SPDX-License-Identifier: Apache-2.0 */
#include "torch_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The storages that `text` lists: their keys, elements, and widths. */
struct listed {
        char key[40];
        uint64_t count, width;
};

static size_t list_storages(const char *text, struct listed listed[TORCH_STORAGES_MAX])
{
        size_t n = 0;
        int used;

        for (; text && *(text += strspn(text, " ")); text += used, n++)
                if (n == TORCH_STORAGES_MAX ||
                    sscanf(text, "%39[^=]=%" SCNu64 "*%" SCNu64 "%n", listed[n].key, &listed[n].count,
                           &listed[n].width, &used) != 3)
                        abort();
        return n;
}

/* Bytes that differ from storage to storage. */
static void fill_storage(struct bytes *out, const struct listed *listed, size_t index)
{
        for (uint64_t i = 0; i < listed->count * listed->width; i++)
                bytes_add_number(out, 1 + 7 * i + 31 * index, 1);
}

static void place(struct torch_file *file, const struct listed *listed, uint64_t begin)
{
        struct torch_placed *placed = &file->storages[file->n_storages++];

        memcpy(placed->key, listed->key, sizeof(placed->key));
        placed->begin = begin;
        placed->size = listed->count * listed->width;
}

static void make_pickle(const struct torch_parts *parts, bool legacy, struct bytes *pickle)
{
        if (parts->raw)
                bytes_add(pickle, parts->raw->at, parts->raw->size);
        else
                pickle_assemble(pickle, parts->pickle, legacy);
}

static uint64_t add_member(struct zip_writer *zip, const struct torch_parts *parts, const char *name,
                           const struct bytes *bytes)
{
        char full[80];
        struct zip_entry entry = {.name = full, .bytes = bytes->at, .size = bytes->size};
        struct bytes packed = {0};
        uint64_t begin;

        if (parts->omit && strcmp(parts->omit, name) == 0)
                return 0;
        snprintf(full, sizeof(full), "archive/%s", name);
        if (parts->deflate && strcmp(parts->deflate, name) == 0) {
                deflate_stored(&packed, bytes->at, bytes->size);
                entry = (struct zip_entry){full, packed.at,   packed.size,
                                           8,    bytes->size, bytes_crc(bytes->at, bytes->size)};
        }
        begin = zip_writer_add(zip, &entry);
        bytes_free(&packed);
        return begin;
}

static uint64_t add_text_member(struct zip_writer *zip, const struct torch_parts *parts, const char *name,
                                const char *text)
{
        struct bytes bytes = {0};
        uint64_t begin;

        bytes_add_text(&bytes, text);
        begin = add_member(zip, parts, name, &bytes);
        bytes_free(&bytes);
        return begin;
}

static void add_storages(struct zip_writer *zip, const struct torch_parts *parts, struct torch_file *file)
{
        struct listed listed[TORCH_STORAGES_MAX];
        const size_t n = list_storages(parts->storages, listed);

        for (size_t i = 0; i < n; i++) {
                struct bytes bytes = {0};
                char name[60];

                snprintf(name, sizeof(name), "data/%.39s", listed[i].key);
                fill_storage(&bytes, &listed[i], i);
                place(file, &listed[i], add_member(zip, parts, name, &bytes));
                bytes_free(&bytes);
        }
}

void torch_write_zip(const struct torch_parts *parts, struct torch_file *ret_file)
{
        struct zip_writer zip = {0};
        struct bytes pickle = {0};

        memset(ret_file, 0, sizeof(*ret_file));
        make_pickle(parts, false, &pickle);
        ret_file->pickle = add_member(&zip, parts, "data.pkl", &pickle);
        ret_file->pickle_size = pickle.size;
        if (!parts->byteorder || *parts->byteorder)
                add_text_member(&zip, parts, "byteorder", parts->byteorder ? parts->byteorder : "little");
        add_storages(&zip, parts, ret_file);
        add_text_member(&zip, parts, "version", "3\n");
        if (parts->added)
                zip_writer_add(&zip, parts->added);
        zip_writer_end(&zip, &ret_file->bytes);
        bytes_free(&pickle);
}

static void assemble_keys(struct bytes *out, const struct listed *listed, size_t n)
{
        pickle_assemble(out, n ? "#8002 ] q0 (" : "#8002 ] q0", true);
        for (size_t i = 0; i < n; i++)
                pickle_text(out, listed[i].key, strlen(listed[i].key));
        pickle_assemble(out, n ? "e ." : ".", true);
}

static void add_pickle(struct bytes *out, const char *words, const char *usual)
{
        pickle_assemble(out, words ? words : usual, true);
}

void torch_write_legacy(const struct torch_parts *parts, struct torch_file *ret_file)
{
        static const char magic[] = "#8002 #8a0a6cfc9c46f920 #6aa85019 .";
        static const char system[] = "#8002 } q0 ( 'protocol_version' q1 1001 'little_endian' q2 NEWTRUE "
                                     "'type_sizes' q3 } q4 ( 'short' q5 2 'int' q6 4 'long' q7 4 u u .";
        struct bytes *out = &ret_file->bytes;
        struct listed listed[TORCH_STORAGES_MAX];
        const size_t n = list_storages(parts->storages, listed);

        memset(ret_file, 0, sizeof(*ret_file));
        add_pickle(out, parts->magic, magic);
        add_pickle(out, parts->version, "#8002 1001 .");
        add_pickle(out, parts->system, system);
        ret_file->pickle = out->size;
        make_pickle(parts, true, out);
        ret_file->pickle_size = out->size - ret_file->pickle;
        ret_file->keys = out->size;
        if (parts->keys)
                pickle_assemble(out, parts->keys, true);
        else
                assemble_keys(out, listed, n);
        for (size_t i = 0; i < n; i++) {
                bytes_add_number(out, listed[i].count + (uint64_t)(i ? 0 : parts->more), 8);
                place(ret_file, &listed[i], out->size);
                fill_storage(out, &listed[i], i);
        }
        bytes_fit(out);
}

void torch_file_free(struct torch_file *file)
{
        bytes_free(&file->bytes);
}
