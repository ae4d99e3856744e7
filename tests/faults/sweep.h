/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULTS_SWEEP_H
#define TESTS_FAULTS_SWEEP_H

/*
 * Failing one call after the other: the n-th of a load fails, for n = 1, 2, … until a load gets through
 * untouched
 *
 * Each round has a host of its own. After the fault the same host loads again, and must be right; after the
 * host everything is back: threads, descriptors, memory of the device, pinned memory, streams, events.
 */

#include <ckpt/ckpt.h>

#include "fake-cuda/fake_cuda.h"
#include "support/resources.h"

/** What is loaded, and how. */
typedef struct sweep_job {
        const char *device;  /* "cpu", "cuda:0" */
        const char *fixture; /* in the fixtures, unless `path` says where it is */
        const char *golden;  /* its expected/CASE.tsv */
        const char *path;
        ckpt_mapping mapping;
        uint64_t staging_bytes;
        uint32_t readers;
        ckpt_io io;
} sweep_job;

/** One rank, staging so small that its memory is used again and again. */
#define SWEEP_JOB(device_, fixture_)                                                                       \
        {                                                                                                  \
                .device = (device_), .fixture = (fixture_), .golden = "tp1-rank0",                         \
                .mapping = CKPT_MAPPING_INIT, .staging_bytes = 16384, .readers = 1, .io = CKPT_IO_BUFFERED \
        }

/** What fails: armed for the n-th time before a load, disarmed after it. */
typedef struct sweep_fault {
        const char *name; /* for messages */
        void (*arm)(const struct sweep_fault *fault, uint64_t n);
        /** Whether the n-th call came. */
        bool (*disarm)(const struct sweep_fault *fault);
        int32_t error; /* whatever `arm` makes of it */
        /** Ends that are right; 0 ends the list, and `may_succeed` adds CKPT_OK. */
        ckpt_status fair[4];
        bool may_succeed;
        const char *word; /* in the reason for every failure; NULL: any */
} sweep_fault;

/** The fake CUDA runtime's table; the test fails without it. */
const fake_cuda_control *sweep_fake(void);

/** A host with the stock plugins, linked in, that finds the fake CUDA runtime. */
ckpt_host *sweep_host(void);
/** A load of the job; *ret_load is to be freed. */
ckpt_status sweep_load(const sweep_job *job, ckpt_host *host, ckpt_load **ret_load, ckpt_model **ret_model);
/** A load on this host that must be right. */
void sweep_expect_good(const sweep_job *job, ckpt_host *host);
/** Whether the model is the job's golden. */
bool sweep_is_good(const sweep_job *job, const ckpt_model *model);

/** Runs the rounds; gives how many of them met their fault. */
uint64_t sweep_run(const sweep_job *job, const sweep_fault *fault);

/** What the process holds while it has no host. */
typedef struct sweep_state {
        resources process;
        fake_cuda_counts device;
} sweep_state;

sweep_state sweep_state_now(void);
/** Nothing more than before, and nothing was misused since. */
void sweep_expect_back(const sweep_state *before, const char *what, uint64_t n);

#endif
