/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads on the fake CUDA runtime, made for the sanitizers: streams that are threads, a device that is slow or
 * is not, staging memory that is used again and again
 */
#include <pthread.h>
#include <stdlib.h>

#include "sweep.h"

#include <check.h>

#define LOADS 3

typedef struct setting {
        uint64_t staging_bytes, delay; /* delay: nanoseconds a copy or kernel */
        uint32_t readers;
} setting;

static const setting settings[] = {
        {16384, 0, 1},
        {16384, 100000, 1},
        {1u << 20, 0, 3},
        {1u << 20, 100000, 2},
};

static const char *const fixtures[][2] = {
        {"gemma3-bf16-sharded", "tp1-rank0"},
        {"gemma3-fp32", "tp1-rank0"},
        {"llama", "tp1-rank0"},
        {"torch-llama-views", "tp1-rank0"},
};

#define SETTINGS (int)(sizeof(settings) / sizeof(*settings))
#define FIXTURES (int)(sizeof(fixtures) / sizeof(*fixtures))

typedef struct worker {
        pthread_t thread;
        sweep_job job;
        ckpt_host *host;
        ckpt_status status;
        bool good;
} worker;

static void *worker_main(void *argument)
{
        worker *w = argument;
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;

        w->status = sweep_load(&w->job, w->host, &load, &model);
        w->good = model && sweep_is_good(&w->job, model);
        ckpt_model_unref(model);
        ckpt_load_free(load);
        return NULL;
}

static sweep_job job_of(int number, const setting *how)
{
        sweep_job job = SWEEP_JOB("cuda:0", fixtures[number % FIXTURES][0]);

        job.golden = fixtures[number % FIXTURES][1];
        job.staging_bytes = how->staging_bytes;
        job.readers = how->readers;
        job.io = CKPT_IO_AUTO;
        return job;
}

START_TEST(one_at_a_time)
{
        const setting *how = &settings[_i / FIXTURES];
        const sweep_job job = job_of(_i, how);
        ckpt_host *host = sweep_host();
        fake_cuda_counts counts;
        sweep_state before;

        sweep_fake()->reset();
        /* ThreadSanitizer has a thread of its own from the first one on. */
        sweep_expect_good(&job, host);
        ckpt_host_free(host);
        before = sweep_state_now();
        host = sweep_host();
        sweep_fake()->set_delay(how->delay);
        for (unsigned i = 0; i < LOADS; i++)
                sweep_expect_good(&job, host);
        ckpt_host_free(host);
        sweep_fake()->get_counts(&counts);
        ck_assert_uint_gt(counts.copies, 0);
        sweep_expect_back(&before, "load", LOADS);
}
END_TEST

START_TEST(all_at_once)
{
        const setting *how = &settings[_i];
        ckpt_host *host = sweep_host();
        worker workers[2 * FIXTURES] = {0};

        sweep_fake()->reset();
        sweep_fake()->set_delay(how->delay);
        for (int i = 0; i < 2 * FIXTURES; i++) {
                workers[i].host = host;
                workers[i].job = job_of(i, how);
                workers[i].job.device = i < FIXTURES ? "cuda:0" : "cuda:1";
        }
        for (int i = 0; i < 2 * FIXTURES; i++)
                ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
        for (int i = 0; i < 2 * FIXTURES; i++)
                pthread_join(workers[i].thread, NULL);
        ckpt_host_free(host);
        for (int i = 0; i < 2 * FIXTURES; i++)
                ck_assert_msg(workers[i].status == CKPT_OK && workers[i].good, "%s on %s: %s",
                              workers[i].job.fixture, workers[i].job.device,
                              ckpt_status_name(workers[i].status));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("fake-load");
        TCase *tcase = tcase_create("load");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 100);
        tcase_add_loop_test(tcase, one_at_a_time, 0, SETTINGS * FIXTURES);
        tcase_add_loop_test(tcase, all_at_once, 0, SETTINGS);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
