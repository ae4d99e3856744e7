/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call of the CUDA runtime fails once, and so does every copy and kernel when it is executed
 */
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

#include <check.h>

/* Numbers of the CUDA runtime. */
enum {
        OUT_OF_MEMORY = 2,
        ILLEGAL_ADDRESS = 700,
        ALREADY_REGISTERED = 712,
        LAUNCH_FAILURE = 719,
        UNKNOWN = 999
};

static void arm(const sweep_fault *fault, uint64_t n)
{
        sweep_fake()->fail_at(fault->name, n, fault->error);
}

/* What a copy or a kernel broke is mended: a process that goes on is one that reset its device. */
static bool disarm(const sweep_fault *fault)
{
        const fake_cuda_control *fake = sweep_fake();
        const bool came = fake->has_failed();
        fake_cuda_counts counts;

        (void)fault;
        fake->fail_at(NULL, 0, 0);
        fake->get_counts(&counts);
        ck_assert_msg(counts.misuses == 0, "%s", counts.misuse);
        fake->reset();
        return came;
}

#define FAULT(name_, error_, word_, ...)                                                                     \
        {                                                                                                    \
                .name = (name_), .arm = arm, .disarm = disarm, .error = (error_), .word = (word_), .fair = { \
                        CKPT_E_DEVICE,                                                                       \
                        __VA_ARGS__                                                                          \
                }                                                                                            \
        }

static const sweep_fault faults[] = {
        FAULT("cudaMalloc", OUT_OF_MEMORY, "cudaErrorMemoryAllocation", CKPT_E_NOMEM),
        FAULT("cudaHostAlloc", OUT_OF_MEMORY, "cudaErrorMemoryAllocation", CKPT_E_NOMEM),
        /* Mapped files can be read instead. */
        {.name = "cudaHostRegister",
         .arm = arm,
         .disarm = disarm,
         .error = ALREADY_REGISTERED,
         .fair = {CKPT_E_DEVICE, CKPT_E_NOMEM},
         .may_succeed = true,
         .word = "cudaErrorHostMemoryAlreadyRegistered"},
        FAULT("cudaStreamCreate", OUT_OF_MEMORY, "cudaErrorMemoryAllocation", 0),
        /* Freeing a stream that was waited for waits once more, and has nothing to add. */
        {.name = "cudaStreamSynchronize",
         .arm = arm,
         .disarm = disarm,
         .error = UNKNOWN,
         .fair = {CKPT_E_DEVICE},
         .may_succeed = true,
         .word = "cudaErrorUnknown"},
        FAULT("cudaStreamWaitEvent", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("cudaEventCreate", OUT_OF_MEMORY, "cudaErrorMemoryAllocation", 0),
        FAULT("cudaEventRecord", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("cudaEventSynchronize", LAUNCH_FAILURE, "cudaErrorLaunchFailure", 0),
        FAULT("cudaEventQuery", LAUNCH_FAILURE, "cudaErrorLaunchFailure", 0),
        FAULT("cudaMemcpyAsync", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("cudaMemcpyBatchAsync", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("cudaMemcpy2DAsync", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("cudaMemsetAsync", UNKNOWN, "cudaErrorUnknown", 0),
        FAULT("launch", LAUNCH_FAILURE, "cudaErrorLaunchFailure", 0),
        FAULT("copy", ILLEGAL_ADDRESS, "cudaErrorIllegalAddress", 0),
        FAULT("kernel", LAUNCH_FAILURE, "cudaErrorLaunchFailure", 0),
};

/* Calls that every executor makes, by what they are for; others are swept if they are made. */
static bool is_needed(const char *name)
{
        static const char *const needed[] = {
                "cudaMalloc", "cudaStreamCreate", "cudaMemcpyAsync", "launch", "copy", "kernel"};

        for (unsigned i = 0; i < sizeof(needed) / sizeof(*needed); i++)
                if (strcmp(needed[i], name) == 0)
                        return true;
        return false;
}

START_TEST(one_reader)
{
        const sweep_job job = SWEEP_JOB("cuda:0", "gemma3-bf16-sharded");
        const uint64_t met = sweep_run(&job, &faults[_i]);

        ck_assert(met > 0 || !is_needed(faults[_i].name));
}
END_TEST

/* Slots so small that tensors fill several, and so many that copies go in lists. */
START_TEST(by_lists)
{
        const bool is_list = strcmp(faults[_i].name, "cudaMemcpyBatchAsync") == 0;
        sweep_job job = SWEEP_JOB("cuda:0", "gemma3-fp32-sharded");
        uint64_t met;

        job.staging_bytes = 3 * 65536;
        met = sweep_run(&job, &faults[_i]);
        ck_assert(met > 0 || !(is_list || is_needed(faults[_i].name)));
}
END_TEST

/* As many slots as a reader has, and another reader beside it. */
START_TEST(two_readers)
{
        sweep_job job = SWEEP_JOB("cuda:0", "torch-llama-views");
        uint64_t met;

        job.readers = 2;
        job.staging_bytes = 1u << 20;
        met = sweep_run(&job, &faults[_i]);
        ck_assert(met > 0 || !is_needed(faults[_i].name));
}
END_TEST

/* The model's memory alone does not fit, then nothing else does. */
START_TEST(little_memory)
{
        const sweep_job job = SWEEP_JOB("cuda:0", "gemma3-bf16-sharded");
        ckpt_host *host = sweep_host();
        const sweep_state before = sweep_state_now();

        for (uint64_t bytes = 1; bytes < 400000; bytes += 20011) {
                ckpt_load *load = NULL;
                ckpt_model *model = NULL;
                ckpt_status r;

                sweep_fake()->set_memory(bytes);
                r = sweep_load(&job, host, &load, &model);
                ck_assert_msg(r == CKPT_OK || r == CKPT_E_NOMEM || r == CKPT_E_DEVICE, "%s",
                              ckpt_status_name(r));
                ck_assert(bytes > 280000 || r != CKPT_OK);
                ckpt_model_unref(model);
                ckpt_load_free(load);
                sweep_fake()->reset();
        }
        sweep_expect_good(&job, host);
        ckpt_host_free(host);
        sweep_expect_back(&before, "little memory", 0);
}
END_TEST

int main(void)
{
        const int count = (int)(sizeof(faults) / sizeof(*faults));
        Suite *suite = suite_create("device-faults");
        TCase *tcase = tcase_create("device");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 100);
        tcase_add_loop_test(tcase, one_reader, 0, count);
        tcase_add_loop_test(tcase, two_readers, 0, count);
        tcase_add_loop_test(tcase, by_lists, 0, count);
        tcase_add_test(tcase, little_memory);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
