/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A load's timeline, and its figures: stages in order with their bytes, also after a failure; a file that
 * cannot be written spoils nothing
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ckpt/ckpt.h>

#include "support/loading.h"
#include "support/scratch.h"
#include "support/timeline.h"
#include "unit/test_faults_reader.h"

#include <check.h>

static ckpt_host *host;
static char path[512];

static void set_up(void)
{
        scratch_new();
        host = stock_host();
        snprintf(path, sizeof(path), "%s", scratch_path("trace.json"));
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        scratch_remove();
}

static ckpt_load_options traced(void)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.trace = path;
        options.readers = 2;
        return options;
}

/* On the track of the load, each after the one before. */
static void expect_stages(const json_t *root, const char *const *names, size_t count)
{
        const json_int_t track = timeline_track(root, "load");
        double end = 0;

        ck_assert_int_gt(track, 0);
        ck_assert_uint_eq(timeline_count(root, track, NULL), count);
        for (size_t i = 0; i < count; i++) {
                const json_t *span = timeline_span(root, track, NULL, i);

                ck_assert_str_eq(json_string_value(json_object_get(span, "name")), names[i]);
                ck_assert_double_ge(timeline_start(span) + 0.0005, end);
                end = timeline_start(span) + timeline_duration(span);
        }
}

static json_int_t bytes_of(const json_t *root, const char *name)
{
        return timeline_bytes(timeline_span(root, 0, name, 0));
}

START_TEST(every_stage_is_there)
{
        static const char *const names[] = {"config", "weights",  "map",  "map",   "device",
                                            "plan",   "allocate", "load", "digest"};
        ckpt_load_options options = traced();
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        ckpt_status r = CKPT_OK;
        ckpt_load *load;
        json_t *root;

        options.digest = 1;
        load = run_load(host, fixture_path("gemma3-bf16"), &options, &r, &model);
        expect_status(load, r, CKPT_OK);
        ck_assert_uint_eq(ckpt_load_diagnostic_count(load), 0);
        ckpt_load_get_stats(load, &stats);
        root = timeline_read(path);
        expect_stages(root, names, sizeof(names) / sizeof(names[0]));
        ck_assert_int_eq(bytes_of(root, "config") + bytes_of(root, "weights"),
                         (json_int_t)stats.bytes_headers);
        ck_assert_int_eq(bytes_of(root, "load"), (json_int_t)stats.bytes_read);
        ck_assert_int_eq(bytes_of(root, "digest"), (json_int_t)stats.bytes_final);
        ck_assert_int_ge(bytes_of(root, "allocate"), (json_int_t)stats.bytes_final);
        ck_assert_double_le(timeline_duration(timeline_span(root, 0, "load", 0)) / 1e6,
                            stats.execute_seconds + 0.01);
        ck_assert_int_eq(timeline_total(root, "dropped"), 0);
        json_decref(root);
        ck_assert_uint_eq(scratch_count(), 1);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}
END_TEST

/* Stages before the run count too, whichever thread they ran in. */
START_TEST(stages_in_two_threads)
{
        const ckpt_load_options options = traced();
        const ckpt_plan *plan = NULL;
        ckpt_load *load = NULL;
        json_t *root;

        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, fixture_path("gemma3-bf16")), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_plan(load, &plan), CKPT_OK);
        ck_assert_uint_eq(scratch_count(), 0);
        ck_assert_int_eq(ckpt_load_start(load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_wait(load, NULL), CKPT_OK);
        root = timeline_read(path);
        ck_assert_uint_eq(timeline_count(root, 1, "plan"), 1);
        ck_assert_uint_eq(timeline_count(root, 1, "load"), 0);
        ck_assert_uint_eq(timeline_count(root, 2, "load"), 1);
        json_decref(root);
        ckpt_load_free(load);
}
END_TEST

static ckpt_status cancel_at_fifth(test_reader *reader, uint64_t call)
{
        if (call == 5)
                ckpt_load_cancel(reader->context);
        return CKPT_OK;
}

START_TEST(a_cancelled_load_has_one)
{
        ckpt_load_options options = traced();
        test_reader reader = TEST_READER_INIT;
        ckpt_load *load;
        json_t *root;

        options.digest = 1;
        load = test_reader_load(host, &reader, &options);
        reader.on_read = cancel_at_fifth;
        reader.context = load;
        expect_status(load, ckpt_load_run(load, NULL), CKPT_E_CANCELLED);
        ck_assert_uint_eq(ckpt_load_diagnostic_count(load), 1);
        root = timeline_read(path);
        ck_assert_uint_eq(timeline_count(root, 0, "load"), 1);
        ck_assert_uint_eq(timeline_count(root, 0, "digest"), 0);
        json_decref(root);
        ckpt_load_free(load);
}
END_TEST

/* One that fails before there is a plan. */
START_TEST(a_failed_load_has_one)
{
        const ckpt_load_options options = traced();
        ckpt_model *model = NULL;
        ckpt_status r = CKPT_OK;
        ckpt_load *load = run_load(host, scratch_directory(), &options, &r, &model);
        json_t *root;

        ck_assert_int_lt(r, 0);
        ck_assert_ptr_null(model);
        root = timeline_read(path);
        ck_assert_uint_eq(timeline_count(root, 0, "config"), 1);
        ck_assert_uint_eq(timeline_count(root, 0, "plan"), 0);
        json_decref(root);
        ckpt_load_free(load);
}
END_TEST

START_TEST(none_without_a_run)
{
        const ckpt_load_options options = traced();
        const ckpt_plan *plan = NULL;
        ckpt_load *load = NULL;

        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, fixture_path("gemma3-bf16")), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_plan(load, &plan), CKPT_OK);
        ckpt_load_free(load);
        ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

/* The result stands; the load and the log say what is missing and where. */
START_TEST(a_bad_place_is_a_warning)
{
        ckpt_load_options options = traced();
        ckpt_model *model = NULL;
        ckpt_status r = CKPT_OK;
        ckpt_load *load;

        options.trace = scratch_path("absent/trace.json");
        load = run_load(host, fixture_path("gemma3-bf16"), &options, &r, &model);
        expect_status(load, r, CKPT_OK);
        ck_assert_uint_eq(count_reasons(load, ""), 0);
        expect_reason(load, CKPT_OK, "no timeline was written", "absent/trace.json", "check the path", NULL);
        ck_assert(log_has("no timeline was written", "absent/trace.json", NULL));
        expect_golden(model, "gemma3-bf16", "tp1-rank0");
        ckpt_load_free(load);
        ckpt_model_unref(model);

        /* A failure stays the failure that it was. */
        load = run_load(host, scratch_directory(), &options, &r, &model);
        ck_assert_int_lt(r, 0);
        ck_assert_uint_eq(count_reasons(load, "timeline"), 0);
        expect_reason(load, CKPT_OK, "no timeline was written", NULL);
        ckpt_load_free(load);
}
END_TEST

/* What must be read is config.json, the header's length and the header; formats are probed by a few bytes. */
START_TEST(headers_are_counted)
{
        char config[1024], weights[1024];
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        ckpt_status r = CKPT_OK;
        ckpt_load *load;
        uint64_t length, least;
        struct stat st;
        FILE *file;

        snprintf(config, sizeof(config), "%s/config.json", fixture_path("gemma3-bf16"));
        snprintf(weights, sizeof(weights), "%s/model.safetensors", fixture_path("gemma3-bf16"));
        ck_assert_int_eq(stat(config, &st), 0);
        file = fopen(weights, "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fread(&length, sizeof(length), 1, file), 1);
        fclose(file);
        least = (uint64_t)st.st_size + sizeof(length) + length;

        load = run_load(host, fixture_path("gemma3-bf16"), NULL, &r, &model);
        expect_status(load, r, CKPT_OK);
        ckpt_load_get_stats(load, &stats);
        ck_assert_uint_ge(stats.bytes_headers, least);
        ck_assert_uint_le(stats.bytes_headers, least + 256);
        ck_assert_uint_gt(stats.bytes_read, 0);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("load-trace");
        TCase *tcase = tcase_create("load-trace");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, every_stage_is_there);
        tcase_add_test(tcase, stages_in_two_threads);
        tcase_add_test(tcase, a_cancelled_load_has_one);
        tcase_add_test(tcase, a_failed_load_has_one);
        tcase_add_test(tcase, none_without_a_run);
        tcase_add_test(tcase, a_bad_place_is_a_warning);
        tcase_add_test(tcase, headers_are_counted);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
