/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The safetensors header under stress: caps, the length in front, damage at every byte and bit, many
 * tensors, and names chosen to collide.
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

/* One tensor with a name, or a rank, of a given size. */
static enum hf_reason reason_of_name(const char *piece, size_t count, size_t length)
{
        char *header = malloc(count * length + 200);
        struct hf_error error;
        enum hf_reason reason;
        size_t used, i;

        used = (size_t)sprintf(header, "{\"");
        for (i = 0; i < count; i++, used += length)
                memcpy(header + used, piece, length);
        used += (size_t)sprintf(header + used, "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
        reason = reason_of(header, used, 1, &error);
        free(header);
        return reason;
}

static enum hf_reason reason_of_rank(int rank)
{
        char header[1024];
        struct hf_error error;
        int used = sprintf(header, "{\"t\":{\"dtype\":\"U8\",\"shape\":[1"), i;

        for (i = 1; i < rank; i++)
                used += sprintf(header + used, ",1");
        used += sprintf(header + used, "],\"data_offsets\":[0,1]}}");
        return reason_of(header, (size_t)used, 1, &error);
}

START_TEST(test_caps)
{
        ck_assert_int_eq(reason_of_name("x", 4096, 1), HF_OK);
        ck_assert_int_eq(reason_of_name("x", 4097, 1), HF_BAD_NAME_LENGTH);
        ck_assert_int_eq(reason_of_name("x", 1 << 20, 1), HF_BAD_NAME_LENGTH);
        ck_assert_int_eq(reason_of_name("\\u0078", 4096, 6), HF_OK);
        ck_assert_int_eq(reason_of_name("\\u0078", 4097, 6), HF_BAD_NAME_LENGTH);
        ck_assert_int_eq(reason_of_name("\\n", 4097, 2), HF_BAD_NAME_LENGTH);
        ck_assert_int_eq(reason_of_rank(64), HF_OK);
        ck_assert_int_eq(reason_of_rank(65), HF_BAD_RANK);
}
END_TEST

static enum hf_reason length_reason(const char *head, size_t length, uint64_t size, uint64_t *ret_length)
{
        struct hf_error error;

        return hf_safetensors_header_length(head, length, size, ret_length, &error) == 0 ? HF_OK
                                                                                         : error.reason;
}

START_TEST(test_length)
{
        static const char lfs[] =
                "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 5\n";
        uint64_t length = 77;

        ck_assert_int_eq(length_reason("", 0, 0, &length), HF_BAD_TOO_SMALL);
        ck_assert_int_eq(length_reason("\2\0\0\0\0\0\0", 7, 7, &length), HF_BAD_TOO_SMALL);
        ck_assert_int_eq(length_reason("\2\0\0\0\0\0\0\0", 8, 9, &length), HF_BAD_HEADER_PAST_END);
        ck_assert_int_eq(length_reason("\1\xE1\xF5\5\0\0\0\0", 8, 200000000, &length),
                         HF_BAD_HEADER_TOO_LARGE);
        ck_assert_int_eq(length_reason("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, 200000000, &length),
                         HF_BAD_HEADER_TOO_LARGE);
        ck_assert_int_eq(length_reason("\xF8\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, 16, &length),
                         HF_BAD_HEADER_TOO_LARGE);
        ck_assert_int_eq(length_reason(lfs, sizeof lfs - 1, sizeof lfs - 1, &length), HF_BAD_GIT_LFS);
        ck_assert_uint_eq(length, 77);
        ck_assert_int_eq(length_reason("\0\xE1\xF5\5\0\0\0\0", 8, 200000000, &length), HF_OK);
        ck_assert_uint_eq(length, 100000000);
        ck_assert_int_eq(length_reason("\2\0\0\0\0\0\0\0{}", 10, 10, &length), HF_OK);
        ck_assert_uint_eq(length, 2);
}
END_TEST

START_TEST(test_looks_like)
{
        ck_assert(hf_safetensors_looks_like("\2\0\0\0\0\0\0\0{}", 10, 10));
        ck_assert(hf_safetensors_looks_like("\4\0\0\0\0\0\0\0 \n{}", 12, 12));
        /* 640 begins as a pickle does, 67324752 as a zip does. */
        ck_assert(hf_safetensors_looks_like("\x80\2\0\0\0\0\0\0{", 9, 1000));
        ck_assert(hf_safetensors_looks_like("PK\3\4\0\0\0\0{", 9, 100000000));
        ck_assert(!hf_safetensors_looks_like("PK\3\4\0\0\0\0\0", 9, 100000000));
        ck_assert(!hf_safetensors_looks_like("\2\0\0\0\0\0\0\0[]", 10, 10));
        ck_assert(!hf_safetensors_looks_like("\2\0\0\0\0\0\0\0", 8, 8));
        ck_assert(!hf_safetensors_looks_like("", 0, 0));
}
END_TEST

START_TEST(test_trailing_allowed)
{
        static const char header[] = "{" T("t", "U8", "[2]", 0, 2) "}";
        struct hf_safetensors_options options = {.allow_trailing = true};
        struct hf_safetensors table;
        struct hf_error error;

        ck_assert_int_eq(hf_safetensors_parse(header, sizeof header - 1, 8 + sizeof header - 1 + 7, &options,
                                              &table, &error),
                         0);
        ck_assert_uint_eq(table.trailing, 5);
        hf_safetensors_deinit(&table);
}
END_TEST

static const char sample[] = " {\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"\xC3\xA9\"}," T(
        "model.a", "F32", "[2,1]", 0,
        8) ","
           "\"\\ud83d\\ude00\":{\"dtype\":\"BF16\",\"x\":[1.5e3,true,{\"y\":null}],"
           "\"shape\":[1],\"data_offsets\":[8,10]}}  ";

/*
 * Cut anywhere, a header is refused: as JSON before its closing brace, and for its length's sake
 * elsewhere.
 */
START_TEST(test_truncated)
{
        size_t length = sizeof sample - 1, cut;
        struct hf_error error;

        ck_assert_int_eq(reason_of(sample, length, 10, &error), HF_OK);
        for (cut = 0; cut < length - 2; cut++) {
                ck_assert_int_eq(reason_of(sample, cut, 10, &error), HF_BAD_JSON);
                ck_assert(error.json == HF_JSON_BAD_TRUNCATED || error.json == HF_JSON_BAD_UTF8 ||
                          error.json == HF_JSON_BAD_SURROGATE);
        }
}
END_TEST

/* No flipped bit crashes, and what is still accepted covers the data exactly. */
START_TEST(test_bit_flips)
{
        size_t length = sizeof sample - 1, bit, i;
        size_t survivors = 0;

        for (bit = 0; bit < length * 8; bit++) {
                struct hf_safetensors table;
                struct hf_error error;
                char flipped[sizeof sample], *copy;
                uint64_t covered = 0;

                memcpy(flipped, sample, length);
                flipped[bit / 8] ^= (char)(1 << bit % 8);
                if (parse(flipped, length, 10, &table, &error, &copy) == 0) {
                        for (i = 0; i < table.n_tensors; i++)
                                covered += table.tensors[i].end - table.tensors[i].begin;
                        ck_assert_uint_eq(covered, 10);
                        hf_safetensors_deinit(&table);
                        survivors++;
                }
                free(copy);
        }
        /* Letters of names and of strings may change. */
        ck_assert_uint_gt(survivors, 0);
}
END_TEST

/* Names whose hashes all agree, as an attacker would choose them, must not hide a duplicate. */
START_TEST(test_chosen_hashes)
{
        enum {
                COUNT = 1000
        };
        struct hf_name names[COUNT];
        char texts[COUNT][8];
        uint32_t first[COUNT];
        size_t i, duplicate, original;

        for (i = 0; i < COUNT; i++) {
                snprintf(texts[i], sizeof texts[i], "n%zu", i == 900 ? 17 : i);
                names[i] = (struct hf_name){texts[i], (uint32_t)strlen(texts[i]), 42};
        }
        ck_assert_int_eq(hf_names_group(names, sizeof *names, COUNT, first, &duplicate, &original), 1);
        ck_assert_uint_eq(duplicate, 900);
        ck_assert_uint_eq(original, 17);
        for (i = 0; i < COUNT; i++)
                ck_assert_uint_eq(first[i], i == 900 ? 17 : i);
        ck_assert_int_eq(hf_names_group(names, sizeof *names, 900, NULL, &duplicate, &original), 0);
}
END_TEST

START_TEST(test_many)
{
        enum {
                COUNT = 20000
        };
        char *header = malloc(COUNT * 80);
        struct hf_safetensors table;
        struct hf_error error;
        size_t used = 0, i;

        /* Backwards, so that the table has to be sorted. */
        for (i = 0; i < COUNT; i++)
                used += (size_t)sprintf(
                        header + used,
                        "%s\"t%zu\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                        i ? "," : "{", i, COUNT - 1 - i, COUNT - i);
        used += (size_t)sprintf(header + used, "}");
        ck_assert_int_eq(hf_safetensors_parse(header, used, 8 + used + COUNT, NULL, &table, &error), 0);
        ck_assert_uint_eq(table.n_tensors, COUNT);
        for (i = 0; i < COUNT; i++)
                ck_assert_uint_eq(table.tensors[i].begin, 8 + used + i);
        ck_assert_mem_eq(table.tensors[0].name.text, "t19999", 6);
        hf_safetensors_deinit(&table);
        free(header);
}
END_TEST

START_TEST(test_printed_names)
{
        char printed[16];

        ck_assert_str_eq(hf_name_print("a.b", 3, printed, sizeof printed), "a.b");
        ck_assert_str_eq(hf_name_print("\x1B[\0\\\xE2", 5, printed, sizeof printed), "\\x1B[\\x00...");
        ck_assert_str_eq(hf_name_print("abcdefghijklmnopq", 17, printed, sizeof printed), "abcdefghijkl...");
        ck_assert_str_eq(hf_name_print("", 0, printed, sizeof printed), "");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-limits");
        TCase *tests = tcase_create("loader");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(tests, test_caps);
        tcase_add_test(tests, test_length);
        tcase_add_test(tests, test_looks_like);
        tcase_add_test(tests, test_trailing_allowed);
        tcase_add_test(tests, test_truncated);
        tcase_add_test(tests, test_bit_flips);
        tcase_add_test(tests, test_chosen_hashes);
        tcase_add_test(tests, test_many);
        tcase_add_test(tests, test_printed_names);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
