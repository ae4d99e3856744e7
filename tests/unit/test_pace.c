/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How soon a load answers: progress is told ten times a second, and cancelling takes a tenth of one
 *
 * The two promises are times, so times are asserted here: medians of several loads, on readers that sleep and
 * so leave the processors to others.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ckpt/ckpt.h>

#include "support/loading.h"
#include "support/scratch.h"
#include "unit/test_faults_reader.h"

#include <check.h>

#define LOADS            7
#define CALLS_PER_SECOND 10.0
#define CANCEL_SECONDS   0.1
#define READ_NANOSECONDS 10000000L

static ckpt_host *host;

static void set_up(void)
{
        scratch_new();
        host = stock_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        scratch_remove();
}

static double seconds_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
        qsort(values, count, sizeof(*values), ascending);
        return values[count / 2];
}

static ckpt_status sleep_at_read(test_reader *reader, uint64_t call)
{
        (void)reader;
        (void)call;
        nanosleep(&(struct timespec){.tv_nsec = READ_NANOSECONDS}, NULL);
        return CKPT_OK;
}

/* Calls while payload is read: the first, the last, and how many. */
typedef struct calls {
        double first, last;
        uint64_t count;
} calls;

static void note_call(void *context, const ckpt_progress *progress)
{
        calls *c = context;

        if (progress->bytes_read == 0 || progress->bytes_read >= progress->bytes_total)
                return;
        c->last = seconds_now();
        if (c->count++ == 0)
                c->first = c->last;
}

/* A single reader: of several, each that ends wakes the thread that calls. */
static double calls_per_second(void)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        test_reader reader = TEST_READER_INIT;
        calls c = {.count = 0};
        ckpt_load *load;

        reader.on_read = sleep_at_read;
        options.readers = 1;
        options.staging_bytes = 64 << 10;
        options.progress = note_call;
        options.context = &c;
        load = test_reader_load(host, &reader, &options);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        ckpt_load_free(load);
        ck_assert_uint_gt(c.count, 3);
        return (double)(c.count - 1) / (c.last - c.first);
}

START_TEST(progress_comes_ten_times_a_second)
{
        double rates[LOADS], rate;

        for (unsigned i = 0; i < LOADS; i++)
                rates[i] = calls_per_second();
        rate = median(rates, LOADS);
        printf("# %.2f calls a second, %.2f to %.2f\n", rate, rates[0], rates[LOADS - 1]);
        fflush(stdout);
        ck_assert_double_ge(rate, CALLS_PER_SECOND);
}
END_TEST

/* Well into the load, with every reader at its work. */
static double seconds_to_cancel(void)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        test_reader reader = TEST_READER_INIT;
        ckpt_model *model = NULL;
        ckpt_load *load;
        double start;

        reader.on_read = sleep_at_read;
        reader.vocabulary = 200000; /* a hundred MB: some seconds of reads */
        options.readers = 8;
        options.staging_bytes = 512 << 10;
        load = test_reader_load(host, &reader, &options);
        ck_assert_int_eq(ckpt_load_start(load), CKPT_OK);
        while (atomic_load(&reader.calls) < 24)
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        start = seconds_now();
        ckpt_load_cancel(load);
        expect_status(load, ckpt_load_wait(load, &model), CKPT_E_CANCELLED);
        start = seconds_now() - start;
        ck_assert_ptr_null(model);
        ckpt_load_free(load);
        return start;
}

START_TEST(cancelling_takes_a_tenth_of_a_second)
{
        double times[LOADS], time;

        for (unsigned i = 0; i < LOADS; i++)
                times[i] = seconds_to_cancel();
        time = median(times, LOADS);
        printf("# %.1f ms to cancel, %.1f to %.1f\n", time * 1e3, times[0] * 1e3, times[LOADS - 1] * 1e3);
        fflush(stdout);
        ck_assert_double_le(time, CANCEL_SECONDS);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pace");
        TCase *tcase = tcase_create("pace");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, progress_comes_ten_times_a_second);
        tcase_add_test(tcase, cancelling_takes_a_tenth_of_a_second);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
