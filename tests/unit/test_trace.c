/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The timeline's recorder by itself: tracks, times, what is dropped, and files that cannot be written
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base/trace_track.h"
#include "support/scratch.h"
#include "support/timeline.h"

#include <check.h>

#define THREADS 4
#define SPANS   3000 /* of a thread: more than two blocks hold */

static ckpt_diagnostics diagnostics;

static void set_up(void)
{
        scratch_new();
        ckpt_diagnostics_init(&diagnostics);
}

static void tear_down(void)
{
        ckpt_diagnostics_deinit(&diagnostics);
        scratch_remove();
}

static json_t *write_and_read(ckpt_trace *trace)
{
        const char *path = scratch_path("trace.json");

        ck_assert_int_eq(ckpt_trace_write(trace, &diagnostics, path), CKPT_OK);
        ck_assert_uint_eq(ckpt_diagnostics_count(&diagnostics), 0);
        ck_assert_uint_eq(scratch_count(), 1);
        return timeline_read(path);
}

typedef struct recorder {
        pthread_t thread;
        ckpt_trace *trace;
        uint32_t index;
        atomic_bool *stop; /* NULL: after SPANS spans */
} recorder;

static void *record(void *argument)
{
        const recorder *r = argument;

        ckpt_trace_thread(r->trace, "reader", r->index);
        for (uint64_t i = 0; r->stop ? !atomic_load(r->stop) : i < SPANS; i++) {
                ckpt_trace_span(r->trace, i % 2 ? "copy" : "read", ckpt_trace_now(r->trace),
                                r->index * 10000 + i + 1);
                if (r->stop && i % 64 == 0)
                        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        return NULL;
}

static void start_all(recorder *recorders, ckpt_trace *trace, atomic_bool *stop)
{
        for (uint32_t i = 0; i < THREADS; i++) {
                recorders[i] = (recorder){.trace = trace, .index = i, .stop = stop};
                ck_assert_int_eq(pthread_create(&recorders[i].thread, NULL, record, &recorders[i]), 0);
        }
}

static void join_all(recorder *recorders)
{
        for (uint32_t i = 0; i < THREADS; i++)
                pthread_join(recorders[i].thread, NULL);
}

/* A track's spans are its thread's own, whole, in order, and do not overlap. */
static void check_track(const json_t *root, uint32_t index)
{
        const json_t *event;
        json_int_t track, wanted = (json_int_t)index * 10000 + 1;
        char name[32];
        double end = 0;
        size_t i;

        snprintf(name, sizeof(name), "reader %u", index);
        track = timeline_track(root, name);
        ck_assert_int_gt(track, 0);
        ck_assert_uint_eq(timeline_count(root, track, NULL), SPANS);
        ck_assert_uint_eq(timeline_count(root, track, "read"), SPANS / 2);
        json_array_foreach(json_object_get(root, "traceEvents"), i, event)
        {
                if (json_integer_value(json_object_get(event, "tid")) != track ||
                    !json_is_number(json_object_get(event, "ts")))
                        continue;
                ck_assert_int_eq(timeline_bytes(event), wanted++);
                ck_assert_double_ge(timeline_start(event) + 0.0005, end);
                end = timeline_start(event) + timeline_duration(event);
        }
}

START_TEST(four_threads)
{
        ckpt_trace *trace = ckpt_trace_new();
        recorder recorders[THREADS];
        json_t *root;

        ckpt_trace_span(trace, "with \"quotes\"", 0, 0);
        start_all(recorders, trace, NULL);
        join_all(recorders);
        root = write_and_read(trace);
        for (uint32_t i = 0; i < THREADS; i++)
                check_track(root, i);
        ck_assert_int_eq(timeline_track(root, "thread 1"), 1);
        ck_assert_uint_eq(timeline_count(root, 1, "with \"quotes\""), 1);
        ck_assert_ptr_null(json_object_get(timeline_span(root, 1, NULL, 0), "args"));
        ck_assert_int_eq(timeline_total(root, "spans"), THREADS * SPANS + 1);
        ck_assert_int_eq(timeline_total(root, "dropped"), 0);
        json_decref(root);
        ck_assert_ptr_null(ckpt_trace_free(trace));
}
END_TEST

/* Files written while threads record are whole, too. */
START_TEST(written_meanwhile)
{
        ckpt_trace *trace = ckpt_trace_new_bounded(8 * CKPT_TRACE_BLOCK);
        recorder recorders[THREADS];
        atomic_bool stop = false;

        start_all(recorders, trace, &stop);
        for (unsigned i = 0; i < 5; i++)
                json_decref(write_and_read(trace));
        atomic_store(&stop, true);
        join_all(recorders);
        json_decref(write_and_read(trace));
        ckpt_trace_free(trace);
}
END_TEST

static double microseconds_between(const struct timespec *from, const struct timespec *to)
{
        return (double)(to->tv_sec - from->tv_sec) * 1e6 + (double)(to->tv_nsec - from->tv_nsec) / 1e3;
}

/* Against a clock of the test's own, read outside and inside of the span. */
START_TEST(times_are_right)
{
        struct timespec outside, made, inside, slept, end;
        const json_t *span;
        ckpt_trace *trace;
        uint64_t start;
        json_t *root;

        clock_gettime(CLOCK_MONOTONIC, &outside);
        trace = ckpt_trace_new();
        clock_gettime(CLOCK_MONOTONIC, &made);
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        start = ckpt_trace_now(trace);
        clock_gettime(CLOCK_MONOTONIC, &inside);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        clock_gettime(CLOCK_MONOTONIC, &slept);
        ckpt_trace_span(trace, "sleep", start, 0);
        clock_gettime(CLOCK_MONOTONIC, &end);
        root = write_and_read(trace);
        span = timeline_span(root, 0, "sleep", 0);
        ck_assert_ptr_nonnull(span);
        ck_assert_double_ge(timeline_start(span), 3000);
        ck_assert_double_le(timeline_start(span), microseconds_between(&outside, &inside));
        ck_assert_double_ge(timeline_duration(span), microseconds_between(&inside, &slept) - 0.001);
        ck_assert_double_ge(timeline_start(span) + timeline_duration(span),
                            microseconds_between(&made, &slept) - 0.002);
        ck_assert_double_le(timeline_start(span) + timeline_duration(span),
                            microseconds_between(&outside, &end));
        json_decref(root);
        ckpt_trace_free(trace);
}
END_TEST

START_TEST(what_is_dropped_is_counted)
{
        ckpt_trace *trace = ckpt_trace_new_bounded(2 * CKPT_TRACE_BLOCK + 1);
        recorder late = {.trace = trace, .index = 7};
        json_t *root;

        for (uint64_t i = 0; i < 5000; i++)
                ckpt_trace_span(trace, "read", 0, i);
        ck_assert_int_eq(pthread_create(&late.thread, NULL, record, &late), 0);
        pthread_join(late.thread, NULL);
        root = write_and_read(trace);
        ck_assert_int_eq(timeline_total(root, "spans"), 3 * CKPT_TRACE_BLOCK);
        ck_assert_int_eq(timeline_total(root, "dropped"), 5000 - 3 * CKPT_TRACE_BLOCK + SPANS);
        ck_assert_int_eq(timeline_bytes(timeline_span(root, 0, "read", 3 * CKPT_TRACE_BLOCK - 1)),
                         3 * CKPT_TRACE_BLOCK - 1);
        ck_assert_int_gt(timeline_track(root, "reader 7"), 0);
        json_decref(root);
        ckpt_trace_free(trace);
}
END_TEST

/* A thread has a track in each trace, and none of a trace that is gone. */
START_TEST(several_traces)
{
        ckpt_trace *first = ckpt_trace_new(), *second = ckpt_trace_new();
        json_t *root;

        ckpt_trace_span(first, "one", 0, 0);
        ckpt_trace_span(second, "two", 0, 0);
        ckpt_trace_free(first);
        first = ckpt_trace_new();
        ckpt_trace_span(first, "three", 0, 0);
        ckpt_trace_thread(second, "load", CKPT_TRACE_UNNUMBERED);
        root = write_and_read(first);
        ck_assert_uint_eq(timeline_count(root, 0, NULL), 1);
        ck_assert_uint_eq(timeline_count(root, 0, "three"), 1);
        json_decref(root);
        root = write_and_read(second);
        ck_assert_uint_eq(timeline_count(root, 0, NULL), 1);
        ck_assert_uint_eq(timeline_count(root, timeline_track(root, "load"), "two"), 1);
        json_decref(root);
        ckpt_trace_free(first);
        ckpt_trace_free(second);
}
END_TEST

START_TEST(no_trace_is_no_trouble)
{
        ckpt_trace *empty = ckpt_trace_new();
        json_t *root = write_and_read(empty);

        ck_assert_int_eq(timeline_total(root, "spans"), 0);
        json_decref(root);
        ck_assert_ptr_null(ckpt_trace_free(empty));
        ck_assert_int_eq(remove(scratch_path("trace.json")), 0);

        ck_assert_uint_eq(ckpt_trace_now(NULL), 0);
        ckpt_trace_span(NULL, "read", 0, 1);
        ckpt_trace_thread(NULL, "reader", 0);
        ck_assert_int_eq(ckpt_trace_write(NULL, &diagnostics, scratch_path("trace.json")), CKPT_OK);
        ck_assert_uint_eq(scratch_count(), 0);
        ck_assert_ptr_null(ckpt_trace_free(NULL));
}
END_TEST

static void expect_refused(ckpt_trace *trace, const char *path, ckpt_status status)
{
        const uint64_t before = ckpt_diagnostics_count(&diagnostics);

        ck_assert_int_eq(ckpt_trace_write(trace, &diagnostics, path), status);
        ck_assert_uint_eq(ckpt_diagnostics_count(&diagnostics), before + 1);
        ck_assert_int_eq(diagnostics.list.items[before].status, status);
        ck_assert_ptr_nonnull(strstr(diagnostics.list.items[before].text, path));
}

static void limit_file_size(rlim_t size)
{
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(cannot_be_written)
{
        ckpt_trace *trace = ckpt_trace_new();
        size_t size;
        char *old;

        for (uint64_t i = 0; i < SPANS; i++)
                ckpt_trace_span(trace, "read", 0, 1);
        expect_refused(trace, scratch_path("absent/trace.json"), CKPT_E_NOT_FOUND);
        expect_refused(trace, scratch_directory(), CKPT_E_INVALID);
        expect_refused(trace, "/dev/null", CKPT_E_INVALID);
        ck_assert_uint_eq(scratch_count(), 0);

        signal(SIGXFSZ, SIG_IGN);
        scratch_write_text("trace.json", "old");
        limit_file_size(100000);
        expect_refused(trace, scratch_path("trace.json"), CKPT_E_IO);
        limit_file_size(RLIM_INFINITY);
        old = scratch_read("trace.json", &size);
        ck_assert_str_eq(old, "old");
        free(old);
        ck_assert_uint_eq(scratch_count(), 1);
        ckpt_trace_free(trace);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trace");
        TCase *tcase = tcase_create("trace");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, four_threads);
        tcase_add_test(tcase, written_meanwhile);
        tcase_add_test(tcase, times_are_right);
        tcase_add_test(tcase, what_is_dropped_is_counted);
        tcase_add_test(tcase, several_traces);
        tcase_add_test(tcase, no_trace_is_no_trouble);
        tcase_add_test(tcase, cannot_be_written);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
