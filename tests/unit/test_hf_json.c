/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer: what RFC 8259 allows gives the right tokens, everything else its own reason and place. */
#include "json.h"

#include <check.h>
#include <stdlib.h>

struct text {
        const char *bytes;
        size_t length;
};

#define TEXT(literal)                        \
        {                                    \
                literal, sizeof(literal) - 1 \
        }

/* Walks to the end or the first refusal. */
static enum hf_json_reason walk(const char *bytes, size_t length, uint32_t depth, size_t *ret_position)
{
        struct hf_json json;
        enum hf_json_token token;

        hf_json_init(&json, bytes, length, depth);
        do
                token = hf_json_next(&json);
        while (token > HF_JSON_END);
        *ret_position = hf_json_position(&json);
        return token == HF_JSON_END ? HF_JSON_OK : json.reason;
}

static const struct {
        struct text text;
        enum hf_json_reason reason;
        size_t position;
} refused[] = {
        {TEXT(""), HF_JSON_BAD_TRUNCATED, 0},
        {TEXT("  "), HF_JSON_BAD_TRUNCATED, 2},
        {TEXT("\xEF\xBB\xBF{}"), HF_JSON_BAD_BOM, 0},
        {TEXT("{}x"), HF_JSON_BAD_TRAILING, 2},
        {TEXT("{} {}"), HF_JSON_BAD_TRAILING, 3},
        {TEXT("{}\0"), HF_JSON_BAD_TRAILING, 2},
        {TEXT("\0{}"), HF_JSON_BAD_VALUE, 0},
        {TEXT("\v{}"), HF_JSON_BAD_VALUE, 0},
        {TEXT("nul"), HF_JSON_BAD_TRUNCATED, 3},
        {TEXT("nulL"), HF_JSON_BAD_VALUE, 3},
        {TEXT("True"), HF_JSON_BAD_VALUE, 0},
        {TEXT("NaN"), HF_JSON_BAD_VALUE, 0},
        {TEXT("Infinity"), HF_JSON_BAD_VALUE, 0},
        {TEXT("-Infinity"), HF_JSON_BAD_NUMBER, 1},
        {TEXT("'a'"), HF_JSON_BAD_VALUE, 0},
        {TEXT("/**/1"), HF_JSON_BAD_VALUE, 0},
        {TEXT("[1,]"), HF_JSON_BAD_VALUE, 3},
        {TEXT("[,1]"), HF_JSON_BAD_VALUE, 1},
        {TEXT("[1 2]"), HF_JSON_BAD_SEPARATOR, 3},
        {TEXT("[1}"), HF_JSON_BAD_SEPARATOR, 2},
        {TEXT("{\"a\":1]"), HF_JSON_BAD_SEPARATOR, 6},
        {TEXT("{\"a\":1,}"), HF_JSON_BAD_KEY, 7},
        {TEXT("{,}"), HF_JSON_BAD_KEY, 1},
        {TEXT("{a:1}"), HF_JSON_BAD_KEY, 1},
        {TEXT("{1:1}"), HF_JSON_BAD_KEY, 1},
        {TEXT("{\"a\" 1}"), HF_JSON_BAD_COLON, 5},
        {TEXT("{\"a\",1}"), HF_JSON_BAD_COLON, 4},
        {TEXT("{\"a\":}"), HF_JSON_BAD_VALUE, 5},
        {TEXT("01"), HF_JSON_BAD_NUMBER, 0},
        {TEXT("00"), HF_JSON_BAD_NUMBER, 0},
        {TEXT("-01"), HF_JSON_BAD_NUMBER, 1},
        {TEXT("-x"), HF_JSON_BAD_NUMBER, 1},
        {TEXT("-"), HF_JSON_BAD_TRUNCATED, 1},
        {TEXT("+1"), HF_JSON_BAD_VALUE, 0},
        {TEXT(".5"), HF_JSON_BAD_VALUE, 0},
        {TEXT("1. "), HF_JSON_BAD_NUMBER, 2},
        {TEXT("1.e1"), HF_JSON_BAD_NUMBER, 2},
        {TEXT("1e+ "), HF_JSON_BAD_NUMBER, 3},
        {TEXT("1e"), HF_JSON_BAD_TRUNCATED, 2},
        {TEXT("1e308"), HF_JSON_BAD_RANGE, 0},
        {TEXT("-1E+999999999999999999999"), HF_JSON_BAD_RANGE, 1},
        {TEXT("0.001e311"), HF_JSON_BAD_RANGE, 0},
        {TEXT("123.4e306"), HF_JSON_BAD_RANGE, 0},
        {TEXT("0x10"), HF_JSON_BAD_TRAILING, 1},
        {TEXT("\"a"), HF_JSON_BAD_TRUNCATED, 2},
        {TEXT("\"a\nb\""), HF_JSON_BAD_CONTROL, 2},
        {TEXT("\"a\0b\""), HF_JSON_BAD_CONTROL, 2},
        {TEXT("\"abcdefgh\x1F\""), HF_JSON_BAD_CONTROL, 9},
        {TEXT("\"\\x41\""), HF_JSON_BAD_ESCAPE, 1},
        {TEXT("\"\\\0\""), HF_JSON_BAD_ESCAPE, 1},
        {TEXT("\"\\u00g0\""), HF_JSON_BAD_ESCAPE, 1},
        {TEXT("\"\\u00"), HF_JSON_BAD_TRUNCATED, 5},
        {TEXT("\"\\"), HF_JSON_BAD_TRUNCATED, 2},
        {TEXT("\"\\ud800\""), HF_JSON_BAD_SURROGATE, 1},
        {TEXT("\"\\ud800x\""), HF_JSON_BAD_SURROGATE, 1},
        {TEXT("\"\\ud800\\n\""), HF_JSON_BAD_SURROGATE, 1},
        {TEXT("\"\\ud800\\ud800\""), HF_JSON_BAD_SURROGATE, 1},
        {TEXT("\"\\udc00\""), HF_JSON_BAD_SURROGATE, 1},
        {TEXT("\"\x80\""), HF_JSON_BAD_UTF8, 1},
        {TEXT("\"\xC0\x80\""), HF_JSON_BAD_UTF8, 1},         /* overlong NUL */
        {TEXT("\"\xC1\xBF\""), HF_JSON_BAD_UTF8, 1},         /* overlong */
        {TEXT("\"\xE0\x9F\xBF\""), HF_JSON_BAD_UTF8, 1},     /* overlong */
        {TEXT("\"\xF0\x8F\xBF\xBF\""), HF_JSON_BAD_UTF8, 1}, /* overlong */
        {TEXT("\"\xED\xA0\x80\""), HF_JSON_BAD_UTF8, 1},     /* U+D800 */
        {TEXT("\"\xED\xBF\xBF\""), HF_JSON_BAD_UTF8, 1},     /* U+DFFF */
        {TEXT("\"\xF4\x90\x80\x80\""), HF_JSON_BAD_UTF8, 1}, /* U+110000 */
        {TEXT("\"\xF5\x80\x80\x80\""), HF_JSON_BAD_UTF8, 1},
        {TEXT("\"\xFF\""), HF_JSON_BAD_UTF8, 1},
        {TEXT("\"\xE2\x82\""), HF_JSON_BAD_UTF8, 1}, /* cut by the quote */
        {TEXT("\"\xE2\x82"), HF_JSON_BAD_UTF8, 1},   /* cut by the end */
        {TEXT("\"\xC3"), HF_JSON_BAD_UTF8, 1},
        {TEXT("\"\xF0\x9F\x98"), HF_JSON_BAD_UTF8, 1},
        {TEXT("\"abcdefg\xFF\""), HF_JSON_BAD_UTF8, 8},
        {TEXT("[[[[[1]]]]]"), HF_JSON_BAD_DEPTH, 4},
        {TEXT("{\"a\":[{\"b\":[[]]}]}"), HF_JSON_BAD_DEPTH, 12},
};

START_TEST(test_refused)
{
        size_t position;

        ck_assert_int_eq(walk(refused[_i].text.bytes, refused[_i].text.length, 4, &position),
                         refused[_i].reason);
        ck_assert_uint_eq(position, refused[_i].position);
        ck_assert_str_ne(hf_json_reason_text(refused[_i].reason), "unknown error");
}
END_TEST

static const struct text accepted[] = {
        TEXT("{}"),
        TEXT("[]"),
        TEXT(" \t\r\n{ } \n"),
        TEXT("0"),
        TEXT("-0"),
        TEXT("-0.0e-0"),
        TEXT("1E307"),
        TEXT("0.0e999"),
        TEXT("0.001e310"),
        TEXT("1e-999999999999999999999"),
        TEXT("\"\""),
        TEXT("\"\x7F\""),
        TEXT("\"\xC2\x80\xE0\xA0\x80\xED\x9F\xBF\xEF\xBF\xBF\xF0\x90\x80\x80\""),
        TEXT("\"\xF4\x8F\xBF\xBF\""),
        TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\ud83d\\ude00\""),
        TEXT("[[[[]]]]"),
        TEXT("[1,\"2\",null,true,false,{}]"),
        TEXT("{ \"a\" : { \"b\" : [ 1 , 2 ] } , \"a\" : 1 }"),
};

START_TEST(test_accepted)
{
        size_t position, cut;

        ck_assert_int_eq(walk(accepted[_i].bytes, accepted[_i].length, 4, &position), HF_JSON_OK);
        ck_assert_uint_eq(position, accepted[_i].length);
        /* A shorter text of an object, array or string is never accepted, but for trailing space. */
        for (cut = 0; cut < accepted[_i].length && strchr("{[\"", accepted[_i].bytes[0]); cut++) {
                char *copy = malloc(cut + 1);

                memcpy(copy, accepted[_i].bytes, cut);
                ck_assert_int_ne(walk(copy, cut, 4, &position), HF_JSON_OK);
                free(copy);
        }
}
END_TEST

START_TEST(test_tokens)
{
        static const char text[] = " {\"a\":[1,-2,3.5,\"x\"],\"b\":{},\"c\":true,\"d\":false,\"e\":null} ";
        static const enum hf_json_token expected[] = {
                HF_JSON_OBJECT,     HF_JSON_KEY,    HF_JSON_ARRAY,      HF_JSON_NUMBER, HF_JSON_NUMBER,
                HF_JSON_NUMBER,     HF_JSON_STRING, HF_JSON_ARRAY_END,  HF_JSON_KEY,    HF_JSON_OBJECT,
                HF_JSON_OBJECT_END, HF_JSON_KEY,    HF_JSON_TRUE,       HF_JSON_KEY,    HF_JSON_FALSE,
                HF_JSON_KEY,        HF_JSON_NULL,   HF_JSON_OBJECT_END, HF_JSON_END,    HF_JSON_END,
        };
        struct hf_json json;
        size_t i;

        hf_json_init(&json, text, sizeof text - 1, HF_JSON_DEPTH_MAX);
        for (i = 0; i < sizeof expected / sizeof *expected; i++)
                ck_assert_int_eq(hf_json_next(&json), expected[i]);
}
END_TEST

static const struct {
        const char *text;
        bool exact;
        uint64_t value;
} numbers[] = {
        {"0", true, 0},
        {"7", true, 7},
        {"9999999999999999999", true, UINT64_C(9999999999999999999)},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"18446744073709551620", false, 0},
        {"99999999999999999999", false, 0},
        {"184467440737095516150", false, 0},
        {"-0", false, 0},
        {"-1", false, 0},
        {"2.0", false, 0},
        {"4e0", false, 0},
        {"1E2", false, 0},
};

START_TEST(test_numbers)
{
        struct hf_json json;

        hf_json_init(&json, numbers[_i].text, strlen(numbers[_i].text), 1);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_NUMBER);
        ck_assert_int_eq(json.exact, numbers[_i].exact);
        if (json.exact)
                ck_assert_uint_eq(json.number, numbers[_i].value);
        ck_assert_uint_eq(json.length, strlen(numbers[_i].text));
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_END);
}
END_TEST

static const struct {
        struct text text, meaning;
        bool nul;
} strings[] = {
        {TEXT("\"\""), TEXT(""), false},
        {TEXT("\"plain ascii, longer than a word\""), TEXT("plain ascii, longer than a word"), false},
        {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t"), false},
        {TEXT("\"\\u0074\\u00e9\\u20AC\""), TEXT("t\xC3\xA9\xE2\x82\xAC"), false},
        {TEXT("\"\\ud83d\\ude00\""), TEXT("\xF0\x9F\x98\x80"), false},
        {TEXT("\"\\udbff\\udfff\""), TEXT("\xF4\x8F\xBF\xBF"), false},
        {TEXT("\"a\\u0000b\""), TEXT("a\0b"), true},
        {TEXT("\"\xE2\x82\xAC\\n\""), TEXT("\xE2\x82\xAC\n"), false},
};

START_TEST(test_strings)
{
        struct hf_json json;
        char plain[64];
        size_t length;

        hf_json_init(&json, strings[_i].text.bytes, strings[_i].text.length, 1);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_STRING);
        ck_assert_uint_eq(json.length, strings[_i].text.length - 2);
        length = hf_json_unescape(json.text, json.length, plain);
        ck_assert_uint_eq(length, strings[_i].meaning.length);
        ck_assert_mem_eq(plain, strings[_i].meaning.bytes, length);
        ck_assert_int_eq(json.nul, strings[_i].nul);
        ck_assert_int_eq(json.escaped, memchr(strings[_i].text.bytes, '\\', strings[_i].text.length) != NULL);
}
END_TEST

/*
 * The eight-byte path and the bytewise one must see the same: a special byte at every place of a long
 * string.
 */
START_TEST(test_special_everywhere)
{
        static const char specials[] = {'"', '\\', '\x1F', '\x00', '\xFF', '\x80'};
        size_t s, i, length, position;

        for (s = 0; s < sizeof specials; s++)
                for (length = 1; length < 34; length++)
                        for (i = 0; i < length; i++) {
                                char text[40];
                                enum hf_json_reason reason;

                                memset(text, ' ', sizeof text);
                                memset(text + 1, 0x7E, length);
                                text[0] = text[length + 1] = '"';
                                text[i + 1] = specials[s];
                                reason = walk(text, length + 2, 1, &position);
                                ck_assert_int_ne(reason, HF_JSON_OK);
                                ck_assert_uint_ge(position, s == 1 ? i + 1 : s ? i + 1 : i + 2);
                        }
}
END_TEST

START_TEST(test_is)
{
        struct hf_json json;

        hf_json_init(&json, "[\"d\\u0074ype\",\"dtype\",\"dtyp\\u0000\",\"\\u0064\"]", 44, 1);
        hf_json_next(&json);
        hf_json_next(&json);
        ck_assert(hf_json_is(&json, "dtype"));
        ck_assert(!hf_json_is(&json, "dtyp"));
        hf_json_next(&json);
        ck_assert(hf_json_is(&json, "dtype"));
        ck_assert(!hf_json_is(&json, "dtypes"));
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_STRING);
        ck_assert(!hf_json_is(&json, "dtyp"));
        ck_assert(json.nul);
}
END_TEST

START_TEST(test_skip)
{
        static const char text[] = "[{\"a\":[1,{\"b\":[]}]},[],7,\"last\"]";
        struct hf_json json;
        int i;

        hf_json_init(&json, text, sizeof text - 1, 8);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_ARRAY);
        for (i = 0; i < 3; i++)
                ck_assert_int_eq(hf_json_skip(&json, hf_json_next(&json)), 0);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_STRING);
        ck_assert(hf_json_is(&json, "last"));
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_ARRAY_END);

        hf_json_init(&json, "[[1,]", 5, 8);
        hf_json_next(&json);
        ck_assert_int_eq(hf_json_skip(&json, hf_json_next(&json)), -1);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_ERROR);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-json");
        TCase *tests = tcase_create("tokenizer");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_refused, 0, sizeof refused / sizeof *refused);
        tcase_add_loop_test(tests, test_accepted, 0, sizeof accepted / sizeof *accepted);
        tcase_add_loop_test(tests, test_numbers, 0, sizeof numbers / sizeof *numbers);
        tcase_add_loop_test(tests, test_strings, 0, sizeof strings / sizeof *strings);
        tcase_add_test(tests, test_tokens);
        tcase_add_test(tests, test_special_everywhere);
        tcase_add_test(tests, test_is);
        tcase_add_test(tests, test_skip);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
