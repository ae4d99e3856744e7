/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to the device: all that is read is sent, once; what comes while the device is busy goes together, and
 * what comes while it is not goes at once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "paths/asked.h"
#include "paths/odd.h"
#include "paths/runtime.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "support/timeline.h"
#include "unit/test_faults_reader.h"
#include "unit/test_memory_files.h"

#include <check.h>

static ckpt_host *host;
static char path[512];

static json_int_t bytes_of(const json_t *root, const char *name)
{
        const size_t count = timeline_count(root, 0, name);
        json_int_t bytes = 0;

        for (size_t i = 0; i < count; i++)
                bytes += timeline_bytes(timeline_span(root, 0, name, i));
        return bytes;
}

static ckpt_load_options traced(const way *w)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.device = "cuda:0";
        options.trace = path;
        way_set(w, &options);
        return options;
}

/* Runs the load and frees it: every chunk that lands leaves. */
static ckpt_load_stats run(const char *how, ckpt_load *load)
{
        ckpt_load_stats stats;
        json_int_t landed;
        json_t *root;

        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        ckpt_load_get_stats(load, &stats);
        ckpt_load_free(load);
        root = timeline_read(path);
        ck_assert_int_eq(timeline_total(root, "dropped"), 0);
        landed = bytes_of(root, "place") + bytes_of(root, "wait for read");
        ck_assert_msg(landed > 0 && landed == bytes_of(root, "enqueue"),
                      "%s: of %lld bytes that were read %lld were sent", how, (long long)landed,
                      (long long)bytes_of(root, "enqueue"));
        json_decref(root);
        ck_assert_int_eq(remove(path), 0);
        return stats;
}

static void run_odd(const way *w)
{
        const ckpt_load_options options = traced(w);
        ckpt_model *model = NULL;

        way_prepare(w);
        run(w->name, odd_load(host, &options, &model));
        odd_expect(model, &options.mapping, w->name);
        ckpt_model_unref(model);
}

START_TEST(all_that_is_read_is_sent)
{
        static const uint64_t rings[] = {3 << 18};

        odd_make();
        for (unsigned i = 0; i < WAYS; i++)
                run_odd(&ways[i]);
        /* One reader, which has three slots. */
        for (unsigned i = 0; i < WAYS * sizeof(rings) / sizeof(*rings); i++) {
                way w = ways[i % WAYS];

                w.readers = 1;
                w.staging_bytes = rings[i / WAYS];
                run_odd(&w);
        }
        odd_forget();
}
END_TEST

/* Some tensors are delivered as a whole, and fit into no slot. */
START_TEST(so_is_what_fits_into_no_slot)
{
        const way w = {
                .name = "whole tensors", .readers = 1, .staging_bytes = (uint64_t)(16 + 4 * _i) * 3 << 12};
        const ckpt_load_options options = traced(&w);
        test_reader whole = TEST_READER_INIT;

        whole.whole = "o_proj";
        run(w.name, test_reader_load(host, &whole, &options));
        ck_assert_int_eq(atomic_load(&whole.created), 0);
}
END_TEST

/* ---- together, or alone ---- */

/* Of a tensor with nothing but chunks that are copied to one place: how many they were, and how many lists. */
static uint64_t run_large(const way *w, uint64_t *ret_lists)
{
        static const asked large = {"big", CKPT_ROLE_LINEAR, CKPT_DTYPE_U8, 2, {8192, 1024}};
        sparse_tensor tensor = {.name = "big.weight", .dtype = "U8", .shape = {8192, 1024}, .element = 1};
        const ckpt_load_options options = traced(w);
        const uint64_t before = runtime_counts().copies;
        ckpt_model *model = NULL;

        sparse_make("large.safetensors", &tensor, 1);
        *ret_lists = run(w->name, asked_load(host, "large.safetensors", &options, &large, 1, &model)).copies;
        ckpt_model_unref(model);
        return runtime_counts().copies - before;
}

START_TEST(what_comes_while_it_is_busy_goes_together)
{
        const way w = {.name = "slow device", .readers = 8, .staging_bytes = 24 << 16};
        uint64_t copies, lists;

        runtime()->control->set_delay(2000000);
        copies = run_large(&w, &lists);
        runtime()->control->set_delay(0);
        ck_assert_uint_ge(copies, 128);
        ck_assert_uint_lt(lists, copies / 2);
        ck_assert_uint_ge(lists, copies / 8);
}
END_TEST

static ckpt_status sleep_first(test_reader *whose, uint64_t call)
{
        const struct timespec pause = {.tv_nsec = 3000000};

        (void)whose;
        (void)call;
        nanosleep(&pause, NULL);
        return CKPT_OK;
}

/* Copies are lists of one but for a few, on a machine that has other work. */
START_TEST(what_comes_while_it_is_not_goes_at_once)
{
        const way w = {.name = "slow source", .readers = 2, .staging_bytes = 6 << 16};
        const ckpt_load_options options = traced(&w);
        const uint64_t before = runtime_counts().copies;
        test_reader slow = TEST_READER_INIT;
        uint64_t copies;
        ckpt_load_stats stats;

        slow.on_read = sleep_first;
        stats = run(w.name, test_reader_load(host, &slow, &options));
        copies = runtime_counts().copies - before;
        ck_assert_uint_gt(copies, 50);
        ck_assert_uint_ge(stats.copies, copies - copies / 8);
}
END_TEST

/* ---- a load that ends early ---- */

static ckpt_load *to_cancel;

static ckpt_status cancel_at(test_reader *whose, uint64_t call)
{
        if (call == *(const uint64_t *)whose->context)
                ckpt_load_cancel(to_cancel);
        return CKPT_OK;
}

/* While some slots of every reader are on their way, by streams of others too, or wait. */
START_TEST(a_load_that_is_cancelled)
{
        const way w = {.name = "cancelled", .readers = 1u << _i, .staging_bytes = (uint64_t)(3 << 16) << _i};
        const ckpt_load_options options = traced(&w);

        runtime()->control->set_delay(200000);
        for (uint64_t at = 0; at < 40; at++) {
                test_reader cancels = TEST_READER_INIT;

                cancels.on_read = cancel_at;
                cancels.context = &at;
                cancels.whole = "o_proj";
                to_cancel = test_reader_load(host, &cancels, &options);
                expect_status(to_cancel, ckpt_load_run(to_cancel, NULL), CKPT_E_CANCELLED);
                ckpt_load_free(to_cancel);
                ck_assert_int_eq(atomic_load(&cancels.created), 0);
        }
        runtime()->control->set_delay(0);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(runtime_counts().device_bytes + runtime_counts().registered_bytes, 0);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        snprintf(path, sizeof(path), "%s", scratch_path("trace.json"));
        host = asked_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        ck_assert_msg(runtime_counts().misuses == 0, "%s", runtime_counts().misuse);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("bus");
        TCase *tcase = tcase_create("bus");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, all_that_is_read_is_sent);
        tcase_add_loop_test(tcase, so_is_what_fits_into_no_slot, 0, 4);
        tcase_add_test(tcase, what_comes_while_it_is_busy_goes_together);
        tcase_add_test(tcase, what_comes_while_it_is_not_goes_at_once);
        tcase_add_loop_test(tcase, a_load_that_is_cancelled, 0, 3);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
