/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a sharded checkpoint: what it says, and every way in which it may not say it. */
#include "index.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define MAP(pairs) "{\"metadata\":{\"total_size\":8},\"weight_map\":{" pairs "}}"

static enum hf_reason reason_of(const char *text, size_t length, struct hf_error *error)
{
        struct hf_index index = {0};
        char *copy = malloc(length + 1);
        int r;

        memcpy(copy, text, length);
        copy = realloc(copy, length ? length : 1);
        r = hf_index_parse(copy, length, &index, error);
        hf_index_deinit(&index);
        free(copy);
        return r == 0 ? HF_OK : error->reason;
}

static const struct {
        const char *text;
        enum hf_reason reason;
        const char *tensor;
} refused[] = {
        {"", HF_BAD_JSON, ""},
        {"[]", HF_BAD_TYPE, ""},
        {"{}", HF_BAD_FIELD_MISSING, ""},
        {"{\"metadata\":{}}", HF_BAD_FIELD_MISSING, ""},
        {"{\"weight_map\":[]}", HF_BAD_TYPE, ""},
        {"{\"weight_map\":null}", HF_BAD_TYPE, ""},
        {"{\"metadata\":7,\"weight_map\":{}}", HF_BAD_TYPE, ""},
        {"{\"weight_map\":{},\"weight_map\":{}}", HF_BAD_FIELD_DUPLICATE, ""},
        {"{\"weight_map\":{},\"weight\\u005fmap\":{}}", HF_BAD_FIELD_DUPLICATE, ""},
        {"{\"metadata\":{},\"metadata\":{},\"weight_map\":{}}", HF_BAD_METADATA_DUPLICATE, ""},
        {"{\"metadata\":{\"total_size\":1,\"total_size\":1},\"weight_map\":{}}", HF_BAD_METADATA_DUPLICATE,
         ""},
        {"{\"weight_map\":{}} x", HF_BAD_JSON, ""},
        {"{\"weight_map\":{\"a\":\"f\"}", HF_BAD_JSON, ""},
        {MAP("\"a\":1"), HF_BAD_TYPE, "a"},
        {MAP("\"a\":[\"f\"]"), HF_BAD_TYPE, "a"},
        {MAP("\"a\":\"f\",\"b\":\"f\",\"a\":\"g\""), HF_BAD_NAME_DUPLICATE, "a"},
        {MAP("\"t\":\"f\",\"\\u0074\":\"f\""), HF_BAD_NAME_DUPLICATE, "t"},
        {MAP("\"a\\u0000\":\"f\""), HF_BAD_NAME_NUL, ""},
        {MAP("\"a\":\"\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\".\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"..\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"../x.safetensors\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"/etc/passwd\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"d/x.safetensors\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"d\\/x.safetensors\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"\\u002e\\u002e\""), HF_BAD_FILE_NAME, "a"},
        {MAP("\"a\":\"x\\u0000.safetensors\""), HF_BAD_FILE_NAME, "a"},
};

START_TEST(test_refused)
{
        struct hf_error error;

        ck_assert_int_eq(reason_of(refused[_i].text, strlen(refused[_i].text), &error), refused[_i].reason);
        ck_assert_str_eq(error.tensor, refused[_i].tensor);
        ck_assert_uint_gt(strlen(error.message), 10);
}
END_TEST

static const struct {
        const char *text;
        size_t entries, files;
        bool has_total;
        uint64_t total;
} accepted[] = {
        {"{\"weight_map\":{}}", 0, 0, false, 0},
        {" {\"metadata\":null,\"weight_map\":{\"a\":\"f\"}}\n", 1, 1, false, 0},
        {MAP("\"a\":\"f\",\"b\":\"g\",\"c\":\"f\",\"d\":\"\\u0067\""), 4, 2, true, 8},
        {"{\"metadata\":{\"total_size\":1.5e9,\"x\":{\"y\":[]}},\"other\":[{}],"
         "\"weight_map\":{\"a\":\"..f\"}}",
         1, 1, false, 0},
        {"{\"weight_map\":{\"a\":\"f\"},\"metadata\":{\"total_size\":18446744073709551615}}", 1, 1, true,
         UINT64_MAX},
        {"{\"weight_map\":{\"a\":\"f\"},\"metadata\":{\"total_size\":\"12\"}}", 1, 1, false, 0},
};

START_TEST(test_accepted)
{
        struct hf_index index;
        struct hf_error error = {0};

        ck_assert_msg(hf_index_parse(accepted[_i].text, strlen(accepted[_i].text), &index, &error) == 0, "%s",
                      error.message);
        ck_assert_uint_eq(index.n_entries, accepted[_i].entries);
        ck_assert_uint_eq(index.n_files, accepted[_i].files);
        ck_assert_int_eq(index.has_total_size, accepted[_i].has_total);
        ck_assert_uint_eq(index.total_size, accepted[_i].total);
        hf_index_deinit(&index);
        hf_index_deinit(&index);
        hf_index_deinit(NULL);
}
END_TEST

START_TEST(test_contents)
{
        static const char text[] = MAP("\"x.a\":\"two\",\"x.\\u0062\":\"one\",\"x.c\":\"two\"");
        struct hf_index index;
        struct hf_error error;

        ck_assert_int_eq(hf_index_parse(text, sizeof text - 1, &index, &error), 0);
        ck_assert_uint_eq(index.n_files, 2);
        ck_assert_mem_eq(index.files[0].text, "two", 3);
        ck_assert_mem_eq(index.files[1].text, "one", 3);
        ck_assert_uint_eq(index.entries[0].file, 0);
        ck_assert_uint_eq(index.entries[1].file, 1);
        ck_assert_uint_eq(index.entries[2].file, 0);
        ck_assert_uint_eq(index.entries[1].name.length, 3);
        ck_assert_mem_eq(index.entries[1].name.text, "x.b", 3);
        hf_index_deinit(&index);
}
END_TEST

/* Neighbours of one file, files that come back, and one that is written in two ways. */
START_TEST(test_runs)
{
        static const char text[] =
                MAP("\"a\":\"x1\",\"b\":\"x1\",\"c\":\"x\",\"d\":\"x2\",\"e\":\"x2\",\"f\":\"x1\","
                    "\"g\":\"x\\u0031\",\"h\":\"x1\",\"i\":\"x3\",\"j\":\"x2\",\"k\":\"x3\"");
        static const uint32_t files[] = {0, 0, 1, 2, 2, 0, 0, 0, 3, 2, 3};
        static const char *const names[] = {"x1", "x", "x2", "x3"};
        struct hf_index index;
        struct hf_error error;
        size_t i;

        ck_assert_int_eq(hf_index_parse(text, sizeof text - 1, &index, &error), 0);
        ck_assert_uint_eq(index.n_files, 4);
        for (i = 0; i < 4; i++) {
                ck_assert_uint_eq(index.files[i].length, strlen(names[i]));
                ck_assert_mem_eq(index.files[i].text, names[i], strlen(names[i]));
        }
        ck_assert_uint_eq(index.n_entries, 11);
        for (i = 0; i < 11; i++)
                ck_assert_uint_eq(index.entries[i].file, files[i]);
        hf_index_deinit(&index);
}
END_TEST

START_TEST(test_file_name_length)
{
        char text[400], name[256];
        struct hf_error error;
        int used, length;

        for (length = 255; length <= 256; length++) {
                memset(name, 'f', (size_t)length);
                used = snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%.*s\"}}", length, name);
                ck_assert_int_eq(reason_of(text, (size_t)used, &error),
                                 length == 255 ? HF_OK : HF_BAD_FILE_NAME);
        }
}
END_TEST

START_TEST(test_damage)
{
        static const char text[] = "{\"metadata\":{\"total_size\":8,\"x\":[1.5,{}]},"
                                   "\"weight_map\":{\"a\\u0062\":\"f\",\"c\":\"g\"}}";
        size_t length = sizeof text - 1, i;
        struct hf_error error;

        for (i = 0; i < length; i++)
                ck_assert_int_eq(reason_of(text, i, &error), HF_BAD_JSON);
        for (i = 0; i < length * 8; i++) {
                char flipped[sizeof text];

                memcpy(flipped, text, length);
                flipped[i / 8] ^= (char)(1 << i % 8);
                reason_of(flipped, length, &error);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-index");
        TCase *tests = tcase_create("index");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_refused, 0, sizeof refused / sizeof *refused);
        tcase_add_loop_test(tests, test_accepted, 0, sizeof accepted / sizeof *accepted);
        tcase_add_test(tests, test_contents);
        tcase_add_test(tests, test_runs);
        tcase_add_test(tests, test_file_name_length);
        tcase_add_test(tests, test_damage);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
