/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration tree: building it by hand and from JSON, reading it, and every way in which it is
 * refused.
 */

#include <stdio.h>

#include "core/base/text.h"
#include "core/config/config.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static ckpt_session session;
static ckpt_config_builder *builder;
static ckpt_config *config;

static void set_up(void)
{
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, NULL, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_config_builder_new(&session, &builder), CKPT_OK);
        config = NULL;
}

static void tear_down(void)
{
        builder = ckpt_config_builder_free(builder);
        config = ckpt_config_free(config);
        ckpt_session_deinit(&session);
}

static ckpt_status add_json(const char *text)
{
        return ckpt_config_builder_add_json(&session.diagnostics, builder, text, strlen(text), "config.json");
}

static ckpt_status finish(void)
{
        ckpt_config_builder *used = builder;

        builder = NULL;
        return ckpt_config_builder_finish(used, &session, &config);
}

static const char *last_text(void)
{
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 1);
        return session.diagnostics.list.items[0].text;
}

static const ckpt_value *get(const char *key)
{
        return ckpt_value_api_get(ckpt_config_api_root(config), key);
}

START_TEST(reads_json)
{
        ck_assert_int_eq(
                add_json("{\"architectures\": [\"Gemma3ForCausalLM\"], \"hidden_size\": 2560, \"eps\": 1e-6, "
                         "\"tie\": true, \"none\": null, \"text\": \"caf\\u00e9 \\ud83d\\ude00\", "
                         "\"big\": 9223372036854775807, \"small\": -9223372036854775808, "
                         "\"rope\": {\"type\": \"linear\", \"factors\": [1, 2.5, false, []]}}"),
                CKPT_OK);
        ck_assert_int_eq(finish(), CKPT_OK);
        ck_assert_str_eq(ckpt_value_api_string(get("architecture")), "Gemma3ForCausalLM");
        ck_assert_int_eq(ckpt_value_api_type(get("hidden_size")), CKPT_VALUE_I64);
        ck_assert_int_eq(ckpt_value_api_i64(get("hidden_size")), 2560);
        ck_assert(ckpt_value_api_f64(get("hidden_size")) == 2560.0);
        ck_assert_int_eq(ckpt_value_api_type(get("eps")), CKPT_VALUE_F64);
        ck_assert(ckpt_value_api_f64(get("eps")) == 1e-6);
        ck_assert_int_eq(ckpt_value_api_i64(get("eps")), 0);
        ck_assert_int_eq(ckpt_value_api_type(get("tie")), CKPT_VALUE_BOOL);
        ck_assert_int_eq(ckpt_value_api_i64(get("tie")), 1);
        ck_assert_int_eq(ckpt_value_api_type(get("none")), CKPT_VALUE_NULL);
        ck_assert_str_eq(ckpt_value_api_string(get("text")), "caf\xc3\xa9 \xf0\x9f\x98\x80");
        ck_assert_int_eq(ckpt_value_api_i64(get("big")), INT64_MAX);
        ck_assert_int_eq(ckpt_value_api_i64(get("small")), INT64_MIN);
        ck_assert_ptr_null(get("absent"));
        ck_assert_ptr_null(ckpt_value_api_string(get("big")));
        ck_assert_uint_eq(ckpt_value_api_count(get("big")), 0);
        ck_assert_ptr_null(ckpt_value_api_get(get("big"), "x"));

        ck_assert_int_eq(ckpt_value_api_type(get("rope")), CKPT_VALUE_OBJECT);
        ck_assert_uint_eq(ckpt_value_api_count(get("rope")), 2);
        ck_assert_str_eq(ckpt_value_api_key(get("rope"), 1), "factors");
        ck_assert_ptr_null(ckpt_value_api_key(get("rope"), 2));
        ck_assert_uint_eq(ckpt_value_api_count(ckpt_value_api_at(get("rope"), 1)), 4);
        ck_assert(ckpt_value_api_f64(ckpt_value_api_at(ckpt_value_api_at(get("rope"), 1), 1)) == 2.5);
        ck_assert_ptr_null(ckpt_value_api_at(get("rope"), 2));
        ck_assert_ptr_null(ckpt_value_api_key(ckpt_value_api_at(get("rope"), 1), 0));
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 0);
}
END_TEST

static const struct bad_json {
        const char *text;
        ckpt_status status;
        const char *says;
} bad_jsons[] = {
        {"", CKPT_E_CORRUPT, "config.json: line 1, column 0: '[' or '{' expected near end of file"},
        {"{\"a\": 1,\n \"a\": 2}", CKPT_E_CORRUPT,
         "config.json: line 2, column 4: duplicate object key near '\"a\"'"},
        {"{\"a\": 1, \"\\u0061\": 2}", CKPT_E_CORRUPT, "duplicate object key"},
        {"[1]", CKPT_E_CORRUPT, "config.json: the outermost value is no object"},
        {"{\"size\": [1, 9223372036854775808]}", CKPT_E_CORRUPT,
         "key 'size': the number does not fit into 64 bits"},
        {"{\"a\": 1, \"size\":\n -9223372036854775809}", CKPT_E_CORRUPT,
         "line 2, column 21: key 'size': the number"},
        {"{\"a:b\": {\"c\": 1}, \"eps\": 1e999}", CKPT_E_CORRUPT, "key 'eps': the number does not fit"},
        {"{\"a\": \"x\\u0000y\"}", CKPT_E_CORRUPT, "\\u0000 is not allowed"},
        {"{\"a\\u0000\": 1}", CKPT_E_CORRUPT, "NUL byte in object key not supported"},
        {"{\"a\": 01}", CKPT_E_CORRUPT, "line 1, column 7: invalid token near '0'"},
        {"{\"a\": NaN}", CKPT_E_CORRUPT, "invalid token near 'NaN'"},
        {"{\"a\": 1,}", CKPT_E_CORRUPT, "string or '}' expected"},
        {"{\"a\": 1} x", CKPT_E_CORRUPT, "end of file expected near 'x'"},
        {"{'a': 1}", CKPT_E_CORRUPT, "string or '}' expected"},
        {"{\"a\": \"\xff\"}", CKPT_E_CORRUPT, "unable to decode byte 0xff"},
        {"{\"a\": \"\xc0\xaf\"}", CKPT_E_CORRUPT, "unable to decode byte 0xc0"},
        {"{\"a\": \"\\ud800\"}", CKPT_E_CORRUPT, "invalid Unicode"},
        {"{\"a\": \"\n\"}", CKPT_E_CORRUPT, "unexpected newline"},
        {"\xef\xbb\xbf{}", CKPT_E_CORRUPT, "expected near"},
        {"{\"a\": {\"b\": \x1b}", CKPT_E_CORRUPT, "invalid token near '\\x1b"},
};

START_TEST(refuses_bad_json)
{
        const struct bad_json *c = &bad_jsons[_i];

        ck_assert_int_eq(add_json(c->text), c->status);
        ck_assert_msg(strstr(last_text(), c->says) != NULL, "%s", last_text());
        ck_assert_uint_eq(ckpt_value_api_count(ckpt_config_api_builder_root(builder)), 0);
}
END_TEST

START_TEST(refuses_a_nul_after_the_text)
{
        ck_assert_int_eq(
                ckpt_config_builder_add_json(&session.diagnostics, builder, "{}\0", 3, "config.json"),
                CKPT_E_CORRUPT);
}
END_TEST

/* depth containers in all; strings full of brackets do not count. */
static ckpt_status add_nested(uint32_t depth)
{
        ckpt_text text = CKPT_TEXT_INIT;
        ckpt_status r;

        ckpt_text_add(&text, "{\"\\\"[[[[\": \"]{\\\\\", \"a\": ");
        for (uint32_t i = 1; i < depth; i++)
                ckpt_text_add(&text, "[");
        for (uint32_t i = 1; i < depth; i++)
                ckpt_text_add(&text, "]");
        ckpt_text_add(&text, "}");
        r = add_json(ckpt_text_get(&text));
        ckpt_text_deinit(&text);
        return r;
}

START_TEST(caps_the_depth_of_json)
{
        ck_assert_int_eq(add_nested(127), CKPT_OK);
        ck_assert_int_eq(add_nested(128), CKPT_E_LIMIT);
        ck_assert_str_eq(last_text(), "config.json: line 1, column 151: nested too deeply");
        ck_assert_int_eq(add_nested(100000), CKPT_E_LIMIT);
}
END_TEST

START_TEST(caps_the_size_of_json)
{
        const uint64_t size = (64u << 20) + 1;
        char *text = malloc(size);

        ck_assert_ptr_nonnull(text);
        memset(text, ' ', size);
        memcpy(text, "{}", 2);
        ck_assert_int_eq(
                ckpt_config_builder_add_json(&session.diagnostics, builder, text, size, "config.json"),
                CKPT_E_LIMIT);
        ck_assert_int_eq(
                ckpt_config_builder_add_json(&session.diagnostics, builder, text, 1 << 20, "config.json"),
                CKPT_OK);
        free(text);
}
END_TEST

START_TEST(survives_every_cut_and_every_flipped_bit)
{
        static const char text[] =
                "{\"architectures\": [\"A\"], \"x\": {\"y\": [1, -2.5e3, true, null, \"\\u00e9\"]}}";
        char copy[sizeof(text)];

        for (size_t n = 0; n < sizeof(text) - 1; n++)
                ck_assert_int_lt(ckpt_config_builder_add_json(&session.diagnostics, builder, text, n, "x"),
                                 0);
        for (size_t bit = 0; bit < 8 * (sizeof(text) - 1); bit++) {
                memcpy(copy, text, sizeof(text));
                copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
                ckpt_config_builder_add_json(&session.diagnostics, builder, copy, sizeof(text) - 1, "x");
        }
}
END_TEST

START_TEST(setters_build_a_tree)
{
        ckpt_config_api_set_string(builder, "architecture", "A");
        ckpt_config_api_set_i64(builder, "n", 1);
        ckpt_config_api_begin_object(builder, "quantization");
        ckpt_config_api_set_string(builder, "method", "fp8");
        ckpt_config_api_begin_array(builder, "list");
        ckpt_config_api_set_f64(builder, NULL, 0.5);
        ckpt_config_api_set_null(builder, NULL);
        ckpt_config_api_end(builder);
        ckpt_config_api_set_bool(builder, "flag", 7);
        ckpt_config_api_end(builder);
        ckpt_config_api_set_i64(builder, "n", 2); /* replaces, in its place */
        ckpt_config_api_set_value(builder, "self", ckpt_config_api_builder_root(builder));
        ckpt_config_api_set_value(builder, "again",
                                  ckpt_value_api_get(ckpt_config_api_builder_root(builder), "quantization"));
        ck_assert_int_eq(finish(), CKPT_OK);
        ck_assert_uint_eq(ckpt_value_api_count(ckpt_config_api_root(config)), 5);
        ck_assert_str_eq(ckpt_value_api_key(ckpt_config_api_root(config), 1), "n");
        ck_assert_int_eq(ckpt_value_api_i64(get("n")), 2);
        ck_assert_uint_eq(ckpt_value_api_count(get("self")), 3);
        ck_assert_int_eq(ckpt_value_api_i64(ckpt_value_api_get(get("again"), "flag")), 1);
        ck_assert(ckpt_value_api_f64(ckpt_value_api_at(ckpt_value_api_get(get("again"), "list"), 0)) == 0.5);
        ck_assert_ptr_ne(get("again"), get("quantization"));
}
END_TEST

START_TEST(json_goes_into_the_open_object)
{
        ckpt_config_api_set_string(builder, "architecture", "A");
        ckpt_config_api_begin_object(builder, "inner");
        ckpt_config_api_set_i64(builder, "x", 1);
        ck_assert_int_eq(add_json("{\"x\": 2, \"y\": 3}"), CKPT_OK);
        ckpt_config_api_end(builder);
        ck_assert_int_eq(finish(), CKPT_OK);
        ck_assert_int_eq(ckpt_value_api_i64(ckpt_value_api_get(get("inner"), "x")), 2);
        ck_assert_int_eq(ckpt_value_api_i64(ckpt_value_api_get(get("inner"), "y")), 3);
        ck_assert_ptr_null(get("y"));
}
END_TEST

START_TEST(json_needs_an_open_object)
{
        ckpt_config_api_begin_array(builder, "list");
        ck_assert_int_eq(add_json("{}"), CKPT_E_PLUGIN);
}
END_TEST

START_TEST(many_keys_are_found)
{
        char key[32];

        ckpt_config_api_set_string(builder, "architecture", "A");
        for (int i = 0; i < 20000; i++) {
                snprintf(key, sizeof(key), "key.%d", i);
                ckpt_config_api_set_i64(builder, key, i);
        }
        for (int i = 0; i < 20000; i += 7) {
                snprintf(key, sizeof(key), "key.%d", i);
                ckpt_config_api_set_i64(builder, key, -i);
        }
        ck_assert_int_eq(finish(), CKPT_OK);
        ck_assert_uint_eq(ckpt_value_api_count(ckpt_config_api_root(config)), 20001);
        for (int i = 0; i < 20000; i++) {
                snprintf(key, sizeof(key), "key.%d", i);
                if (ckpt_value_api_i64(get(key)) != (i % 7 ? i : -i))
                        ck_abort_msg("%s is wrong", key);
        }
}
END_TEST

static void misuse(int which)
{
        switch (which) {
        case 0:
                ckpt_config_api_set_i64(builder, NULL, 1);
                break;
        case 1:
                ckpt_config_api_begin_array(builder, "list");
                ckpt_config_api_begin_object(builder, "keyed");
                ckpt_config_api_set_i64(builder, "ignored", 1);
                ckpt_config_api_end(builder);
                ckpt_config_api_end(builder);
                break;
        case 2:
                ckpt_config_api_begin_array(builder, "list");
                break;
        case 3:
                ckpt_config_api_end(builder);
                break;
        case 4:
                ckpt_config_api_set_string(builder, "name", NULL);
                break;
        case 5:
                ckpt_config_api_set_value(builder, "value", NULL);
                break;
        default:
                for (int i = 0; i < 1000; i++)
                        ckpt_config_api_begin_object(builder, "x");
                for (int i = 0; i < 1000; i++)
                        ckpt_config_api_end(builder);
        }
}

START_TEST(misuse_is_the_loaders_fault)
{
        static const char *const says[] = {
                "a value without a key was put into an object; the config loader is at fault",
                "configuration key 'keyed': a value with a key was put into an array; "
                "the config loader is at fault",
                "a container was left open; the config loader is at fault",
                "a container was closed that was never opened; the config loader is at fault",
                "configuration key 'name': NULL was given as a string; the config loader is at fault",
                "configuration key 'value': NULL was given as a value; the config loader is at fault",
                "configuration key 'x': containers are nested too deeply; the config loader is at fault",
        };

        ckpt_config_api_set_string(builder, "architecture", "A");
        misuse(_i);
        ck_assert_int_eq(finish(), CKPT_E_PLUGIN);
        ck_assert_str_eq(last_text(), says[_i]);
        ck_assert_ptr_null(config);
}
END_TEST

START_TEST(values_cannot_grow_without_end)
{
        ckpt_config_api_set_string(builder, "architecture", "A");
        for (int i = 0; i < 200; i++) {
                const ckpt_value *value = ckpt_value_api_get(ckpt_config_api_builder_root(builder), "x");

                ckpt_config_api_begin_object(builder, "y");
                if (value)
                        ckpt_config_api_set_value(builder, "inner", value);
                ckpt_config_api_end(builder);
                ckpt_config_api_set_value(builder, "x",
                                          ckpt_value_api_get(ckpt_config_api_builder_root(builder), "y"));
        }
        ck_assert_int_eq(finish(), CKPT_E_PLUGIN);
        ck_assert_str_eq(
                last_text(),
                "configuration key 'inner': a value is nested too deeply; the config loader is at fault");
}
END_TEST

static const struct architecture_case {
        const char *json;
        ckpt_status status;
        const char *says;
} architectures[] = {
        {"{}", CKPT_E_NOT_FOUND, "the configuration names no architecture"},
        {"{\"architectures\": []}", CKPT_E_NOT_FOUND, "the configuration names no architecture"},
        {"{\"architectures\": null}", CKPT_E_NOT_FOUND, "the configuration names no architecture"},
        {"{\"architectures\": [3]}", CKPT_E_CORRUPT, "configuration key 'architectures[0]' must be a name"},
        {"{\"architecture\": \"\"}", CKPT_E_CORRUPT, "configuration key 'architecture' must be a name"},
        {"{\"architecture\": [\"A\"]}", CKPT_E_CORRUPT, "configuration key 'architecture' must be a name"},
        {"{\"architecture\": \"A\", \"architectures\": [\"B\"]}", CKPT_OK, "A"},
        {"{\"architecture\": null, \"architectures\": [\"B\", \"C\"]}", CKPT_OK, "B"},
};

START_TEST(needs_an_architecture)
{
        const struct architecture_case *c = &architectures[_i];

        ck_assert_int_eq(add_json(c->json), CKPT_OK);
        ck_assert_int_eq(finish(), c->status);
        if (c->status == CKPT_OK)
                ck_assert_str_eq(ckpt_value_api_string(get("architecture")), c->says);
        else
                ck_assert_msg(strstr(last_text(), c->says) != NULL, "%s", last_text());
}
END_TEST

static char seen[256];

static ckpt_status keep_failure(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                                const char *message)
{
        ck_assert_ptr_nonnull(self);
        snprintf(seen, sizeof(seen), "%s: %s", where->object, message);
        return status;
}

START_TEST(a_component_adds_json_in_its_own_name)
{
        static const ckpt_api api = {.struct_size = sizeof(api), .report = keep_failure};
        const ckpt_frame frame = {.api = &api};

        ck_assert_int_eq(ckpt_config_api_add_json(&frame, builder, "{\"a\": 1}", 8, "config.json"), CKPT_OK);
        ck_assert_int_eq(ckpt_config_api_add_json(&frame, builder, "{\"a\" 1}", 7, "config.json"),
                         CKPT_E_CORRUPT);
        ck_assert_str_eq(seen, "config.json: line 1, column 6: ':' expected near '1'");
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
        Suite *suite = suite_create("config");
        TCase *tests = tcase_create("config");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, reads_json);
        tcase_add_loop_test(tests, refuses_bad_json, 0, COUNT(bad_jsons));
        tcase_add_test(tests, refuses_a_nul_after_the_text);
        tcase_add_test(tests, caps_the_depth_of_json);
        tcase_add_test(tests, caps_the_size_of_json);
        tcase_add_test(tests, survives_every_cut_and_every_flipped_bit);
        tcase_add_test(tests, setters_build_a_tree);
        tcase_add_test(tests, json_goes_into_the_open_object);
        tcase_add_test(tests, json_needs_an_open_object);
        tcase_add_test(tests, many_keys_are_found);
        tcase_add_loop_test(tests, misuse_is_the_loaders_fault, 0, 7);
        tcase_add_test(tests, values_cannot_grow_without_end);
        tcase_add_loop_test(tests, needs_an_architecture, 0, COUNT(architectures));
        tcase_add_test(tests, a_component_adds_json_in_its_own_name);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
