/* SPDX-License-Identifier: Apache-2.0 */
/* The header as a whole: its length, its object, __metadata__, and names that must differ. */
#include "safetensors.h"

#include "bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t hf_safetensors_position(const struct hf_safetensors_parser *parser)
{
        return HF_SAFETENSORS_PREFIX + hf_json_position(&parser->json);
}

int hf_safetensors_header_length(const void *head, size_t length, uint64_t file_size, uint64_t *ret_length,
                                 struct hf_error *ret_error)
{
        static const char lfs[] = "version https://git-lfs";
        uint64_t header;

        if (length >= sizeof lfs - 1 && memcmp(head, lfs, sizeof lfs - 1) == 0)
                return hf_error_set(
                        ret_error, HF_BAD_GIT_LFS, 0, NULL,
                        "this is a Git-LFS pointer, not the file itself; fetch it with `git lfs pull`");
        if (length < HF_SAFETENSORS_PREFIX || file_size < HF_SAFETENSORS_PREFIX)
                return hf_error_set(ret_error, HF_BAD_TOO_SMALL, 0, NULL,
                                    "the file has %" PRIu64 " bytes, fewer than the 8 of a header's length; "
                                    "fetch it again",
                                    file_size);
        header = hf_le64(head);
        if (header > HF_SAFETENSORS_HEADER_MAX)
                return hf_error_set(ret_error, HF_BAD_HEADER_TOO_LARGE, 0, NULL,
                                    "the header would have %" PRIu64 " bytes, over the limit of 100000000: "
                                    "this is not a safetensors file",
                                    header);
        if (header > file_size - HF_SAFETENSORS_PREFIX)
                return hf_error_set(ret_error, HF_BAD_HEADER_PAST_END, 0, NULL,
                                    "the header should have %" PRIu64
                                    " bytes, but the file ends after %" PRIu64
                                    ": it is cut short, fetch it again",
                                    header, file_size);
        *ret_length = header;
        return 0;
}

bool hf_safetensors_looks_like(const void *head, size_t length, uint64_t file_size)
{
        const unsigned char *bytes = head;
        size_t i = HF_SAFETENSORS_PREFIX;
        struct hf_error error;
        uint64_t header;

        if (hf_safetensors_header_length(head, length, file_size, &header, &error) < 0)
                return false;
        while (i < length && (bytes[i] == ' ' || bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t'))
                i++;
        return i < length && bytes[i] == '{';
}

static int fail_json(struct hf_safetensors_parser *parser)
{
        return hf_error_set_json(parser->error, &parser->json, HF_SAFETENSORS_PREFIX, NULL);
}

static int fail(struct hf_safetensors_parser *parser, enum hf_reason reason, const char *message)
{
        return hf_error_set(parser->error, reason, hf_safetensors_position(parser), NULL, "%s", message);
}

static int add_metadata(struct hf_safetensors_parser *parser)
{
        struct hf_safetensors *table = &parser->table;
        void *array = table->metadata;
        struct hf_metadata *entry;
        enum hf_json_token token;

        if (hf_array_grow(&array, table->n_metadata, &parser->metadata_size, sizeof *entry) < 0)
                return hf_error_set_memory(parser->error);
        table->metadata = array;
        entry = &table->metadata[table->n_metadata];
        if (hf_name_take(&parser->json, &table->arena, &entry->key) < 0)
                return hf_error_set_memory(parser->error);

        token = hf_json_next(&parser->json);
        if (token == HF_JSON_ERROR)
                return fail_json(parser);
        if (token != HF_JSON_STRING)
                return fail(parser, HF_BAD_TYPE, "a value in __metadata__ is not a string");
        if (hf_name_take(&parser->json, &table->arena, &entry->value) < 0)
                return hf_error_set_memory(parser->error);
        table->n_metadata++;
        return 0;
}

static int parse_metadata(struct hf_safetensors_parser *parser)
{
        enum hf_json_token token;

        if (parser->metadata_seen)
                return fail(parser, HF_BAD_METADATA_DUPLICATE, "__metadata__ stands twice in the header");
        parser->metadata_seen = true;

        token = hf_json_next(&parser->json);
        if (token == HF_JSON_NULL)
                return 0;
        if (token != HF_JSON_OBJECT)
                return token == HF_JSON_ERROR ? fail_json(parser)
                                              : fail(parser, HF_BAD_TYPE, "__metadata__ is not an object");
        while ((token = hf_json_next(&parser->json)) == HF_JSON_KEY)
                if (add_metadata(parser) < 0)
                        return -1;
        return token == HF_JSON_ERROR ? fail_json(parser) : 0;
}

static int take_tensor_name(struct hf_safetensors_parser *parser, struct hf_name *ret_name)
{
        /* Six bytes of escape make one of the name, so a longer text cannot be short enough. */
        if (parser->json.length > 6 * HF_NAME_MAX ||
            (!parser->json.escaped && parser->json.length > HF_NAME_MAX))
                return fail(parser, HF_BAD_NAME_LENGTH, "a tensor's name has more than 4096 bytes");
        if (parser->json.nul)
                return fail(parser, HF_BAD_NAME_NUL, "a tensor's name holds a NUL");
        if (hf_name_take(&parser->json, &parser->table.arena, ret_name) < 0)
                return hf_error_set_memory(parser->error);
        if (ret_name->length > HF_NAME_MAX)
                return fail(parser, HF_BAD_NAME_LENGTH, "a tensor's name has more than 4096 bytes");
        return 0;
}

static int add_tensor(struct hf_safetensors_parser *parser)
{
        struct hf_safetensors *table = &parser->table;
        void *array = table->tensors;
        struct hf_tensor *tensor;

        if (table->n_tensors == HF_TENSORS_MAX)
                return fail(parser, HF_BAD_TENSOR_COUNT, "the header lists more than 4194304 tensors");
        if (hf_array_grow(&array, table->n_tensors, &parser->tensors_size, sizeof *tensor) < 0)
                return hf_error_set_memory(parser->error);
        table->tensors = array;
        tensor = &table->tensors[table->n_tensors];
        memset(tensor, 0, sizeof *tensor);
        if (take_tensor_name(parser, &tensor->name) < 0 || hf_safetensors_parse_tensor(parser, tensor) < 0)
                return -1;
        table->n_tensors++;
        return 0;
}

static int check_names(struct hf_safetensors_parser *parser)
{
        const struct hf_safetensors *table = &parser->table;
        size_t again = 0, first = 0;
        int r;

        r = hf_names_group(table->tensors, sizeof *table->tensors, table->n_tensors, NULL, &again, &first);
        if (r > 0)
                return hf_error_set(parser->error, HF_BAD_NAME_DUPLICATE, HF_SAFETENSORS_PREFIX,
                                    &table->tensors[again].name,
                                    "tensors %zu and %zu of the header have the same name", first, again);
        if (r == 0)
                r = hf_names_group(table->metadata, sizeof *table->metadata, table->n_metadata, NULL, &again,
                                   &first);
        if (r > 0)
                return hf_error_set(parser->error, HF_BAD_METADATA_DUPLICATE, HF_SAFETENSORS_PREFIX, NULL,
                                    "entries %zu and %zu of __metadata__ have the same key", first, again);
        return r < 0 ? hf_error_set_memory(parser->error) : 0;
}

static int parse_header(struct hf_safetensors_parser *parser)
{
        struct hf_json *json = &parser->json;
        enum hf_json_token token = hf_json_next(json);

        if (token != HF_JSON_OBJECT)
                return token == HF_JSON_ERROR ? fail_json(parser)
                                              : fail(parser, HF_BAD_TYPE, "the header is not an object");
        while ((token = hf_json_next(json)) == HF_JSON_KEY)
                if ((hf_json_is(json, "__metadata__") ? parse_metadata(parser) : add_tensor(parser)) < 0)
                        return -1;
        if (token == HF_JSON_ERROR || hf_json_next(json) == HF_JSON_ERROR)
                return fail_json(parser);
        return check_names(parser);
}

int hf_safetensors_parse(const char *header, size_t length, uint64_t file_size,
                         const struct hf_safetensors_options *options, struct hf_safetensors *ret_table,
                         struct hf_error *ret_error)
{
        struct hf_safetensors_parser parser = {.error = ret_error, .file_size = file_size};

        if (file_size < HF_SAFETENSORS_PREFIX || length > file_size - HF_SAFETENSORS_PREFIX)
                return hf_error_set(ret_error, HF_BAD_HEADER_PAST_END, 0, NULL,
                                    "the header has %zu bytes, but the file only %" PRIu64, length,
                                    file_size);
        parser.table.data = HF_SAFETENSORS_PREFIX + length;
        hf_json_init(&parser.json, header, length, HF_SAFETENSORS_DEPTH_MAX);
        if (parse_header(&parser) < 0 ||
            hf_safetensors_check_layout(&parser, options && options->allow_trailing) < 0) {
                hf_safetensors_deinit(&parser.table);
                return -1;
        }
        *ret_table = parser.table;
        return 0;
}

void hf_safetensors_deinit(struct hf_safetensors *table)
{
        if (!table)
                return;
        free(table->tensors);
        free(table->metadata);
        hf_arena_deinit(&table->arena);
        memset(table, 0, sizeof *table);
}
