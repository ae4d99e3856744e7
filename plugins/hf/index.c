/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a sharded checkpoint. Pairs are gathered as they stand, then compared all at once. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

/* While parsing, an entry still carries its file's name. */
struct pair {
        struct hf_name name; /* first */
        struct hf_name file;
};

struct parser {
        struct hf_json json;
        struct hf_index index;
        struct hf_error *error;
        struct pair *pairs;
        size_t n_pairs, size;
        bool map_seen, metadata_seen;
};

static int fail_json(struct parser *parser)
{
        return hf_error_set_json(parser->error, &parser->json, 0, NULL);
}

static int fail(struct parser *parser, enum hf_reason reason, const struct hf_name *name, const char *message)
{
        return hf_error_set(parser->error, reason, hf_json_position(&parser->json), name, "%s", message);
}

bool hf_file_name_is_plain(const char *text, size_t length)
{
        if (length == 0 || length > HF_INDEX_FILE_NAME_MAX)
                return false;
        if (memchr(text, '/', length) || memchr(text, '\0', length))
                return false;
        return !(text[0] == '.' && (length == 1 || (length == 2 && text[1] == '.')));
}

static int grow(struct parser *parser)
{
        size_t wanted = parser->size ? parser->size * 2 : 64;
        struct pair *grown;

        if (parser->n_pairs < parser->size)
                return 0;
        grown = realloc(parser->pairs, wanted * sizeof *grown);
        if (!grown)
                return hf_error_set_memory(parser->error);
        parser->pairs = grown;
        parser->size = wanted;
        return 0;
}

static int parse_tensor_name(struct parser *parser, struct hf_name *ret_name)
{
        const struct hf_json *json = &parser->json;

        if (json->nul)
                return fail(parser, HF_BAD_NAME_NUL, NULL, "a tensor's name in weight_map holds a NUL");
        if (json->length <= 6 * HF_NAME_MAX && hf_name_take(json, &parser->index.arena, ret_name) < 0)
                return hf_error_set_memory(parser->error);
        if (json->length > 6 * HF_NAME_MAX || ret_name->length > HF_NAME_MAX)
                return fail(parser, HF_BAD_NAME_LENGTH, NULL,
                            "a tensor's name in weight_map has more than 4096 bytes");
        return 0;
}

static int parse_file_name(struct parser *parser, const struct hf_name *tensor, struct hf_name *ret_file)
{
        enum hf_json_token token = hf_json_next(&parser->json);

        if (token == HF_JSON_ERROR)
                return fail_json(parser);
        if (token != HF_JSON_STRING)
                return fail(parser, HF_BAD_TYPE, tensor, "the tensor's file in weight_map is not a string");
        if (parser->json.length > 6 * HF_INDEX_FILE_NAME_MAX)
                return fail(parser, HF_BAD_FILE_NAME, tensor,
                            "the tensor's file in weight_map has too long a name");
        if (hf_name_take(&parser->json, &parser->index.arena, ret_file) < 0)
                return hf_error_set_memory(parser->error);
        if (!hf_file_name_is_plain(ret_file->text, ret_file->length)) {
                char printed[128];

                return hf_error_set(
                        parser->error, HF_BAD_FILE_NAME, hf_json_position(&parser->json), tensor,
                        "weight_map names \"%s\", which is not a plain file name; shards must lie beside "
                        "the index",
                        hf_name_print(ret_file->text, ret_file->length, printed, sizeof printed));
        }
        return 0;
}

static int parse_weight_map(struct parser *parser)
{
        enum hf_json_token token = hf_json_next(&parser->json);

        if (parser->map_seen)
                return fail(parser, HF_BAD_FIELD_DUPLICATE, NULL, "weight_map stands twice");
        parser->map_seen = true;
        if (token != HF_JSON_OBJECT)
                return token == HF_JSON_ERROR
                               ? fail_json(parser)
                               : fail(parser, HF_BAD_TYPE, NULL, "weight_map is not an object");

        while ((token = hf_json_next(&parser->json)) == HF_JSON_KEY) {
                struct pair *pair;

                if (parser->n_pairs == HF_INDEX_ENTRIES_MAX)
                        return fail(parser, HF_BAD_TENSOR_COUNT, NULL,
                                    "weight_map lists more than 4194304 tensors");
                if (grow(parser) < 0)
                        return -1;
                pair = &parser->pairs[parser->n_pairs];
                if (parse_tensor_name(parser, &pair->name) < 0 ||
                    parse_file_name(parser, &pair->name, &pair->file) < 0)
                        return -1;
                parser->n_pairs++;
        }
        return token == HF_JSON_ERROR ? fail_json(parser) : 0;
}

/*
 * The writers put total_size here, and whatever else they like. A float is what some of them write:
 * ignored.
 */
static int parse_metadata(struct parser *parser)
{
        struct hf_json *json = &parser->json;
        enum hf_json_token token = hf_json_next(json);

        if (parser->metadata_seen)
                return fail(parser, HF_BAD_METADATA_DUPLICATE, NULL, "metadata stands twice");
        parser->metadata_seen = true;
        if (token == HF_JSON_NULL)
                return 0;
        if (token != HF_JSON_OBJECT)
                return token == HF_JSON_ERROR ? fail_json(parser)
                                              : fail(parser, HF_BAD_TYPE, NULL, "metadata is not an object");

        while ((token = hf_json_next(json)) == HF_JSON_KEY) {
                bool total = hf_json_is(json, "total_size");

                token = hf_json_next(json);
                if (total && parser->index.has_total_size)
                        return fail(parser, HF_BAD_METADATA_DUPLICATE, NULL,
                                    "total_size stands twice in metadata");
                if (total && token == HF_JSON_NUMBER && json->exact) {
                        parser->index.total_size = json->number;
                        parser->index.has_total_size = true;
                }
                if (hf_json_skip(json, token) < 0)
                        return fail_json(parser);
        }
        return token == HF_JSON_ERROR ? fail_json(parser) : 0;
}

static int parse_document(struct parser *parser)
{
        struct hf_json *json = &parser->json;
        enum hf_json_token token = hf_json_next(json);

        if (token != HF_JSON_OBJECT)
                return token == HF_JSON_ERROR ? fail_json(parser)
                                              : fail(parser, HF_BAD_TYPE, NULL, "the index is not an object");
        while ((token = hf_json_next(json)) == HF_JSON_KEY) {
                int r;

                if (hf_json_is(json, "weight_map"))
                        r = parse_weight_map(parser);
                else if (hf_json_is(json, "metadata"))
                        r = parse_metadata(parser);
                else
                        r = hf_json_skip(json, hf_json_next(json)) < 0 ? fail_json(parser) : 0;
                if (r < 0)
                        return r;
        }
        if (token == HF_JSON_ERROR || hf_json_next(json) == HF_JSON_ERROR)
                return fail_json(parser);
        if (!parser->map_seen)
                return fail(parser, HF_BAD_FIELD_MISSING, NULL, "the index has no weight_map");
        return 0;
}

static int check_names(struct parser *parser)
{
        size_t again = 0, first = 0;
        int r = hf_names_group(parser->pairs, sizeof *parser->pairs, parser->n_pairs, NULL, &again, &first);

        if (r > 0)
                return hf_error_set(parser->error, HF_BAD_NAME_DUPLICATE, 0, &parser->pairs[again].name,
                                    "entries %zu and %zu of weight_map have the same name", first, again);
        return r < 0 ? hf_error_set_memory(parser->error) : 0;
}

/* Files get numbers in the order of first mention: first[i] is the pair that named pair i's file first. */
static int number_files(struct parser *parser, uint32_t *first)
{
        struct hf_index *index = &parser->index;
        size_t again, original, i;

        if (hf_names_group(&parser->pairs->file, sizeof *parser->pairs, parser->n_pairs, first, &again,
                           &original) < 0)
                return hf_error_set_memory(parser->error);
        for (i = 0; i < parser->n_pairs; i++)
                index->n_files += first[i] == i;
        index->entries = calloc(parser->n_pairs + 1, sizeof *index->entries);
        index->files = calloc(index->n_files + 1, sizeof *index->files);
        if (!index->entries || !index->files)
                return hf_error_set_memory(parser->error);

        index->n_files = 0;
        for (i = 0; i < parser->n_pairs; i++) {
                struct hf_index_entry *entry = &index->entries[i];

                entry->name = parser->pairs[i].name;
                if (first[i] < i) {
                        entry->file = index->entries[first[i]].file;
                } else {
                        entry->file = (uint32_t)index->n_files;
                        index->files[index->n_files++] = parser->pairs[i].file;
                }
        }
        index->n_entries = parser->n_pairs;
        return 0;
}

static int finish(struct parser *parser)
{
        uint32_t *first;
        int r;

        if (check_names(parser) < 0)
                return -1;
        if (parser->n_pairs == 0)
                return 0;
        first = calloc(parser->n_pairs, sizeof *first);
        r = first ? number_files(parser, first) : hf_error_set_memory(parser->error);
        free(first);
        return r;
}

int hf_index_parse(const char *text, size_t length, struct hf_index *ret_index, struct hf_error *ret_error)
{
        struct parser parser = {.error = ret_error};
        int r;

        hf_json_init(&parser.json, text, length, HF_INDEX_DEPTH_MAX);
        r = parse_document(&parser);
        if (r == 0)
                r = finish(&parser);
        free(parser.pairs);
        if (r < 0)
                hf_index_deinit(&parser.index);
        else
                *ret_index = parser.index;
        return r;
}

void hf_index_deinit(struct hf_index *index)
{
        if (!index)
                return;
        free(index->entries);
        free(index->files);
        hf_arena_deinit(&index->arena);
        memset(index, 0, sizeof *index);
}
