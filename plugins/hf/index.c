/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a sharded checkpoint. Entries are gathered as they stand, then compared all at once. Neighbours
 * are mostly in one file, so that files are gathered by runs of entries.
 */
#include "index.h"

#include <stdlib.h>
#include <string.h>

struct parser {
        struct hf_json json;
        struct hf_index index; /* while parsing, an entry's file is its run */
        struct hf_error *error;
        struct hf_name *runs; /* of each, the file; one that comes back is there again */
        size_t n_runs, runs_size, entries_size;
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

/* Whether the last string is the name of the last run's file. */
static bool is_same_run(const struct parser *parser)
{
        const struct hf_json *json = &parser->json;
        const struct hf_name *file;

        if (parser->n_runs == 0 || json->escaped)
                return false;
        file = &parser->runs[parser->n_runs - 1];
        return json->length == file->length && memcmp(json->text, file->text, file->length) == 0;
}

static int begin_run(struct parser *parser, const struct hf_name *tensor)
{
        void *runs = parser->runs;
        struct hf_name *file;

        if (hf_array_grow(&runs, parser->n_runs, &parser->runs_size, sizeof *file) < 0)
                return hf_error_set_memory(parser->error);
        parser->runs = runs;
        file = &parser->runs[parser->n_runs];
        if (parser->json.length > 6 * HF_INDEX_FILE_NAME_MAX)
                return fail(parser, HF_BAD_FILE_NAME, tensor,
                            "the tensor's file in weight_map has too long a name");
        if (hf_name_take(&parser->json, &parser->index.arena, file) < 0)
                return hf_error_set_memory(parser->error);
        if (!hf_file_name_is_plain(file->text, file->length)) {
                char printed[128];

                return hf_error_set(
                        parser->error, HF_BAD_FILE_NAME, hf_json_position(&parser->json), tensor,
                        "weight_map names \"%s\", which is not a plain file name; shards must lie beside "
                        "the index",
                        hf_name_print(file->text, file->length, printed, sizeof printed));
        }
        parser->n_runs++;
        return 0;
}

static int parse_file_name(struct parser *parser, struct hf_index_entry *entry)
{
        enum hf_json_token token = hf_json_next(&parser->json);

        if (token == HF_JSON_ERROR)
                return fail_json(parser);
        if (token != HF_JSON_STRING)
                return fail(parser, HF_BAD_TYPE, &entry->name,
                            "the tensor's file in weight_map is not a string");
        if (!is_same_run(parser) && begin_run(parser, &entry->name) < 0)
                return -1;
        entry->file = (uint32_t)(parser->n_runs - 1);
        return 0;
}

static int add_entry(struct parser *parser)
{
        struct hf_index *index = &parser->index;
        void *entries = index->entries;
        struct hf_index_entry *entry;

        if (index->n_entries == HF_INDEX_ENTRIES_MAX)
                return fail(parser, HF_BAD_TENSOR_COUNT, NULL, "weight_map lists more than 4194304 tensors");
        if (hf_array_grow(&entries, index->n_entries, &parser->entries_size, sizeof *entry) < 0)
                return hf_error_set_memory(parser->error);
        index->entries = entries;
        entry = &index->entries[index->n_entries];
        if (parse_tensor_name(parser, &entry->name) < 0 || parse_file_name(parser, entry) < 0)
                return -1;
        index->n_entries++;
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

        while ((token = hf_json_next(&parser->json)) == HF_JSON_KEY)
                if (add_entry(parser) < 0)
                        return -1;
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
        const struct hf_index *index = &parser->index;
        size_t again = 0, first = 0;
        int r = hf_names_group(index->entries, sizeof *index->entries, index->n_entries, NULL, &again,
                               &first);

        if (r > 0)
                return hf_error_set(parser->error, HF_BAD_NAME_DUPLICATE, 0, &index->entries[again].name,
                                    "entries %zu and %zu of weight_map have the same name", first, again);
        return r < 0 ? hf_error_set_memory(parser->error) : 0;
}

/* Files get numbers in the order of first mention: first[i] is the run that named run i's file first. */
static int number_files(struct parser *parser, uint32_t *first)
{
        struct hf_index *index = &parser->index;
        size_t again, original, i;

        if (hf_names_group(parser->runs, sizeof *parser->runs, parser->n_runs, first, &again, &original) < 0)
                return hf_error_set_memory(parser->error);
        index->files = calloc(parser->n_runs, sizeof *index->files);
        if (!index->files)
                return hf_error_set_memory(parser->error);
        /* From here on first[i] is the number of run i's file. */
        for (i = 0; i < parser->n_runs; i++) {
                if (first[i] < i) {
                        first[i] = first[first[i]];
                } else {
                        first[i] = (uint32_t)index->n_files;
                        index->files[index->n_files++] = parser->runs[i];
                }
        }
        for (i = 0; i < index->n_entries; i++)
                index->entries[i].file = first[index->entries[i].file];
        return 0;
}

static int finish(struct parser *parser)
{
        uint32_t *first;
        int r;

        if (check_names(parser) < 0)
                return -1;
        if (parser->n_runs == 0)
                return 0;
        first = calloc(parser->n_runs, sizeof *first);
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
        free(parser.runs);
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
