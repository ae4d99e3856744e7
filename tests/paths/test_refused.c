/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel refuses what is fast, the load reads as it may, gives the same bytes, and says why
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "paths/asked.h"
#include "paths/odd.h"
#include "paths/refusal.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

static const char *const devices[] = {"cpu", "cuda:0"};

#define DEVICES 2

/* The number of a call that headers may not have yet. */
#define CACHESTAT 451

static const way auto_warm = {.name = "auto, warm", .io = CKPT_IO_AUTO, .cache = WAY_WARM};
static const way auto_cold = {.name = "auto, cold", .io = CKPT_IO_AUTO, .cache = WAY_COLD};
static const way direct_cold = {.name = "direct, cold", .io = CKPT_IO_DIRECT, .cache = WAY_COLD};
static const way buffered = {.name = "buffered", .io = CKPT_IO_BUFFERED, .cache = WAY_COLD};

static ckpt_host *host;

static bool refuse(const refusal *refusals, unsigned count)
{
        if (refuse_calls(refusals, count))
                return true;
        printf("# the kernel has no seccomp filters: nothing was refused\n");
        fflush(stdout);
        return false;
}

/* A load with the right bytes; what it said. `ret_why` has room for 512 bytes. */
static ckpt_load_stats load_by(const way *w, int device, char *ret_why)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        ckpt_load *load;

        options.device = devices[device];
        way_set(w, &options);
        way_prepare(w);
        load = odd_load(host, &options, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        odd_expect(model, &options.mapping, w->name);
        ckpt_load_get_stats(load, &stats);
        snprintf(ret_why, 512, "%s", stats.io_why);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        return stats;
}

static void expect_words(const char *why, const char *word, const char *second)
{
        ck_assert_msg(strstr(why, word) && strstr(why, second), "no '%s' and '%s' in: %s", word, second, why);
}

static void expect_buffered(const ckpt_load_stats *stats, ckpt_io chosen)
{
        ck_assert_int_eq(stats->io_chosen, chosen);
        ck_assert_int_eq(stats->io_effective, CKPT_IO_BUFFERED);
        ck_assert_uint_eq(stats->bytes_direct, 0);
        ck_assert_uint_eq(stats->bytes_buffered, stats->bytes_read);
        ck_assert_str_eq(stats->io_engine, "");
}

/* Twice: on a device the second load has the first one's memory. */
static void load_by_pread(const way *w, int device, bool says_why)
{
        char why[512];

        for (unsigned i = 0; i < 2; i++) {
                const ckpt_load_stats stats = load_by(w, device, why);

                if (!way_abilities_now().reads_direct)
                        continue;
                ck_assert_int_eq(stats.io_chosen, w->io);
                ck_assert_uint_gt(stats.bytes_direct, 0);
                ck_assert_str_eq(stats.io_engine, "pread");
                if (says_why)
                        expect_words(why, "io_uring is refused", "Operation not permitted");
        }
}

START_TEST(io_uring_is_refused)
{
        static const refusal refused = {SYS_io_uring_setup, EPERM, 0};

        if (!refuse(&refused, 1))
                return;
        load_by_pread(&auto_cold, _i, true);
        load_by_pread(&direct_cold, _i, true);
}
END_TEST

/* It is there, and takes nothing. */
START_TEST(io_uring_takes_no_reads)
{
        static const refusal refused = {SYS_io_uring_enter, EPERM, 0};

        if (refuse(&refused, 1))
                load_by_pread(&direct_cold, _i, false);
}
END_TEST

START_TEST(open_refuses_direct)
{
        static const refusal refused = {SYS_openat, EINVAL, O_DIRECT};
        ckpt_load_stats stats;
        char why[512];

        way_abilities_now();
        if (!refuse(&refused, 1))
                return;
        stats = load_by(&direct_cold, _i, why);
        expect_buffered(&stats, CKPT_IO_BUFFERED);
        expect_words(why, "O_DIRECT", "through the page cache");
        stats = load_by(&auto_cold, _i, why);
        ck_assert_uint_eq(stats.bytes_direct, 0);
        ck_assert_int_eq(stats.io_effective, CKPT_IO_BUFFERED);
        expect_words(why, "through the page cache", "");
}
END_TEST

/* A file that can be opened so and not be read so; the C library opens plugins with the same call. */
START_TEST(reads_refuse_direct)
{
        static const refusal refused[] = {{SYS_io_uring_setup, EPERM, 0}, {SYS_pread64, EINVAL, 0}};
        ckpt_load_stats stats;
        char why[512];

        load_by(&buffered, _i, why);
        way_abilities_now();
        way_prepare(&direct_cold);
        if (!refuse(refused, 2))
                return;
        stats = load_by(&(way){.name = "direct", .io = CKPT_IO_DIRECT, .cache = WAY_COLD}, _i, why);
        ck_assert_uint_eq(stats.bytes_direct, 0);
        ck_assert_int_eq(stats.io_effective, CKPT_IO_BUFFERED);
        expect_words(why, "through the page cache", "");
}
END_TEST

/* As for a file of somebody else. What is cached is found out all the same. */
START_TEST(the_kernel_does_not_count)
{
        static const refusal refused = {CACHESTAT, EPERM, 0};
        const way_abilities can = way_abilities_now();
        ckpt_load_stats stats;
        char why[512];

        if (!can.reads_direct || !can.tells_cached || !can.drops_cached || !refuse(&refused, 1))
                return;
        stats = load_by(&auto_cold, _i, why);
        ck_assert_int_eq(stats.io_chosen, CKPT_IO_AUTO);
        ck_assert_int_eq(stats.io_effective, CKPT_IO_DIRECT);
        stats = load_by(&auto_warm, _i, why);
        expect_buffered(&stats, CKPT_IO_AUTO);
}
END_TEST

START_TEST(nobody_tells_what_is_cached)
{
        static const refusal refused[] = {{CACHESTAT, ENOSYS, 0}, {SYS_preadv2, EOPNOTSUPP, 0}};
        ckpt_load_stats stats;
        char why[512];

        way_abilities_now();
        if (!refuse(refused, 2))
                return;
        stats = load_by(&auto_cold, _i, why);
        ck_assert_int_eq(stats.io_requested, CKPT_IO_AUTO);
        expect_buffered(&stats, CKPT_IO_BUFFERED);
        expect_words(why, "does not tell what is cached", "through the page cache");
}
END_TEST

static void set_up(void)
{
        scratch_new();
        odd_make();
        host = asked_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        odd_forget();
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("refused");
        TCase *tcase = tcase_create("refused");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, io_uring_is_refused, 0, DEVICES);
        tcase_add_loop_test(tcase, io_uring_takes_no_reads, 0, DEVICES);
        tcase_add_loop_test(tcase, open_refuses_direct, 0, DEVICES);
        tcase_add_loop_test(tcase, reads_refuse_direct, 0, DEVICES);
        tcase_add_loop_test(tcase, the_kernel_does_not_count, 0, DEVICES);
        tcase_add_loop_test(tcase, nobody_tells_what_is_cached, 0, DEVICES);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        /* What is refused stays refused in its process. */
        srunner_set_fork_status(runner, CK_FORK);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
