/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Devices and memory, as the CUDA runtime offers them
 */

#include "fake.h"

/* ---- devices ---- */

static _Thread_local int current_device;

int fake_current_device(void)
{
        return current_device;
}

cudaError_t cudaGetDeviceCount(int *count)
{
        const cudaError_t error = fake_enter("cudaGetDeviceCount");

        *count = error == cudaSuccess ? FAKE_DEVICES : 0;
        return fake_leave(error);
}

cudaError_t cudaGetDevice(int *device)
{
        *device = current_device;
        return fake_leave(fake_fault("cudaGetDevice"));
}

cudaError_t cudaSetDevice(int device)
{
        const cudaError_t error = fake_fault("cudaSetDevice");

        if (error != cudaSuccess)
                return fake_leave(error);
        if (device < 0 || device >= FAKE_DEVICES)
                return fake_leave(cudaErrorInvalidDevice);
        current_device = device;
        return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
        const cudaError_t error = fake_enter("cudaDeviceGetAttribute");

        if (error != cudaSuccess)
                return fake_leave(error);
        if (device < 0 || device >= FAKE_DEVICES)
                return fake_leave(cudaErrorInvalidDevice);
        *value = attribute == cudaDevAttrHostRegisterSupported ||
                 attribute == cudaDevAttrHostRegisterReadOnlySupported;
        return cudaSuccess;
}

const char *cudaGetErrorString(cudaError_t error)
{
        return cudaGetErrorName(error);
}

const char *cudaGetErrorName(cudaError_t error)
{
        return error == cudaSuccess ? "cudaSuccess" : "an error of the fake CUDA runtime";
}

/* ---- memory ---- */

static cudaError_t allocate(const char *call, fake_kind kind, void **ret_memory, size_t size)
{
        cudaError_t error = fake_enter(call);

        if (error == cudaSuccess)
                error = fake_memory_new(kind, current_device, size, ret_memory);
        return fake_leave(error);
}

/* What is given back is gone even when the context is lost, or counts would say nothing. */
static cudaError_t give_back(const char *call, fake_kind kind, void *memory)
{
        cudaError_t error = memory ? fake_memory_remove(kind, memory) : cudaSuccess;

        if (error == cudaSuccess)
                error = fake_enter(call);
        return fake_leave(error);
}

cudaError_t cudaMalloc(void **ret_memory, size_t size)
{
        return allocate("cudaMalloc", FAKE_DEVICE, ret_memory, size);
}

cudaError_t cudaFree(void *memory)
{
        return give_back("cudaFree", FAKE_DEVICE, memory);
}

cudaError_t cudaHostAlloc(void **ret_memory, size_t size, unsigned int flags)
{
        (void)flags;
        return allocate("cudaHostAlloc", FAKE_PINNED, ret_memory, size);
}

cudaError_t cudaFreeHost(void *memory)
{
        return give_back("cudaFreeHost", FAKE_PINNED, memory);
}

cudaError_t cudaHostRegister(void *memory, size_t size, unsigned int flags)
{
        cudaError_t error = fake_enter("cudaHostRegister");

        (void)flags;
        if (error == cudaSuccess && (!memory || size == 0))
                error = cudaErrorInvalidValue;
        if (error == cudaSuccess)
                fake_wait_as_told();
        if (error == cudaSuccess)
                error = fake_memory_add(current_device, memory, size);
        return fake_leave(error);
}

cudaError_t cudaHostUnregister(void *memory)
{
        return give_back("cudaHostUnregister", FAKE_REGISTERED, memory);
}
