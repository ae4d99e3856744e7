/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CPU's table. A stream is finished whenever it is looked at, so events have nothing
 * to wait for and every copy is a memcpy. The objects are kept all the same: a caller that
 * loses one, or frees it twice, shows itself here too, under the sanitizers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

struct ckpt_device {
        int32_t ordinal;
};

struct ckpt_stream {
        ckpt_device *device;
};

struct ckpt_event {
        ckpt_device *device;
};

static int32_t cpu_score(const char **ret_why)
{
        (void)ret_why;
        return 1;
}

static const char *cpu_describe(int32_t status)
{
        switch (status) {
        case 0:
                return "no error";
        case -EINVAL:
                return "invalid kernel descriptor or argument";
        case -ENOMEM:
                return "out of memory";
        case -ENODEV:
                return "no such device: the CPU is device 0 alone";
        case -ENODATA:
                return "/proc/meminfo does not give the memory's size";
        case -ENOENT:
        case -EACCES:
                return "/proc/meminfo cannot be read";
        default:
                return "unknown error of the CPU backend";
        }
}

static int32_t cpu_open(int32_t ordinal, ckpt_device **ret_device)
{
        ckpt_device *device;

        if (ordinal != 0)
                return -ENODEV;
        device = calloc(1, sizeof(*device));
        if (device == NULL)
                return -ENOMEM;
        device->ordinal = ordinal;
        *ret_device = device;
        return 0;
}

static void cpu_close(ckpt_device *device)
{
        free(device);
}

static int32_t cpu_host_register(ckpt_device *device, void *memory, uint64_t size, int32_t read_only)
{
        (void)device;
        (void)memory;
        (void)size;
        (void)read_only;
        return 0;
}

static int32_t cpu_host_unregister(ckpt_device *device, void *memory)
{
        (void)device;
        (void)memory;
        return 0;
}

static int32_t cpu_stream_new(ckpt_device *device, ckpt_stream **ret_stream)
{
        ckpt_stream *stream = calloc(1, sizeof(*stream));

        if (stream == NULL)
                return -ENOMEM;
        stream->device = device;
        *ret_stream = stream;
        return 0;
}

static int32_t cpu_stream_wrap(ckpt_device *device, void *native, ckpt_stream **ret_stream)
{
        (void)native;
        return cpu_stream_new(device, ret_stream);
}

static void cpu_stream_free(ckpt_stream *stream)
{
        free(stream);
}

static int32_t cpu_stream_synchronize(ckpt_stream *stream)
{
        (void)stream;
        return 0;
}

static int32_t cpu_event_new(ckpt_device *device, ckpt_event **ret_event)
{
        ckpt_event *event = calloc(1, sizeof(*event));

        if (event == NULL)
                return -ENOMEM;
        event->device = device;
        *ret_event = event;
        return 0;
}

static void cpu_event_free(ckpt_event *event)
{
        free(event);
}

static int32_t cpu_event_record(ckpt_event *event, ckpt_stream *stream)
{
        (void)event;
        (void)stream;
        return 0;
}

static int32_t cpu_event_synchronize(ckpt_event *event)
{
        (void)event;
        return 0;
}

static int32_t cpu_event_query(ckpt_event *event)
{
        (void)event;
        return 1;
}

static void *cpu_event_handle(ckpt_event *event)
{
        (void)event;
        return NULL;
}

static int32_t cpu_stream_wait_event(ckpt_stream *stream, ckpt_event *event)
{
        (void)stream;
        (void)event;
        return 0;
}

static int32_t cpu_copy(ckpt_stream *stream, void *dst, const void *src, uint64_t size)
{
        (void)stream;
        if (size > SIZE_MAX)
                return -EINVAL;
        if (size > 0)
                memcpy(dst, src, (size_t)size);
        return 0;
}

static int32_t cpu_copy_list(ckpt_stream *stream, const ckpt_host_copy *copies, uint32_t count)
{
        int32_t r = count == 0 || count > CKPT_HOST_COPIES_MAX ? -EINVAL : 0;

        for (uint32_t i = 0; i < count && r == 0; i++)
                r = cpu_copy(stream, copies[i].dst, copies[i].src, copies[i].size);
        return r;
}

static int32_t cpu_copy_rows(ckpt_stream *stream, void *dst, uint64_t dst_pitch, const void *src,
                             uint64_t src_pitch, uint64_t width, uint64_t rows)
{
        uint8_t *to = dst;
        const uint8_t *from = src;

        (void)stream;
        if (rows > 1 && (width > dst_pitch || width > src_pitch))
                return -EINVAL;
        for (uint64_t i = 0; width > 0 && i < rows; i++)
                memcpy(to + i * dst_pitch, from + i * src_pitch, width);
        return 0;
}

static int32_t cpu_fill_zero(ckpt_stream *stream, void *dst, uint64_t size)
{
        (void)stream;
        if (size > 0)
                memset(dst, 0, size);
        return 0;
}

const ckpt_backend ckpt_backend_cpu = {
        .struct_size = sizeof(ckpt_backend),
        .version = CKPT_BACKEND_VERSION,
        .name = "cpu",
        .score = cpu_score,
        .describe = cpu_describe,
        .open = cpu_open,
        .close = cpu_close,
        .memory_info = ckpt_cpu_memory_info,
        .alloc = ckpt_cpu_alloc,
        .free = ckpt_cpu_free,
        .pinned_alloc = ckpt_cpu_alloc,
        .pinned_free = ckpt_cpu_free,
        .host_register = cpu_host_register,
        .host_unregister = cpu_host_unregister,
        .stream_new = cpu_stream_new,
        .stream_free = cpu_stream_free,
        .stream_wrap = cpu_stream_wrap,
        .stream_synchronize = cpu_stream_synchronize,
        .event_new = cpu_event_new,
        .event_free = cpu_event_free,
        .event_record = cpu_event_record,
        .event_synchronize = cpu_event_synchronize,
        .event_query = cpu_event_query,
        .event_handle = cpu_event_handle,
        .stream_wait_event = cpu_stream_wait_event,
        .copy_to_device = cpu_copy,
        .copy_list_to_device = cpu_copy_list,
        .copy_to_host = cpu_copy,
        .copy_on_device = cpu_copy,
        .copy_rows_to_device = cpu_copy_rows,
        .fill_zero = cpu_fill_zero,
        .strided_copy = ckpt_cpu_strided_copy,
        .elementwise = ckpt_cpu_elementwise,
        .transpose = ckpt_cpu_transpose,
        .repeat_blocks = ckpt_cpu_repeat_blocks,
        .gather_rows = ckpt_cpu_gather_rows,
};
