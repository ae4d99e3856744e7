/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The safetensors header, byte by byte: every reason to refuse one, and every form that must be
 * taken. Files are made here from a header's text and a number of data bytes.
 */
#include "safetensors.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define T(name, dtype, shape, begin, end) \
        "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

/* Parses from a heap copy of exactly the header's size, so that a sanitizer sees a read past it. */
static int parse(const char *header, size_t length, uint64_t data, struct hf_safetensors *table,
                 struct hf_error *error, char **ret_copy)
{
        char *copy = malloc(length + 1);

        memcpy(copy, header, length);
        copy = realloc(copy, length ? length : 1);
        *ret_copy = copy;
        return hf_safetensors_parse(copy, length, HF_SAFETENSORS_PREFIX + length + data, NULL, table, error);
}

static enum hf_reason reason_of(const char *header, size_t length, uint64_t data, struct hf_error *error)
{
        struct hf_safetensors table = {0};
        char *copy;
        int r = parse(header, length, data, &table, error, &copy);

        hf_safetensors_deinit(&table);
        free(copy);
        return r == 0 ? HF_OK : error->reason;
}

static const struct {
        const char *header;
        uint64_t data;
        enum hf_reason reason;
        const char *tensor;
} refused[] = {
        /* not an object, not the right kinds */
        {"[]", 0, HF_BAD_TYPE, ""},
        {"7", 0, HF_BAD_TYPE, ""},
        {"{\"t\":[\"F32\",[2,2],[0,16]]}", 16, HF_BAD_TYPE, "t"},
        {"{\"t\":null}", 0, HF_BAD_TYPE, "t"},
        {"{\"t\":{\"dtype\":{\"F32\":null},\"shape\":[1],\"data_offsets\":[0,4]}}", 4, HF_BAD_TYPE, "t"},
        {"{\"t\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, HF_BAD_TYPE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4, HF_BAD_TYPE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":null,\"data_offsets\":[0,4]}}", 4, HF_BAD_TYPE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{\"0\":0}}}", 4, HF_BAD_TYPE, "t"},
        {"{\"__metadata__\":[]}", 0, HF_BAD_TYPE, ""},
        {"{\"__metadata__\":{\"a\":1}}", 0, HF_BAD_TYPE, ""},
        {"{\"__metadata__\":{\"a\":null}}", 0, HF_BAD_TYPE, ""},
        {"{\"__metadata__\":{\"a\":{}}}", 0, HF_BAD_TYPE, ""},
        /* dtypes */
        {"{" T("t", "F128", "[1]", 0, 16) "}", 16, HF_BAD_DTYPE, "t"},
        {"{" T("t", "f32", "[1]", 0, 4) "}", 4, HF_BAD_DTYPE, "t"},
        {"{" T("t", "", "[1]", 0, 4) "}", 4, HF_BAD_DTYPE, "t"},
        {"{" T("t", "F32 ", "[1]", 0, 4) "}", 4, HF_BAD_DTYPE, "t"},
        /* fields */
        {"{\"t\":{}}", 0, HF_BAD_FIELD_MISSING, "t"},
        {"{\"t\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, HF_BAD_FIELD_MISSING, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, HF_BAD_FIELD_MISSING, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, HF_BAD_FIELD_MISSING, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         HF_BAD_FIELD_DUPLICATE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"\\u0064type\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         HF_BAD_FIELD_DUPLICATE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         HF_BAD_FIELD_DUPLICATE, "t"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"data_offsets\":[0,4]}}", 4,
         HF_BAD_FIELD_DUPLICATE, "t"},
        {"{\"t\":{\"x\":1,\"\\u0078\":2,\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         HF_BAD_FIELD_DUPLICATE, "t"},
        {"{\"t\":{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,"
         "\"k\":0,\"l\":0,"
         "\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         1, HF_BAD_FIELD_COUNT, "t"},
        /* names and metadata */
        {"{" T("t", "U8", "[1]", 0, 1) "," T("t", "U8", "[1]", 1, 2) "}", 2, HF_BAD_NAME_DUPLICATE, "t"},
        {"{" T("t", "U8", "[1]", 0, 1) "," T("\\u0074", "U8", "[1]", 1, 2) "}", 2, HF_BAD_NAME_DUPLICATE,
         "t"},
        {"{" T("", "U8", "[0]", 0, 0) "," T("", "U8", "[0]", 0, 0) "}", 0, HF_BAD_NAME_DUPLICATE, ""},
        {"{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, HF_BAD_NAME_NUL, ""},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, HF_BAD_METADATA_DUPLICATE, ""},
        {"{\"__metadata__\":null,\"__metadat\\u0061__\":{}}", 0, HF_BAD_METADATA_DUPLICATE, ""},
        {"{\"__metadata__\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", 0, HF_BAD_METADATA_DUPLICATE, ""},
        /* integers */
        {"{" T("t", "U8", "[2.0]", 0, 2) "}", 2, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[4e0]", 0, 4) "}", 4, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[\"4\"]", 0, 4) "}", 4, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[-0]", 0, 0) "}", 0, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[-1]", 0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[null]", 0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[[1]]", 0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[true]", 0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[18446744073709551616]", 0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[1]", 0.0, 1) "}", 1, HF_BAD_INTEGER, "t"},
        {"{" T("t", "U8", "[1]", 0, 18446744073709551616) "}", 1, HF_BAD_INTEGER, "t"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, HF_BAD_OFFSET_COUNT, "t"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[]}}", 1, HF_BAD_OFFSET_COUNT, "t"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, HF_BAD_OFFSET_COUNT, "t"},
        /* sizes */
        {"{" T("t", "U8", "[1]", 1, 0) "}", 1, HF_BAD_OFFSET_ORDER, "t"},
        {"{" T("t", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, HF_BAD_SHAPE_OVERFLOW, "t"},
        {"{" T("t", "U8", "[18446744073709551615,18446744073709551615,0]", 0, 0) "}", 0,
         HF_BAD_SHAPE_OVERFLOW, "t"},
        {"{" T("t", "F32", "[576460752303423488]", 0, 0) "}", 0, HF_BAD_SHAPE_OVERFLOW, "t"},
        /* wraps to 32 bytes in 64-bit arithmetic */
        {"{" T("t", "F32", "[4194305,4194305,211106198978564]", 0, 16) "}", 16, HF_BAD_SHAPE_OVERFLOW, "t"},
        {"{" T("t", "F4", "[3]", 0, 1) "}", 1, HF_BAD_SUB_BYTE, "t"},
        {"{" T("t", "F6_E2M3", "[2]", 0, 1) "}", 1, HF_BAD_SUB_BYTE, "t"},
        {"{" T("t", "F6_E3M2", "[3]", 0, 2) "}", 2, HF_BAD_SUB_BYTE, "t"},
        {"{" T("t", "F32", "[2]", 0, 4) "}", 4, HF_BAD_SIZE, "t"},
        {"{" T("t", "F32", "[]", 0, 0) "}", 0, HF_BAD_SIZE, "t"},
        {"{" T("t", "F32", "[0]", 0, 4) "}", 4, HF_BAD_SIZE, "t"},
        {"{" T("t", "F4", "[4]", 0, 4) "}", 4, HF_BAD_SIZE, "t"},
        /* places */
        {"{" T("t", "U8", "[1]", 1, 2) "}", 2, HF_BAD_HOLE, "t"},
        {"{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1]", 2, 3) "}", 3, HF_BAD_HOLE, "b"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 1, 3) "}", 3, HF_BAD_OVERLAP, "b"},
        {"{" T("b", "U8", "[2]", 1, 3) "," T("a", "U8", "[2]", 0, 2) "}", 3, HF_BAD_OVERLAP, "b"},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("b", "U8", "[2]", 0, 2) "}", 2, HF_BAD_OVERLAP, "b"},
        {"{" T("a", "U8", "[0]", 1, 1) "," T("b", "U8", "[2]", 0, 2) "}", 2, HF_BAD_OVERLAP, "a"},
        {"{" T("t", "U8", "[2]", 0, 2) "}", 1, HF_BAD_DATA_MISSING, "t"},
        {"{" T("t", "U8", "[18446744073709551608]", 0, 18446744073709551608) "}", 1, HF_BAD_SHAPE_OVERFLOW,
         "t"},
        {"{" T("t", "U8", "[2305843009213693951]", 0, 2305843009213693951) "}", 1, HF_BAD_DATA_MISSING, "t"},
        {"{" T("t", "U8", "[2]", 0, 2) "}", 3, HF_BAD_DATA_TRAILING, ""},
        {"{}", 1, HF_BAD_DATA_TRAILING, ""},
};

START_TEST(test_refused)
{
        struct hf_error error;

        ck_assert_int_eq(reason_of(refused[_i].header, strlen(refused[_i].header), refused[_i].data, &error),
                         refused[_i].reason);
        ck_assert_str_eq(error.tensor, refused[_i].tensor);
        ck_assert_uint_gt(strlen(error.message), 10);
}
END_TEST

static const struct {
        const char *header;
        size_t length; /* 0: of the string */
        enum hf_json_reason reason;
        uint64_t offset;
} not_json[] = {
        {"", 0, HF_JSON_BAD_TRUNCATED, 8},
        {"not json", 0, HF_JSON_BAD_VALUE, 9},
        {"\xEF\xBB\xBF{}", 0, HF_JSON_BAD_BOM, 8},
        {"{}\0\0", 4, HF_JSON_BAD_TRAILING, 10},
        {"{} x", 0, HF_JSON_BAD_TRAILING, 11},
        {"{\"\xC0\xAF\":1}", 0, HF_JSON_BAD_UTF8, 10},
        {"{\"\xED\xA0\x80\":1}", 0, HF_JSON_BAD_UTF8, 10},
        {"{\"__metadata__\":{\"a\":\"\xFF\"}}", 0, HF_JSON_BAD_UTF8, 30},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[01],\"data_offsets\":[0,1]}}", 0, HF_JSON_BAD_NUMBER, 36},
        {"{\"t\":{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}", 0, HF_JSON_BAD_DEPTH, 32},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1,],\"data_offsets\":[0,1]}}", 0, HF_JSON_BAD_VALUE, 38},
};

START_TEST(test_not_json)
{
        size_t length = not_json[_i].length ? not_json[_i].length : strlen(not_json[_i].header);
        struct hf_error error;

        ck_assert_int_eq(reason_of(not_json[_i].header, length, 0, &error), HF_BAD_JSON);
        ck_assert_int_eq(error.json, not_json[_i].reason);
        ck_assert_uint_eq(error.offset, not_json[_i].offset);
}
END_TEST

static const struct {
        const char *header;
        uint64_t data;
        size_t tensors;
} accepted[] = {
        {"{}", 0, 0},
        {"  \t\r\n{}", 0, 0},
        {"{}        ", 0, 0},
        {"{\"__metadata__\":null}", 0, 0},
        {"{\"__metadata__\":{\"format\":\"pt\",\"nul\":\"a\\u0000\"}}", 0, 0},
        {"{" T("t", "F32", "[2,2]", 0, 16) "}", 16, 1},
        {"{" T("t", "F32", "[]", 0, 4) "}", 4, 1},    /* a scalar */
        {"{" T("t", "F32", "[2,0]", 0, 0) "}", 0, 1}, /* no elements */
        {"{" T("t", "F32", "[0,18446744073709551615,18446744073709551615]", 0, 0) "}", 0, 1},
        {"{" T("a", "U8", "[0]", 0, 0) "," T("b", "U8", "[0]", 0, 0) "}", 0, 2},
        {"{" T("a", "U8", "[2]", 0, 2) "," T("z", "U8", "[0]", 2, 2) "}", 2, 2},
        {"{" T("b", "U8", "[1]", 3, 4) "," T("a", "I8", "[3]", 0, 3) "}", 4, 2},
        {"{" T("t", "F64", "[1]", 0, 8) "," T("u", "U8", "[1]", 8, 9) "}", 9, 2}, /* nothing is aligned */
        {"{" T("", "U8", "[1]", 0, 1) "}", 1, 1},
        {"{" T("../\\u001b[31m\\u202e", "U8", "[1]", 0, 1) "}", 1, 1},
        {"{\"t\":{\"data_offsets\":[0,2],\"shape\":[2],\"dtype\":\"U8\"}}", 2, 1},
        {"{\"t\":{\"\\u0064type\":\"\\u00558\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, 1},
        {"{\"t\":{\"new\":{\"a\":[1,null,{}]},\"dtype\":\"U8\",\"shape\":[2],"
         "\"data_offsets\":[0,2],\"x\":1}}",
         2, 1},
        {"{" T("t", "F4", "[4]", 0, 2) "}", 2, 1},
        {"{" T("t", "F6_E2M3", "[4]", 0, 3) "}", 3, 1},
};

START_TEST(test_accepted)
{
        const char *header = accepted[_i].header;
        struct hf_safetensors table;
        struct hf_error error = {0};
        char *copy;

        ck_assert_msg(parse(header, strlen(header), accepted[_i].data, &table, &error, &copy) == 0, "%s",
                      error.message);
        ck_assert_uint_eq(table.n_tensors, accepted[_i].tensors);
        ck_assert_uint_eq(table.data, 8 + strlen(header));
        hf_safetensors_deinit(&table);
        free(copy);
}
END_TEST

START_TEST(test_contents)
{
        static const char header[] =
                "{" T("b\\u0062", "BF16", "[2,3]", 6, 18) ",\"__metadata__\":{\"format\":\"p\\u0074\"}," T(
                        "z", "I64", "[]", 18, 26) "," T("a", "F16", "[3]", 0, 6) "}";
        const uint64_t data = 8 + sizeof header - 1;
        struct hf_safetensors table;
        struct hf_error error;
        char *copy;

        ck_assert_int_eq(parse(header, sizeof header - 1, 26, &table, &error, &copy), 0);
        ck_assert_uint_eq(table.n_tensors, 3);
        ck_assert_mem_eq(table.tensors[0].name.text, "a", 1);
        ck_assert_int_eq(table.tensors[0].dtype, HF_F16);
        ck_assert_uint_eq(table.tensors[0].begin, data);
        ck_assert_uint_eq(table.tensors[0].end, data + 6);
        ck_assert_uint_eq(table.tensors[1].name.length, 2);
        ck_assert_mem_eq(table.tensors[1].name.text, "bb", 2);
        ck_assert_uint_eq(table.tensors[1].rank, 2);
        ck_assert_uint_eq(table.tensors[1].shape[0], 2);
        ck_assert_uint_eq(table.tensors[1].shape[1], 3);
        ck_assert_uint_eq(table.tensors[1].begin, data + 6);
        ck_assert_uint_eq(table.tensors[2].rank, 0);
        ck_assert_uint_eq(table.n_metadata, 1);
        ck_assert_mem_eq(table.metadata[0].value.text, "pt", 2);
        hf_safetensors_deinit(&table);
        hf_safetensors_deinit(&table);
        hf_safetensors_deinit(NULL);
        free(copy);
}
END_TEST

/* Name and bits as the format's documentation gives them, in its order. */
static const struct {
        const char *name;
        uint32_t bits;
} dtypes[] = {
        {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
        {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
        {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
        {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

START_TEST(test_dtype)
{
        char header[200];
        struct hf_error error;

        ck_assert_uint_eq(sizeof dtypes / sizeof *dtypes, HF_DTYPES);
        ck_assert_int_eq(hf_dtype_find(dtypes[_i].name, strlen(dtypes[_i].name)), _i);
        ck_assert_uint_eq(hf_dtype_bits(_i), dtypes[_i].bits);
        ck_assert_str_eq(hf_dtype_name(_i), dtypes[_i].name);
        snprintf(header, sizeof header, "{\"t\":{\"dtype\":\"%s\",\"shape\":[8],\"data_offsets\":[0,%u]}}",
                 dtypes[_i].name, dtypes[_i].bits);
        ck_assert_int_eq(reason_of(header, strlen(header), dtypes[_i].bits, &error), HF_OK);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-safetensors");
        TCase *tests = tcase_create("header");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_refused, 0, sizeof refused / sizeof *refused);
        tcase_add_loop_test(tests, test_not_json, 0, sizeof not_json / sizeof *not_json);
        tcase_add_loop_test(tests, test_accepted, 0, sizeof accepted / sizeof *accepted);
        tcase_add_loop_test(tests, test_dtype, 0, HF_DTYPES);
        tcase_add_test(tests, test_contents);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
