/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a safetensors header: {"dtype": …, "shape": […], "data_offsets": [begin, end]}, in any
 * order.
 */
#include "safetensors.h"

#include <inttypes.h>
#include <string.h>

enum field {
        FIELD_DTYPE = 1,
        FIELD_SHAPE = 2,
        FIELD_OFFSETS = 4
};

struct entry {
        struct hf_safetensors_parser *parser;
        struct hf_tensor *tensor;
        unsigned seen;
        struct hf_name unknown[HF_SAFETENSORS_FIELDS_MAX];
        uint32_t n_unknown;
};

static int fail_json(struct entry *entry)
{
        return hf_error_set_json(entry->parser->error, &entry->parser->json, HF_SAFETENSORS_PREFIX,
                                 &entry->tensor->name);
}

/* A refusal whose message needs no figures. */
static int fail(struct entry *entry, enum hf_reason reason, const char *message)
{
        return hf_error_set(entry->parser->error, reason, hf_safetensors_position(entry->parser),
                            &entry->tensor->name, "%s", message);
}

static int fail_type(struct entry *entry, enum hf_json_token token, const char *message)
{
        return token == HF_JSON_ERROR ? fail_json(entry) : fail(entry, HF_BAD_TYPE, message);
}

static int parse_dtype(struct entry *entry)
{
        struct hf_json *json = &entry->parser->json;
        enum hf_json_token token = hf_json_next(json);
        char plain[64], printed[64];
        size_t length = json->length;
        const char *text = json->text;
        int dtype = -1;

        if (token != HF_JSON_STRING)
                return fail_type(entry, token, "dtype is not a string");
        if (length <= sizeof plain) {
                if (json->escaped) {
                        length = hf_json_unescape(text, length, plain);
                        text = plain;
                }
                dtype = hf_dtype_find(text, length);
        }
        if (dtype < 0)
                return hf_error_set(
                        entry->parser->error, HF_BAD_DTYPE, hf_safetensors_position(entry->parser),
                        &entry->tensor->name,
                        "dtype \"%s\" is not one this version knows; convert the tensor or update",
                        hf_name_print(text, length, printed, sizeof printed));
        entry->tensor->dtype = (uint8_t)dtype;
        return 0;
}

/* A member of an array of exact integers: 1 and *ret_value, 0 at the array's end, -1. */
static int next_integer(struct entry *entry, const char *what, uint64_t *ret_value)
{
        struct hf_json *json = &entry->parser->json;
        enum hf_json_token token = hf_json_next(json);

        if (token == HF_JSON_ARRAY_END)
                return 0;
        if (token == HF_JSON_NUMBER && json->exact) {
                *ret_value = json->number;
                return 1;
        }
        if (token == HF_JSON_ERROR)
                return fail_json(entry);
        return hf_error_set(entry->parser->error, HF_BAD_INTEGER, hf_safetensors_position(entry->parser),
                            &entry->tensor->name,
                            "%s holds something else than an integer from 0 to 2^64 - 1", what);
}

static int parse_shape(struct entry *entry)
{
        uint64_t shape[HF_RANK_MAX], dimension = 0, *kept;
        enum hf_json_token token = hf_json_next(&entry->parser->json);
        uint32_t rank = 0;
        int r;

        if (token != HF_JSON_ARRAY)
                return fail_type(entry, token, "shape is not an array");
        while ((r = next_integer(entry, "shape", &dimension)) > 0) {
                if (rank == HF_RANK_MAX)
                        return fail(entry, HF_BAD_RANK, "shape has more than 64 dimensions");
                shape[rank++] = dimension;
        }
        if (r < 0)
                return r;
        kept = hf_arena_alloc(&entry->parser->table.arena, rank * sizeof *kept);
        if (!kept)
                return hf_error_set_memory(entry->parser->error);
        memcpy(kept, shape, rank * sizeof *kept);
        entry->tensor->shape = kept;
        entry->tensor->rank = (uint8_t)rank;
        return 0;
}

static int parse_offsets(struct entry *entry)
{
        uint64_t offsets[2] = {0, 0}, value = 0;
        enum hf_json_token token = hf_json_next(&entry->parser->json);
        uint32_t count = 0;
        int r;

        if (token != HF_JSON_ARRAY)
                return fail_type(entry, token, "data_offsets is not an array");
        while ((r = next_integer(entry, "data_offsets", &value)) > 0) {
                if (count == 2)
                        return fail(entry, HF_BAD_OFFSET_COUNT, "data_offsets has more than two members");
                offsets[count++] = value;
        }
        if (r < 0)
                return r;
        if (count != 2)
                return fail(entry, HF_BAD_OFFSET_COUNT, "data_offsets has fewer than two members");
        entry->tensor->begin = offsets[0];
        entry->tensor->end = offsets[1];
        return 0;
}

/* A field of a later version of the format: skipped, but not twice under one name. */
static int skip_unknown(struct entry *entry)
{
        struct hf_json *json = &entry->parser->json;
        struct hf_name *name = &entry->unknown[entry->n_unknown];
        uint32_t i;

        if (entry->n_unknown == HF_SAFETENSORS_FIELDS_MAX)
                return fail(entry, HF_BAD_FIELD_COUNT, "the tensor has more than 16 unknown fields");
        if (hf_name_take(json, &entry->parser->table.arena, name) < 0)
                return hf_error_set_memory(entry->parser->error);
        for (i = 0; i < entry->n_unknown; i++)
                if (hf_name_compare(name, &entry->unknown[i]) == 0)
                        return fail(entry, HF_BAD_FIELD_DUPLICATE, "the tensor has an unknown field twice");
        entry->n_unknown++;
        return hf_json_skip(json, hf_json_next(json)) < 0 ? fail_json(entry) : 0;
}

static int parse_once(struct entry *entry, enum field field, int (*parse)(struct entry *entry),
                      const char *twice)
{
        if (entry->seen & field)
                return fail(entry, HF_BAD_FIELD_DUPLICATE, twice);
        entry->seen |= field;
        return parse(entry);
}

static int parse_field(struct entry *entry)
{
        const struct hf_json *json = &entry->parser->json;

        if (hf_json_is(json, "dtype"))
                return parse_once(entry, FIELD_DTYPE, parse_dtype, "the tensor has dtype twice");
        if (hf_json_is(json, "shape"))
                return parse_once(entry, FIELD_SHAPE, parse_shape, "the tensor has shape twice");
        if (hf_json_is(json, "data_offsets"))
                return parse_once(entry, FIELD_OFFSETS, parse_offsets, "the tensor has data_offsets twice");
        return skip_unknown(entry);
}

static int check_seen(struct entry *entry)
{
        if (!(entry->seen & FIELD_DTYPE))
                return fail(entry, HF_BAD_FIELD_MISSING, "the tensor has no dtype");
        if (!(entry->seen & FIELD_SHAPE))
                return fail(entry, HF_BAD_FIELD_MISSING, "the tensor has no shape");
        if (!(entry->seen & FIELD_OFFSETS))
                return fail(entry, HF_BAD_FIELD_MISSING, "the tensor has no data_offsets");
        return 0;
}

/* 0, or -1 when a * b does not fit. Two factors under 2^32 need no division. */
static int multiply(uint64_t a, uint64_t b, uint64_t *ret_product)
{
        if ((a | b) >> 32 && a != 0 && b > UINT64_MAX / a)
                return -1;
        *ret_product = a * b;
        return 0;
}

/* Left to right like the reference, so that a zero after an overflow does not save the shape. */
static int tensor_bits(const struct hf_tensor *tensor, uint64_t *ret_bits)
{
        uint64_t count = 1;
        uint32_t i;

        for (i = 0; i < tensor->rank; i++)
                if (multiply(count, tensor->shape[i], &count) < 0)
                        return -1;
        return multiply(count, hf_dtype_bits(tensor->dtype), ret_bits);
}

/* Shape, dtype and offsets must agree; then the offsets become those of the file. */
static int check_size(struct entry *entry)
{
        struct hf_safetensors_parser *parser = entry->parser;
        struct hf_tensor *tensor = entry->tensor;
        uint64_t position = hf_safetensors_position(parser), room = parser->file_size - parser->table.data,
                 bits;

        if (tensor->end < tensor->begin)
                return fail(entry, HF_BAD_OFFSET_ORDER, "data_offsets ends before it begins");
        if (tensor_bits(tensor, &bits) < 0)
                return fail(entry, HF_BAD_SHAPE_OVERFLOW, "the shape's size does not fit 64 bits");
        if (bits % 8 != 0)
                return fail(entry, HF_BAD_SUB_BYTE, "the shape's elements do not fill whole bytes");
        if (tensor->end - tensor->begin != bits / 8)
                return hf_error_set(parser->error, HF_BAD_SIZE, position, &tensor->name,
                                    "the shape needs %" PRIu64 " bytes but data_offsets spans %" PRIu64,
                                    bits / 8, tensor->end - tensor->begin);
        if (tensor->end > room)
                return hf_error_set(parser->error, HF_BAD_DATA_MISSING, position, &tensor->name,
                                    "the tensor ends at byte %" PRIu64
                                    " of the data, but the file has only %" PRIu64
                                    " bytes of data: it is cut short, fetch it again",
                                    tensor->end, room);
        tensor->begin += parser->table.data;
        tensor->end += parser->table.data;
        return 0;
}

int hf_safetensors_parse_tensor(struct hf_safetensors_parser *parser, struct hf_tensor *tensor)
{
        struct entry entry;
        enum hf_json_token token = hf_json_next(&parser->json);

        entry.parser = parser;
        entry.tensor = tensor;
        entry.seen = 0;
        entry.n_unknown = 0;

        if (token != HF_JSON_OBJECT)
                return fail_type(&entry, token, "the tensor's value is not an object");
        while ((token = hf_json_next(&parser->json)) == HF_JSON_KEY)
                if (parse_field(&entry) < 0)
                        return -1;
        if (token == HF_JSON_ERROR)
                return fail_json(&entry);
        return check_seen(&entry) < 0 ? -1 : check_size(&entry);
}
