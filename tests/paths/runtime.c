/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include <dlfcn.h>
#include <stdio.h>

#include "support/scratch.h"

#include <check.h>

static fake_runtime opened;

/* An object's pointer where a function's is wanted, as POSIX has it. */
static void find(void *library, const char *name, void *ret_function)
{
        void **function = ret_function;

        *function = dlsym(library, name);
        ck_assert_msg(*function != NULL, "%s", dlerror());
}

const fake_runtime *runtime(void)
{
        char path[1024];
        void *library;

        if (opened.control)
                return &opened;
        snprintf(path, sizeof(path), "%s/ckpt-cuda.so", test_place("CKPT_TEST_FAKE_CUDA"));
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        find(library, "cudaMalloc", &opened.malloc);
        find(library, "cudaFree", &opened.free);
        find(library, "cudaStreamCreateWithFlags", &opened.stream_new);
        find(library, "cudaStreamDestroy", &opened.stream_free);
        find(library, "cudaStreamSynchronize", &opened.stream_synchronize);
        find(library, "cudaEventQuery", &opened.event_query);
        find(library, "cudaMemcpyAsync", &opened.copy);
        find(library, "cudaMemsetAsync", &opened.fill);
        opened.control = dlsym(library, FAKE_CUDA_SYMBOL);
        ck_assert_ptr_nonnull(opened.control);
        return &opened;
}

fake_cuda_counts runtime_counts(void)
{
        fake_cuda_counts counts;

        runtime()->control->get_counts(&counts);
        return counts;
}

cudaStream_t runtime_stream(void)
{
        cudaStream_t stream = NULL;

        ck_assert_int_eq(runtime()->stream_new(&stream, cudaStreamNonBlocking), cudaSuccess);
        return stream;
}

void *runtime_memory(uint64_t size)
{
        void *memory = NULL;

        ck_assert_int_eq(runtime()->malloc(&memory, size), cudaSuccess);
        return memory;
}

int runtime_read(cudaStream_t stream, void *buffer, const void *memory, uint64_t size)
{
        cudaError_t error = cudaSuccess;

        if (size > 0)
                error = opened.copy(buffer, memory, size, cudaMemcpyDeviceToHost, stream);
        return (int)(error == cudaSuccess ? opened.stream_synchronize(stream) : error);
}
