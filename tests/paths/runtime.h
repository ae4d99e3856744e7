/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_RUNTIME_H
#define TESTS_PATHS_RUNTIME_H

/*
 * The fake CUDA runtime as an engine sees it: its own memory, its own stream
 */

#include "fake-cuda/cuda_runtime_api.h"

#include "fake-cuda/fake_cuda.h"

typedef struct fake_runtime {
        const fake_cuda_control *control;
        cudaError_t (*malloc)(void **memory, size_t size);
        cudaError_t (*free)(void *memory);
        cudaError_t (*stream_new)(cudaStream_t *stream, unsigned int flags);
        cudaError_t (*stream_free)(cudaStream_t stream);
        cudaError_t (*stream_synchronize)(cudaStream_t stream);
        cudaError_t (*event_query)(cudaEvent_t event);
        cudaError_t (*copy)(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind,
                            cudaStream_t stream);
        cudaError_t (*fill)(void *dst, int value, size_t size, cudaStream_t stream);
} fake_runtime;

/** The library that loads use, too; the test fails without it. */
const fake_runtime *runtime(void);
/** What there is now. */
fake_cuda_counts runtime_counts(void);
/** A stream of device 0. */
cudaStream_t runtime_stream(void);
/** Memory of device 0. */
void *runtime_memory(uint64_t size);
/** Bytes of the device, by a stream, when its work is done: for threads of the library, so no assertions. */
int runtime_read(cudaStream_t stream, void *buffer, const void *memory, uint64_t size);

#endif
