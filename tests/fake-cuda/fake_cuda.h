/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FAKE_CUDA_H
#define CKPT_FAKE_CUDA_H

/*
 * What a test may ask of the CUDA runtime without a device, and tell it
 *
 * The library ckpt-cuda.so beside this file is the real kernels/cuda/device.c over that runtime: two devices
 * whose memory is malloc's, a thread per stream. It exports one table. Everything here may be called from any
 * thread, but arming, resetting and settings only while no load runs.
 *
 * The environment sets the same for whole processes: CKPT_FAKE_CUDA_FAIL ("cudaMalloc:3:2": the third call
 * fails with error 2), CKPT_FAKE_CUDA_MEMORY (bytes of each device), CKPT_FAKE_CUDA_DELAY (nanoseconds).
 */

#include <stdint.h>

#define FAKE_CUDA_SYMBOL "fake_cuda"

/** What there is now, and what has been since the last reset. */
typedef struct fake_cuda_counts {
        uint64_t device_allocations, device_bytes, device_peak; /* of both devices */
        uint64_t pinned_allocations, pinned_bytes, pinned_peak; /* cudaHostAlloc */
        uint64_t registered_ranges, registered_bytes;           /* cudaHostRegister */
        uint64_t streams, events;
        uint64_t copies, kernels; /* executed; a call with a list of descriptors is one */
        uint64_t pageable_copies; /* asked for with host memory that is neither pinned nor registered */
        uint64_t misuses;         /* what a real device would answer with corruption; see `misuse` */
        const char *misuse;       /* the last of them in words, or NULL */
        int32_t broken;           /* the error that the context is lost with, or 0 */
} fake_cuda_counts;

typedef struct fake_cuda_control {
        void (*get_counts)(fake_cuda_counts *ret_counts);
        /**
         * The n-th call (from 1) of that name fails with `error` and has no effect. Names are the runtime's;
         * "launch" is a kernel launch; "copy" and "kernel" fail when they are executed, long after the call,
         * and break the context as real faults do. The string is kept. NULL disarms.
         */
        void (*fail_at)(const char *call, uint64_t n, int32_t error);
        /** Whether that has happened. */
        int32_t (*has_failed)(void);
        /** How often a call of the armed name was made since it was armed. */
        uint64_t (*calls)(void);
        /** Every copy, every kernel and every registration takes at least so long. */
        void (*set_delay)(uint64_t nanoseconds);
        /** Memory of each device; 0: the default. */
        void (*set_memory)(uint64_t bytes);
        /** Disarms, mends the context, forgets peaks, counts of work and misuses; what lives stays. */
        void (*reset)(void);
} fake_cuda_control;

#endif
