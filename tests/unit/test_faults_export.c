/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports that fail or are cancelled: the file that was there stays as it was, and no half of a new one is
 * left
 */
#include "unit/test_faults.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT "out.safetensors"

static ckpt_load *load;
static ckpt_model *model;

static void load_fixture(void)
{
        ckpt_status r = CKPT_OK;

        load = run_load(faults_host, fixture_path("gemma3-bf16"), NULL, &r, &model);
        expect_status(load, r, CKPT_OK);
}

static void forget(void)
{
        model = ckpt_model_unref(model);
        load = ckpt_load_free(load);
}

/* The old file is whole, and it is alone. */
static void expect_untouched(const char *text)
{
        size_t size;
        char *bytes = scratch_read(OUT, &size);

        ck_assert_str_eq(bytes, text);
        free(bytes);
        ck_assert_uint_eq(scratch_count(), 1);
}

static void limit_file_size(rlim_t size)
{
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes end with EFBIG where a full disk ends them with ENOSPC. */
START_TEST(the_write_fails)
{
        static const rlim_t limits[] = {0, 4, 1000, 100000};

        signal(SIGXFSZ, SIG_IGN);
        scratch_write_text(OUT, "old");
        faults_warm_up();
        for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                load_fixture();
                limit_file_size(limits[i]);
                ck_assert_int_eq(ckpt_load_export(load, model, scratch_path(OUT)), CKPT_E_IO);
                limit_file_size(RLIM_INFINITY);
                expect_reason(load, CKPT_E_IO, OUT, "write", NULL);
                expect_untouched("old");
                forget();
                faults_nothing_left();
        }
        load_fixture();
        ck_assert_int_eq(ckpt_load_export(load, model, scratch_path(OUT)), CKPT_OK);
        forget();
        ck_assert_uint_eq(scratch_count(), 1);
        faults_host_still_works();
}
END_TEST

/* The load's own result is not spoilt by an export that fails. */
START_TEST(the_model_survives)
{
        signal(SIGXFSZ, SIG_IGN);
        load_fixture();
        limit_file_size(1000);
        ck_assert_int_eq(ckpt_load_export(load, model, scratch_path(OUT)), CKPT_E_IO);
        limit_file_size(RLIM_INFINITY);
        expect_golden(model, "gemma3-bf16", "tp1-rank0");
        ck_assert_int_eq(ckpt_load_export(load, model, scratch_path(OUT)), CKPT_OK);
        forget();
}
END_TEST

START_TEST(the_place_is_no_good)
{
        load_fixture();
        ck_assert_int_lt(ckpt_load_export(load, model, scratch_path("absent/" OUT)), 0);
        expect_reason(load, CKPT_E_NOT_FOUND, "absent/" OUT, NULL);
        ck_assert_uint_eq(scratch_count(), 0);

        /* A directory is in the place. */
        ck_assert_int_eq(mkdir(scratch_path(OUT), 0700), 0);
        ck_assert_int_lt(ckpt_load_export(load, model, scratch_path(OUT)), 0);
        ck_assert_uint_eq(count_reasons(load, OUT), 2);
        ck_assert_uint_eq(scratch_count(), 1);
        ck_assert_int_eq(rmdir(scratch_path(OUT)), 0);

        scratch_write_text("file", "x");
        ck_assert_int_lt(ckpt_load_export(load, model, scratch_path("file/" OUT)), 0);
        ck_assert_uint_eq(scratch_count(), 1);
        forget();
}
END_TEST

START_TEST(cancelled_before_it_begins)
{
        scratch_write_text(OUT, "old");
        load_fixture();
        ckpt_load_cancel(load);
        ck_assert_int_eq(ckpt_load_export(load, model, scratch_path(OUT)), CKPT_E_CANCELLED);
        expect_reason(load, CKPT_E_CANCELLED, "export was cancelled", NULL);
        expect_untouched("old");
        forget();
}
END_TEST

/* Cancels as soon as the temporary file is there. */
static void *cancel_when_created(void *argument)
{
        const int watch = *(int *)argument;
        char event[4096];

        if (read(watch, event, sizeof(event)) > 0)
                ckpt_load_cancel(load);
        return NULL;
}

static ckpt_status export_cancelled(void)
{
        int watch = inotify_init1(IN_CLOEXEC);
        pthread_t thread;
        ckpt_status r;

        ck_assert_int_ge(watch, 0);
        ck_assert_int_ge(inotify_add_watch(watch, scratch_directory(), IN_CREATE), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_when_created, &watch), 0);
        r = ckpt_load_export(load, model, scratch_path(OUT));
        pthread_join(thread, NULL);
        close(watch);
        return r;
}

/* An export of 128 MB, of which the watcher may see the end in a bad moment: three tries. */
START_TEST(cancelled_half_way)
{
        ckpt_status r = CKPT_OK;

        faults_warm_up();
        for (unsigned i = 0; i < 3 && r == CKPT_OK; i++) {
                test_reader reader = TEST_READER_INIT;

                reader.vocabulary = 1 << 18;
                load = test_reader_load(faults_host, &reader, NULL);
                ck_assert_int_eq(ckpt_load_run(load, &model), CKPT_OK);
                unlink(scratch_path(OUT));
                r = export_cancelled();
                if (r == CKPT_E_CANCELLED)
                        expect_reason(load, CKPT_E_CANCELLED, "export was cancelled", NULL);
                forget();
        }
        ck_assert_int_eq(r, CKPT_E_CANCELLED);
        ck_assert_uint_eq(scratch_count(), 0);
        faults_nothing_left();
        faults_host_still_works();
}
END_TEST

TCase *faults_export_case(void)
{
        TCase *tcase = tcase_create("export");

        tcase_add_test(tcase, the_write_fails);
        tcase_add_test(tcase, the_model_survives);
        tcase_add_test(tcase, the_place_is_no_good);
        tcase_add_test(tcase, cancelled_before_it_begins);
        tcase_add_test(tcase, cancelled_half_way);
        return tcase;
}
