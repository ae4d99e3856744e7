/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call of the system that a load makes fails once, on the CPU and on the fake CUDA runtime; and files
 * that are cut or replaced when a tenth, half, nine tenths of the reads are done
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "sweep.h"
#include "wraps.h"

#include <check.h>

static const char *const devices[] = {"cpu", "cuda:0"};

#define DEVICES 2

#define SHARD "model-0000%u-of-00004.safetensors"

/* ---- calls that fail ---- */

typedef struct system_fault {
        sweep_fault fault;
        const char *group;
        wrap_way way;
        bool needed; /* every load makes the call */
        uint32_t readers;
} system_fault;

static void arm(const sweep_fault *fault, uint64_t n)
{
        const system_fault *system = (const system_fault *)fault;

        wrap_arm(&(wrap_plan){.group = system->group, .n = n, .way = system->way, .error = fault->error});
}

static bool disarm(const sweep_fault *fault)
{
        (void)fault;
        return wrap_disarm();
}

#define FAULT(name_, error_, may_succeed_, ...)                                   \
        {                                                                         \
                .name = (name_), .arm = arm, .disarm = disarm, .error = (error_), \
                .may_succeed = (may_succeed_), .fair = {                          \
                        __VA_ARGS__                                               \
                }                                                                 \
        }

static const system_fault faults[] = {
        /* The device's library is a file, too: CKPT_E_DEVICE. */
        {.fault = FAULT("a read with EIO", EIO, false, CKPT_E_IO, CKPT_E_DEVICE),
         .group = "read",
         .needed = true},
        {.fault = FAULT("a read with EINTR", EINTR, true, 0), .group = "read", .needed = true},
        {.fault = FAULT("a short read", 0, true, 0), .group = "read", .way = WRAP_SHORT, .needed = true},
        {.fault = FAULT("open with EMFILE", EMFILE, false, CKPT_E_SYSTEM, CKPT_E_DEVICE),
         .group = "open",
         .needed = true},
        {.fault = FAULT("open with EACCES", EACCES, false, CKPT_E_IO, CKPT_E_DEVICE),
         .group = "open",
         .needed = true},
        /* What became of a file cannot be asked: it counts as changed. */
        {.fault = FAULT("stat with EIO", EIO, false, CKPT_E_IO, CKPT_E_CHANGED, CKPT_E_DEVICE),
         .group = "stat",
         .needed = true},
        {.fault = FAULT("mmap with ENOMEM", ENOMEM, true, CKPT_E_NOMEM, CKPT_E_DEVICE), .group = "mmap"},
        {.fault = FAULT("pthread_create with EAGAIN", EAGAIN, true, CKPT_E_SYSTEM),
         .group = "pthread_create",
         .readers = 3,
         .needed = true},
};

#define FAULTS (int)(sizeof(faults) / sizeof(*faults))

static sweep_job job_of(int number, const char *fixture, uint32_t readers)
{
        sweep_job job = SWEEP_JOB(devices[number % DEVICES], fixture);

        if (readers > 0) {
                job.readers = readers;
                job.staging_bytes = 1u << 20;
        }
        return job;
}

static void sweep(int number, const char *fixture, ckpt_io io)
{
        const system_fault *system = &faults[number / DEVICES];
        sweep_job job = job_of(number, fixture, system->readers);
        system_fault fault = *system;
        uint64_t met;

        job.io = io;
        /* Asking what is cached may fail: then it is read by calls that may wait, and these are what counts. */
        if (io == CKPT_IO_AUTO)
                fault.fault.may_succeed = true;
        met = sweep_run(&job, &fault.fault);
        ck_assert(met > 0 || !system->needed);
}

START_TEST(through_the_page_cache)
{
        sweep(_i, "gemma3-bf16-sharded", CKPT_IO_BUFFERED);
}
END_TEST

/* However the library reads when it may choose; what it does not read with read calls is not met. */
START_TEST(as_it_comes)
{
        sweep(_i, "torch-llama-views", CKPT_IO_AUTO);
}
END_TEST

/* While chunks are on their way to the device, and some wait for it, another one cannot be read. */
START_TEST(beside_copies)
{
        const system_fault *eio = &faults[0];
        sweep_job job = SWEEP_JOB("cuda:0", "gemma3-fp32-sharded");

        job.staging_bytes = 3 * 65536;
        ck_assert_uint_gt(sweep_run(&job, &eio->fault), 0);
}
END_TEST

/* So much text in the headers that threads share it; one that is not made is no failure there. */
START_TEST(headers_in_threads)
{
        const system_fault *system = &faults[FAULTS - 1];
        sweep_job job = job_of(_i, "gemma3-bf16-sharded", system->readers);

        ck_assert_str_eq(system->group, "pthread_create");
        checkpoint_copy(job.fixture);
        for (unsigned i = 1; i <= 4; i++) {
                char name[64];

                snprintf(name, sizeof(name), SHARD, i);
                checkpoint_pad(name, 400000);
        }
        job.path = scratch_directory();
        ck_assert_uint_gt(sweep_run(&job, &system->fault), 0);
}
END_TEST

/* ---- files that change ---- */

static void cut(void)
{
        for (unsigned i = 1; i <= 4; i++) {
                char name[64];

                snprintf(name, sizeof(name), SHARD, i);
                if (truncate(scratch_path(name), (off_t)checkpoint_size(name) / 2) != 0)
                        abort();
        }
}

/* The same bytes in another file: what was read so far need not be of one piece with what is read next. */
static void replace(void)
{
        char name[64], *bytes;
        size_t size;

        snprintf(name, sizeof(name), SHARD, 4u);
        bytes = scratch_read(name, &size);
        scratch_write("new", bytes, size);
        free(bytes);
        if (rename(scratch_path("new"), scratch_path(name)) != 0)
                abort();
}

/* Of a load on a host that has its device. */
static uint64_t count_reads(const sweep_job *job, ckpt_host *host)
{
        sweep_expect_good(job, host);
        wrap_arm(&(wrap_plan){.group = "read"});
        sweep_expect_good(job, host);
        wrap_disarm();
        return wrap_calls();
}

/* In the reading of headers or of payload, wherever the tenth falls. */
static void meddle(int number, void (*hook)(void), unsigned percent)
{
        sweep_job job = job_of(number, "gemma3-bf16-sharded", 0);
        ckpt_host *host = sweep_host();
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;
        ckpt_status r;
        uint64_t reads;

        checkpoint_copy(job.fixture);
        job.path = scratch_directory();
        reads = count_reads(&job, host);
        ck_assert_uint_gt(reads, 20);
        wrap_arm(&(wrap_plan){
                .group = "read", .n = reads * percent / 100 + 1, .way = WRAP_HOOK, .hook = hook});
        r = sweep_load(&job, host, &load, &model);
        ck_assert(wrap_disarm());
        expect_status(load, r, CKPT_E_CHANGED);
        expect_reason(load, CKPT_E_CHANGED, "safetensors", NULL);
        ck_assert_ptr_null(model);
        ckpt_load_free(load);
        checkpoint_copy(job.fixture);
        sweep_expect_good(&job, host);
        ckpt_host_free(host);
}

START_TEST(meddled_with)
{
        static const unsigned percents[] = {10, 50, 90};
        sweep_state before;

        sweep_fake();
        before = sweep_state_now();
        for (unsigned i = 0; i < 3; i++) {
                meddle(_i, cut, percents[i]);
                meddle(_i, replace, percents[i]);
                sweep_expect_back(&before, "a change at percent", percents[i]);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("system-faults");
        TCase *tcase = tcase_create("system");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, scratch_new, scratch_remove);
        tcase_set_timeout(tcase, 100);
        tcase_add_loop_test(tcase, through_the_page_cache, 0, FAULTS * DEVICES);
        tcase_add_loop_test(tcase, as_it_comes, 0, FAULTS * DEVICES);
        tcase_add_test(tcase, beside_copies);
        tcase_add_loop_test(tcase, headers_in_threads, 0, DEVICES);
        tcase_add_loop_test(tcase, meddled_with, 0, DEVICES);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
