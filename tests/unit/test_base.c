/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The helpers at the bottom: memory, maps, text, patterns, reports, sessions.
 */

#include "core/base/map.h"
#include "core/base/session.h"
#include "core/base/text.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

/* Whether all bytes are alike; one assertion for many bytes. */
static bool all_are(const unsigned char *memory, uint64_t size, unsigned char value)
{
        uint64_t i = 0;

        while (i < size && memory[i] == value)
                i++;
        return i == size;
}

START_TEST(arena_gives_zeroed_aligned_memory)
{
        ckpt_arena arena = CKPT_ARENA_INIT;
        unsigned char *seen[300];

        for (uint64_t i = 0; i < 300; i++) {
                const uint64_t size = i * 97; /* from nothing to what needs a block of its own */

                seen[i] = ckpt_arena_alloc(&arena, size);
                ck_assert_ptr_nonnull(seen[i]);
                ck_assert_uint_eq((uintptr_t)seen[i] % 8, 0);
                ck_assert(all_are(seen[i], size, 0));
                memset(seen[i], (int)i, size);
        }
        for (uint64_t i = 0; i < 300; i++)
                ck_assert(all_are(seen[i], i * 97, (unsigned char)i));
        ck_assert_uint_eq(arena.total, 97u * 299 * 300 / 2);
        ckpt_arena_deinit(&arena);
        ck_assert_ptr_null(arena.blocks);
}
END_TEST

/* Blocks of 2 MiB and more are mapped, those below are not; what comes before and after lies elsewhere. */
START_TEST(arena_gives_large_pieces)
{
        static const uint64_t sizes[] = {16, (2u << 20) - 64, 48, 2u << 20, (2u << 20) + 1, 9u << 20, 100000};
        ckpt_arena arena = CKPT_ARENA_INIT;
        unsigned char *pieces[sizeof(sizes) / sizeof(sizes[0])];

        for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                pieces[i] = ckpt_arena_alloc(&arena, sizes[i]);
                ck_assert_ptr_nonnull(pieces[i]);
                ck_assert_uint_eq((uintptr_t)pieces[i] % 8, 0);
                ck_assert(pieces[i][0] == 0 && memcmp(pieces[i], pieces[i] + 1, sizes[i] - 1) == 0);
                memset(pieces[i], (int)i + 1, sizes[i]);
        }
        for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                ck_assert(pieces[i][0] == i + 1 && pieces[i][sizes[i] - 1] == i + 1);
        ckpt_arena_deinit(&arena);
}
END_TEST

START_TEST(arena_refuses_what_overflows)
{
        ckpt_arena arena = CKPT_ARENA_INIT;

        ck_assert_ptr_null(ckpt_arena_alloc(&arena, UINT64_MAX));
        ck_assert_ptr_null(ckpt_arena_alloc(&arena, UINT64_MAX - 20));
        ck_assert_ptr_null(ckpt_arena_calloc(&arena, UINT64_MAX / 2, 3));
        ck_assert_ptr_null(ckpt_arena_strndup(&arena, "x", UINT64_MAX));
        ck_assert_ptr_nonnull(ckpt_arena_calloc(&arena, 0, 8));
        ckpt_arena_deinit(&arena);
}
END_TEST

START_TEST(arena_copies_strings)
{
        ckpt_arena arena = CKPT_ARENA_INIT;

        ck_assert_str_eq(ckpt_arena_strdup(&arena, "model"), "model");
        ck_assert_ptr_null(ckpt_arena_strdup(&arena, NULL));
        ck_assert_str_eq(ckpt_arena_strndup(&arena, "model.layers", 5), "model");
        ck_assert_str_eq(ckpt_arena_printf(&arena, "%s.%d", "layers", 17), "layers.17");
        ck_assert_str_eq(ckpt_arena_join(&arena, "model.layers", 5, "norm"), "model.norm");
        ck_assert_str_eq(ckpt_arena_join(&arena, "model", 0, "norm"), "norm");
        ckpt_arena_deinit(&arena);
}
END_TEST

START_TEST(map_keeps_what_it_is_given)
{
        enum {
                N = 5000
        };
        static char names[N][16];
        ckpt_map map = CKPT_MAP_INIT;
        uint64_t value = 77;

        ck_assert(!ckpt_map_find(&map, "x", &value));
        for (uint64_t i = 0; i < N; i++) {
                snprintf(names[i], sizeof(names[i]), "key.%u", (unsigned)i);
                ck_assert_int_eq(ckpt_map_add(&map, names[i], i), CKPT_OK);
        }
        ck_assert_uint_eq(map.count, N);
        ck_assert_int_eq(ckpt_map_add(&map, "key.42", 1), CKPT_ABSENT);
        for (uint64_t i = 0; i < N; i++) {
                ck_assert(ckpt_map_find(&map, names[i], &value));
                ck_assert_uint_eq(value, i);
        }
        ck_assert_int_eq(ckpt_map_set(&map, "key.42", 1), CKPT_OK);
        ck_assert(ckpt_map_find(&map, "key.42", &value));
        ck_assert_uint_eq(value, 1);
        ck_assert(!ckpt_map_find(&map, "key.", &value));
        ck_assert_uint_eq(value, 1);
        ckpt_map_deinit(&map);
}
END_TEST

static const struct escape_case {
        const char *raw, *escaped, *json;
} escapes[] = {
        {"model.layers.0", "model.layers.0", "\"model.layers.0\""},
        {"a\nb\tc\x1b[31m", "a\\x0ab\\x09c\\x1b[31m", "\"a\\nb\\tc\\u001b[31m\""},
        {"quote\" back\\", "quote\" back\\", "\"quote\\\" back\\\\\""},
        {"\x7f", "\\x7f", "\"\\u007f\""},
        {"\xc2\x85", "\\u0085", "\"\\u0085\""}, /* C1 control */
        {"\xe2\x80\xae"
         "abc",
         "\\u202eabc", "\"\\u202eabc\""}, /* right-to-left override */
        {"caf\xc3\xa9 \xe6\xb3\xa2 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\xb3\xa2 \xf0\x9f\x98\x80",
         "\"caf\xc3\xa9 \xe6\xb3\xa2 \xf0\x9f\x98\x80\""},
        {"\xff\xc0\xaf", "\\xff\\xc0\\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong '/' */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", "\\xe2\\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut short */
        {"\xf3\xa0\x81\x81", "\\U000e0041", "\"\\udb40\\udc41\""},  /* invisible tag character */
};

START_TEST(names_are_escaped)
{
        const struct escape_case *c = &escapes[_i];
        ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add_escaped(&text, c->raw);
        ck_assert_str_eq(ckpt_text_get(&text), c->escaped);
        ckpt_text_deinit(&text);
        ckpt_text_add_json(&text, c->raw);
        ck_assert_str_eq(ckpt_text_get(&text), c->json);
        ckpt_text_deinit(&text);
}
END_TEST

START_TEST(text_grows)
{
        ckpt_text text = CKPT_TEXT_INIT;

        ck_assert_str_eq(ckpt_text_get(&text), "");
        for (int i = 0; i < 1000; i++)
                ckpt_text_add(&text, "%03d,", i);
        ck_assert_uint_eq(text.length, 4000);
        ck_assert_uint_eq(strlen(text.string), 4000);
        ck_assert_str_eq(text.string + 3996, "999,");
        ck_assert(!text.failed);
        ckpt_text_deinit(&text);
}
END_TEST

static const struct pattern_case {
        const char *pattern, *name;
        bool match;
        const char *rest; /* of the prefix match; "-": none, NULL: the whole name */
} patterns[] = {
        {"lm_head", "lm_head", true, NULL},
        {"lm_head", "lm_head.weight", false, "weight"},
        {"lm_head", "lm_headx", false, "-"},
        {"*.weight", "a.weight", true, NULL},
        {"*.weight", "a.b.weight", false, "-"},
        {"**.weight", "a.b.weight", true, NULL},
        {"**.q_proj", "q_proj", true, NULL},
        {"**.q_proj", "model.layers.0.q_proj", true, NULL},
        {"**.q_proj", "model.layers.0.q_proj.weight", false, "weight"},
        {"**", "anything.at.all", true, NULL},
        {"**", "", true, NULL},
        {"", "", true, NULL},
        {"", "a", false, "-"},
        {"model.layers", "model.layers.13.mlp", false, "13.mlp"},
        {"model.layers", "model.layersx.13", false, "-"},
        {"**.layers", "a.layers.0.layers.1", false, "0.layers.1"},
        {"model.**.norm", "model.norm", true, NULL},
        {"model.**.norm", "model.a.b.norm", true, NULL},
        {"model.**.norm", "model.a.norm.b", false, "b"},
        {"a.**.b.**.c", "a.b.x.b.y.c", true, NULL},
        {"a.**.b.**.c", "a.x.y.c", false, "-"},
        {"**.a.**", "x.a", true, NULL},
        {"layer*norm*", "layer_norm1", true, NULL},
        {"layer*norm*", "layernorm", true, NULL},
        {"layer*norm*", "layer.norm", false, "-"},
        {"*a*b*c*", "xxaxxbxxc", true, NULL},
        {"*a*b*c*", "xxaxxcxxb", false, "-"},
        {"*", "", true, NULL},
        {"a.*", "a", false, "-"},
        {"a.**", "a", true, NULL},
};

START_TEST(patterns_match_names)
{
        const struct pattern_case *c = &patterns[_i];
        const char *rest = "untouched";
        const bool found = ckpt_pattern_match_prefix(c->pattern, c->name, &rest);

        ck_assert_msg(ckpt_pattern_match(c->pattern, c->name) == c->match, "%s on %s", c->pattern, c->name);
        if (c->rest && strcmp(c->rest, "-") == 0) {
                ck_assert(!found);
                ck_assert_str_eq(rest, "untouched");
                return;
        }
        ck_assert_msg(found, "%s on %s", c->pattern, c->name);
        ck_assert_pstr_eq(rest, c->rest);
}
END_TEST

START_TEST(pattern_does_not_explode)
{
        char name[4001] = "", pattern[201] = "";

        for (int i = 0; i < 2000; i++)
                memcpy(name + i * 2, "a.", 3);
        for (int i = 0; i < 40; i++)
                memcpy(pattern + i * 5, "**.a.", 6);
        pattern[199] = 'b'; /* the last component never matches */
        ck_assert(!ckpt_pattern_match(pattern, name));
}
END_TEST

START_TEST(distance_is_levenshteins)
{
        static char a[5000], b[5000];

        ck_assert_uint_eq(ckpt_text_distance("kitten", "sitting", 10), 3);
        ck_assert_uint_eq(ckpt_text_distance("kitten", "sitting", 3), 3);
        ck_assert_uint_eq(ckpt_text_distance("kitten", "sitting", 2), 3);
        ck_assert_uint_eq(ckpt_text_distance("same", "same", 0), 0);
        ck_assert_uint_eq(ckpt_text_distance("", "abc", 5), 3);
        ck_assert_uint_eq(ckpt_text_distance("abc", "", 5), 3);
        ck_assert_uint_eq(ckpt_text_distance("aa", "aaa", 5), 1);
        ck_assert_uint_eq(ckpt_text_distance("flaw", "lawn", 5), 2);
        ck_assert_uint_eq(ckpt_text_distance("layers.1.q", "layers.2.k", 5), 2);
        memset(a, 'a', sizeof(a) - 1);
        memset(b, 'b', sizeof(b) - 1);
        ck_assert_uint_eq(ckpt_text_distance(a, b, 100), 101);
}
END_TEST

START_TEST(names_of_statuses)
{
        ck_assert_str_eq(ckpt_status_name(CKPT_OK), "ok");
        ck_assert_str_eq(ckpt_status_name(CKPT_E_NOMEM), "out of memory");
        ck_assert_str_eq(ckpt_status_name(CKPT_E_CORRUPT), "corrupt");
        ck_assert_str_eq(ckpt_status_name(CKPT_E_CANCELLED), "cancelled");
        ck_assert_str_eq(ckpt_status_name(CKPT_E_SYSTEM), "system");
        ck_assert_str_eq(ckpt_status_name(-17), "unknown");
        ck_assert_str_eq(ckpt_status_name(INT32_MIN), "unknown");
        ck_assert_str_eq(ckpt_status_name(CKPT_ABSENT), "absent");
        ck_assert_str_eq(ckpt_kind_name(CKPT_KIND_WEIGHT_MAPPER), "weight mapper");
        ck_assert_str_eq(ckpt_kind_name(99), "unknown component");
}
END_TEST

static void keep_line(void *context, ckpt_log_level level, const char *line)
{
        snprintf(context, 256, "%d %s", level, line);
}

START_TEST(log_lines_are_escaped_and_filtered)
{
        ckpt_logger logger;
        char line[256] = "";

        ckpt_logger_init(&logger);
        ckpt_logger_write(&logger, CKPT_LOG_ERROR, "nobody listens");
        ckpt_logger_write(NULL, CKPT_LOG_ERROR, "nobody listens");
        logger.sink = keep_line;
        logger.context = line;
        ckpt_logger_write(&logger, CKPT_LOG_DEBUG, "too fine");
        ck_assert_str_eq(line, "");
        ckpt_logger_write(&logger, CKPT_LOG_WARNING, "tensor '%s'\n", "a\rb");
        ck_assert_str_eq(line, "2 tensor 'a\\x0db'\\x0a");
        ckpt_logger_deinit(&logger);
}
END_TEST

START_TEST(diagnostics_say_all_that_is_known)
{
        const ckpt_where all = {.struct_size = sizeof(all),
                                .has_offset = 1,
                                .parameter = "model.norm.weight",
                                .tensor = "a\nb",
                                .object = "model.safetensors",
                                .offset = 0x1f,
                                .hint = "download it again"};
        const ckpt_where some = {.has_offset = 1, .offset = 16};
        ckpt_diagnostics d;

        ckpt_diagnostics_init(&d);
        ck_assert_int_eq(ckpt_diagnostics_first(&d), 0);
        ck_assert_int_eq(ckpt_diagnostics_add(&d, 0, NULL, NULL, NULL, "a warning"), 0);
        ck_assert_int_eq(ckpt_diagnostics_first(&d), 0);
        ck_assert_int_eq(
                ckpt_diagnostics_add(&d, CKPT_E_CORRUPT, "org.ckpt.hf", "weight loader", &all, "bad %d", 7),
                CKPT_E_CORRUPT);
        ckpt_diagnostics_add(&d, CKPT_E_IO, NULL, NULL, &some, "no more");
        ck_assert_int_eq(ckpt_diagnostics_first(&d), CKPT_E_CORRUPT);
        ck_assert_uint_eq(ckpt_diagnostics_count(&d), 3);
        ck_assert_str_eq(d.list.items[0].text, "a warning");
        ck_assert_str_eq(d.list.items[1].text,
                         "org.ckpt.hf weight loader: model.safetensors @0x1f: tensor 'a\\x0ab': "
                         "parameter 'model.norm.weight': bad 7; download it again");
        ck_assert_str_eq(d.list.items[1].message, "bad 7");
        ck_assert_str_eq(d.list.items[1].tensor, "a\nb");
        ck_assert_int_eq(d.list.items[1].has_offset, 1);
        ck_assert_uint_eq(d.list.items[1].offset, 0x1f);
        ck_assert_str_eq(d.list.items[2].text, "@0x10: no more");
        ck_assert_ptr_null(d.list.items[2].plugin);
        ckpt_diagnostics_deinit(&d);
        ck_assert_int_eq(ckpt_diagnostics_add(NULL, CKPT_E_IO, NULL, NULL, NULL, "unheard"), CKPT_E_IO);
}
END_TEST

START_TEST(diagnostics_are_capped)
{
        ckpt_diagnostics d;

        ckpt_diagnostics_init(&d);
        for (int i = 0; i < CKPT_DIAGNOSTICS_MAX + 5; i++)
                ckpt_diagnostics_add(&d, CKPT_E_MISSING, NULL, NULL, NULL, "parameter %d", i);
        ck_assert_uint_eq(ckpt_diagnostics_count(&d), CKPT_DIAGNOSTICS_MAX);
        ck_assert_uint_eq(d.dropped, 5);
        ckpt_diagnostics_deinit(&d);
}
END_TEST

static void *add_many(void *context)
{
        for (int i = 0; i < 100; i++)
                ckpt_diagnostics_add(context, CKPT_E_IO, "p", "c", NULL, "line %d", i);
        return NULL;
}

START_TEST(diagnostics_come_from_any_thread)
{
        ckpt_diagnostics d;
        pthread_t threads[8];

        ckpt_diagnostics_init(&d);
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &d), 0);
        for (int i = 0; i < 8; i++)
                pthread_join(threads[i], NULL);
        ck_assert_uint_eq(ckpt_diagnostics_count(&d), 800);
        ckpt_diagnostics_deinit(&d);
}
END_TEST

START_TEST(session_copies_its_options)
{
        char value[] = "true";
        const ckpt_pair setting = {"weights.use_consolidated", value};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_session session;

        options.settings = &setting;
        options.n_settings = 1;
        options.strict = 1;
        options.mapping.tp_size = 4;
        options.mapping.tp_rank = 3;
        ck_assert_int_eq(ckpt_session_init(&session, NULL, NULL, &options), CKPT_OK);
        value[0] = '!';
        ck_assert_str_eq(session.settings[0].value, "true");
        ck_assert(!session.setting_used[0]);
        ck_assert(session.strict);
        ck_assert_int_eq(session.mapping.tp_rank, 3);
        ck_assert_ptr_eq(session.scope.diagnostics, &session.diagnostics);
        ck_assert_int_eq(ckpt_session_check(&session), CKPT_OK);
        atomic_store(&session.cancelled, true);
        ck_assert_int_eq(ckpt_session_check(&session), CKPT_E_CANCELLED);
        ckpt_session_deinit(&session);
}
END_TEST

START_TEST(session_without_options_is_one_rank)
{
        ckpt_session session;

        ck_assert_int_eq(ckpt_session_init(&session, NULL, NULL, NULL), CKPT_OK);
        ck_assert_int_eq(session.mapping.tp_size, 1);
        ck_assert_int_eq(session.mapping.pp_size, 1);
        ck_assert_int_eq(session.mapping.ep_size, 1);
        ckpt_session_deinit(&session);
}
END_TEST

static const struct mapping_case {
        ckpt_mapping mapping;
        const char *text;
} bad_mappings[] = {
        {{sizeof(ckpt_mapping), 0, 0, 1, 0, 1, 0, 0}, "tp_size is 0; it must be at least 1"},
        {{sizeof(ckpt_mapping), 2, 2, 1, 0, 1, 0, 0},
         "tp_rank is 2; with tp_size 2 it must be one of 0 to 1"},
        {{sizeof(ckpt_mapping), 1, 0, 3, -1, 1, 0, 0},
         "pp_rank is -1; with pp_size 3 it must be one of 0 to 2"},
        {{sizeof(ckpt_mapping), 1, 0, 1, 0, -4, 0, 0}, "ep_size is -4; it must be at least 1"},
};

START_TEST(session_refuses_a_rank_outside_its_size)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_session session;

        options.mapping = bad_mappings[_i].mapping;
        ck_assert_int_eq(ckpt_session_init(&session, NULL, NULL, &options), CKPT_E_INVALID);
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 1);
        ck_assert_str_eq(session.diagnostics.list.items[0].text, bad_mappings[_i].text);
        ckpt_session_deinit(&session);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
        Suite *suite = suite_create("base");
        TCase *memory = tcase_create("memory"), *text = tcase_create("text"),
              *report = tcase_create("report");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(memory, arena_gives_zeroed_aligned_memory);
        tcase_add_test(memory, arena_gives_large_pieces);
        tcase_add_test(memory, arena_refuses_what_overflows);
        tcase_add_test(memory, arena_copies_strings);
        tcase_add_test(memory, map_keeps_what_it_is_given);
        tcase_add_loop_test(text, names_are_escaped, 0, COUNT(escapes));
        tcase_add_test(text, text_grows);
        tcase_add_loop_test(text, patterns_match_names, 0, COUNT(patterns));
        tcase_add_test(text, pattern_does_not_explode);
        tcase_add_test(text, distance_is_levenshteins);
        tcase_add_test(report, names_of_statuses);
        tcase_add_test(report, log_lines_are_escaped_and_filtered);
        tcase_add_test(report, diagnostics_say_all_that_is_known);
        tcase_add_test(report, diagnostics_are_capped);
        tcase_add_test(report, diagnostics_come_from_any_thread);
        tcase_add_test(report, session_copies_its_options);
        tcase_add_test(report, session_without_options_is_one_rank);
        tcase_add_loop_test(report, session_refuses_a_rank_outside_its_size, 0, COUNT(bad_mappings));
        suite_add_tcase(suite, memory);
        suite_add_tcase(suite, text);
        suite_add_tcase(suite, report);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
