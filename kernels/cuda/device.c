/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CUDA table: every call of the CUDA runtime but what launch.h names.
 *
 * A call works on its object's device and leaves the thread's current device as it found
 * it. The runtime's error state is cleared after a failure that was reported, so that it
 * does not show up again in somebody else's check.
 */

#include <stdlib.h>

#include "launch.h"

struct ckpt_device {
        int ordinal;
};

struct ckpt_stream {
        ckpt_device device;
        cudaStream_t handle;
        int borrowed; /* the embedder's */
};

struct ckpt_event {
        ckpt_device device;
        cudaEvent_t handle;
};

static int32_t status_of(cudaError_t error)
{
        if (error != cudaSuccess)
                (void)cudaGetLastError();
        return -(int32_t)error;
}

/* Makes the device current; *ret_previous is what leave() restores. */
static int32_t enter(const ckpt_device *device, int *ret_previous)
{
        int previous;
        int32_t r = status_of(cudaGetDevice(&previous));

        if (r < 0)
                return r;
        if (previous != device->ordinal) {
                r = status_of(cudaSetDevice(device->ordinal));
                if (r < 0) {
                        (void)status_of(cudaSetDevice(previous));
                        return r;
                }
        }
        *ret_previous = previous;
        return 0;
}

/* Gives r back; a failure to restore is reported when nothing else is. */
static int32_t leave(const ckpt_device *device, int previous, int32_t r)
{
        int32_t restored = 0;

        if (previous != device->ordinal)
                restored = status_of(cudaSetDevice(previous));
        return r < 0 ? r : restored;
}

/* The whole of a function that makes one call of the runtime on its object's device. */
#define RETURN_ON(device, call)                                  \
        do {                                                     \
                int previous;                                    \
                const int32_t r = enter(device, &previous);      \
                                                                 \
                if (r < 0)                                       \
                        return r;                                \
                return leave(device, previous, status_of(call)); \
        } while (0)

static int32_t cuda_score(const char **ret_why)
{
        int count = 0;
        const int32_t r = status_of(cudaGetDeviceCount(&count));

        if (r == 0 && count > 0)
                return 100;
        if (r == -(int32_t)cudaErrorInsufficientDriver)
                *ret_why = "no CUDA driver, or one older than this library needs";
        else if (r == 0 || r == -(int32_t)cudaErrorNoDevice)
                *ret_why = "no device: the CUDA driver sees none (is CUDA_VISIBLE_DEVICES set?)";
        else
                *ret_why = ckpt_cuda_describe(r);
        return 0;
}

static int32_t cuda_open(int32_t ordinal, ckpt_device **ret_device)
{
        ckpt_device *device;
        int count = 0;
        const int32_t r = status_of(cudaGetDeviceCount(&count));

        if (r < 0)
                return r;
        if (ordinal < 0 || ordinal >= count)
                return -(int32_t)cudaErrorInvalidDevice;
        device = calloc(1, sizeof(*device));
        if (device == NULL)
                return -(int32_t)cudaErrorMemoryAllocation;
        device->ordinal = ordinal;
        *ret_device = device;
        return 0;
}

static void cuda_close(ckpt_device *device)
{
        free(device);
}

static int32_t cuda_memory_info(ckpt_device *device, uint64_t *ret_free, uint64_t *ret_total)
{
        size_t available, total;
        int previous;
        int32_t r = enter(device, &previous);

        if (r < 0)
                return r;
        r = leave(device, previous, status_of(cudaMemGetInfo(&available, &total)));
        if (r < 0)
                return r;
        *ret_free = available;
        *ret_total = total;
        return 0;
}

static int32_t cuda_alloc(ckpt_device *device, uint64_t size, void **ret_memory)
{
        void *memory;
        int previous;
        int32_t r = enter(device, &previous);

        if (r < 0)
                return r;
        r = leave(device, previous, status_of(cudaMalloc(&memory, size > 0 ? size : 1)));
        if (r == 0)
                *ret_memory = memory;
        return r;
}

static void cuda_free(ckpt_device *device, void *memory, uint64_t size)
{
        int previous;

        (void)size;
        if (memory == NULL || enter(device, &previous) < 0)
                return;
        (void)leave(device, previous, status_of(cudaFree(memory)));
}

static int32_t cuda_pinned_alloc(ckpt_device *device, uint64_t size, void **ret_memory)
{
        void *memory;
        int previous;
        int32_t r = enter(device, &previous);

        if (r < 0)
                return r;
        r = leave(device, previous,
                  status_of(cudaHostAlloc(&memory, size > 0 ? size : 1, cudaHostAllocPortable)));
        if (r == 0)
                *ret_memory = memory;
        return r;
}

static void cuda_pinned_free(ckpt_device *device, void *memory, uint64_t size)
{
        int previous;

        (void)size;
        if (memory == NULL || enter(device, &previous) < 0)
                return;
        (void)leave(device, previous, status_of(cudaFreeHost(memory)));
}

static int32_t cuda_host_register(ckpt_device *device, void *memory, uint64_t size, int32_t read_only)
{
        const unsigned flags = cudaHostRegisterPortable | (read_only ? cudaHostRegisterReadOnly : 0);
        RETURN_ON(device, cudaHostRegister(memory, size, flags));
}

static int32_t cuda_host_unregister(ckpt_device *device, void *memory)
{
        RETURN_ON(device, cudaHostUnregister(memory));
}

static int32_t cuda_stream_new(ckpt_device *device, ckpt_stream **ret_stream)
{
        ckpt_stream *stream = calloc(1, sizeof(*stream));
        int previous;
        int32_t r;

        if (stream == NULL)
                return -(int32_t)cudaErrorMemoryAllocation;
        stream->device = *device;
        r = enter(device, &previous);
        if (r == 0)
                r = leave(device, previous,
                          status_of(cudaStreamCreateWithFlags(&stream->handle, cudaStreamNonBlocking)));
        if (r < 0) {
                free(stream);
                return r;
        }
        *ret_stream = stream;
        return 0;
}

static int32_t cuda_stream_wrap(ckpt_device *device, void *native, ckpt_stream **ret_stream)
{
        ckpt_stream *stream = calloc(1, sizeof(*stream));

        if (stream == NULL)
                return -(int32_t)cudaErrorMemoryAllocation;
        stream->device = *device;
        stream->handle = native;
        stream->borrowed = 1;
        *ret_stream = stream;
        return 0;
}

static void cuda_stream_free(ckpt_stream *stream)
{
        int previous;

        if (stream == NULL)
                return;
        if (!stream->borrowed && enter(&stream->device, &previous) == 0) {
                (void)status_of(cudaStreamSynchronize(stream->handle));
                (void)leave(&stream->device, previous, status_of(cudaStreamDestroy(stream->handle)));
        }
        free(stream);
}

static int32_t cuda_stream_synchronize(ckpt_stream *stream)
{
        RETURN_ON(&stream->device, cudaStreamSynchronize(stream->handle));
}

/* Waiting threads sleep: a server has better use for its cores than to spin on a copy. */
static int32_t cuda_event_new(ckpt_device *device, ckpt_event **ret_event)
{
        const unsigned flags = cudaEventDisableTiming | cudaEventBlockingSync;
        ckpt_event *event = calloc(1, sizeof(*event));
        int previous;
        int32_t r;

        if (event == NULL)
                return -(int32_t)cudaErrorMemoryAllocation;
        event->device = *device;
        r = enter(device, &previous);
        if (r == 0)
                r = leave(device, previous, status_of(cudaEventCreateWithFlags(&event->handle, flags)));
        if (r < 0) {
                free(event);
                return r;
        }
        *ret_event = event;
        return 0;
}

static void cuda_event_free(ckpt_event *event)
{
        int previous;

        if (event == NULL)
                return;
        if (enter(&event->device, &previous) == 0)
                (void)leave(&event->device, previous, status_of(cudaEventDestroy(event->handle)));
        free(event);
}

static int32_t cuda_event_record(ckpt_event *event, ckpt_stream *stream)
{
        RETURN_ON(&stream->device, cudaEventRecord(event->handle, stream->handle));
}

static int32_t cuda_event_synchronize(ckpt_event *event)
{
        RETURN_ON(&event->device, cudaEventSynchronize(event->handle));
}

static int32_t cuda_event_query(ckpt_event *event)
{
        int previous;
        int32_t r = enter(&event->device, &previous);

        if (r < 0)
                return r;
        r = status_of(cudaEventQuery(event->handle));
        if (r == -(int32_t)cudaErrorNotReady)
                return leave(&event->device, previous, 0);
        r = leave(&event->device, previous, r);
        return r < 0 ? r : 1;
}

static void *cuda_event_handle(ckpt_event *event)
{
        return event->handle;
}

static int32_t cuda_stream_wait_event(ckpt_stream *stream, ckpt_event *event)
{
        RETURN_ON(&stream->device, cudaStreamWaitEvent(stream->handle, event->handle, 0));
}

static int32_t copy(ckpt_stream *stream, void *dst, const void *src, uint64_t size, enum cudaMemcpyKind kind)
{
        if (size == 0)
                return 0;
        RETURN_ON(&stream->device, cudaMemcpyAsync(dst, src, size, kind, stream->handle));
}

static int32_t cuda_copy_to_device(ckpt_stream *stream, void *dst, const void *src, uint64_t size)
{
        return copy(stream, dst, src, size, cudaMemcpyHostToDevice);
}

static int32_t cuda_copy_list_to_device(ckpt_stream *stream, const ckpt_host_copy *copies, uint32_t count)
{
        if (count == 0 || count > CKPT_HOST_COPIES_MAX)
                return -(int32_t)cudaErrorInvalidValue;
        if (count == 1)
                return copy(stream, copies->dst, copies->src, copies->size, cudaMemcpyHostToDevice);
        RETURN_ON(&stream->device, ckpt_cuda_copy_list(stream->handle, copies, count));
}

static int32_t cuda_copy_to_host(ckpt_stream *stream, void *dst, const void *src, uint64_t size)
{
        return copy(stream, dst, src, size, cudaMemcpyDeviceToHost);
}

static int32_t cuda_copy_on_device(ckpt_stream *stream, void *dst, const void *src, uint64_t size)
{
        return copy(stream, dst, src, size, cudaMemcpyDeviceToDevice);
}

static int32_t cuda_copy_rows_to_device(ckpt_stream *stream, void *dst, uint64_t dst_pitch, const void *src,
                                        uint64_t src_pitch, uint64_t width, uint64_t rows)
{
        if (width == 0 || rows == 0)
                return 0;
        RETURN_ON(&stream->device, cudaMemcpy2DAsync(dst, dst_pitch, src, src_pitch, width, rows,
                                                     cudaMemcpyHostToDevice, stream->handle));
}

static int32_t cuda_fill_zero(ckpt_stream *stream, void *dst, uint64_t size)
{
        if (size == 0)
                return 0;
        RETURN_ON(&stream->device, cudaMemsetAsync(dst, 0, size, stream->handle));
}

/* One list of descriptors: the device made current around the launches. */
#define LAUNCHER(name)                                                                                  \
        static int32_t cuda_##name(ckpt_stream *stream, const ckpt_##name *descriptors, uint32_t count) \
        {                                                                                               \
                int previous;                                                                           \
                int32_t r = enter(&stream->device, &previous);                                          \
                                                                                                        \
                if (r < 0)                                                                              \
                        return r;                                                                       \
                r = ckpt_cuda_launch_##name(stream->handle, descriptors, count);                        \
                return leave(&stream->device, previous, r);                                             \
        }

LAUNCHER(strided_copy)
LAUNCHER(elementwise)
LAUNCHER(transpose)
LAUNCHER(repeat_blocks)
LAUNCHER(gather_rows)

__attribute__((visibility("default"))) extern const ckpt_backend ckpt_backend_entry;

const ckpt_backend ckpt_backend_entry = {
        .struct_size = sizeof(ckpt_backend),
        .version = CKPT_BACKEND_VERSION,
        .name = "cuda",
        .score = cuda_score,
        .describe = ckpt_cuda_describe,
        .open = cuda_open,
        .close = cuda_close,
        .memory_info = cuda_memory_info,
        .alloc = cuda_alloc,
        .free = cuda_free,
        .pinned_alloc = cuda_pinned_alloc,
        .pinned_free = cuda_pinned_free,
        .host_register = cuda_host_register,
        .host_unregister = cuda_host_unregister,
        .stream_new = cuda_stream_new,
        .stream_free = cuda_stream_free,
        .stream_wrap = cuda_stream_wrap,
        .stream_synchronize = cuda_stream_synchronize,
        .event_new = cuda_event_new,
        .event_free = cuda_event_free,
        .event_record = cuda_event_record,
        .event_synchronize = cuda_event_synchronize,
        .event_query = cuda_event_query,
        .event_handle = cuda_event_handle,
        .stream_wait_event = cuda_stream_wait_event,
        .copy_to_device = cuda_copy_to_device,
        .copy_list_to_device = cuda_copy_list_to_device,
        .copy_to_host = cuda_copy_to_host,
        .copy_on_device = cuda_copy_on_device,
        .copy_rows_to_device = cuda_copy_rows_to_device,
        .fill_zero = cuda_fill_zero,
        .strided_copy = cuda_strided_copy,
        .elementwise = cuda_elementwise,
        .transpose = cuda_transpose,
        .repeat_blocks = cuda_repeat_blocks,
        .gather_rows = cuda_gather_rows,
};
