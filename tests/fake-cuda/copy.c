/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies and fills
 *
 * A copy looks at its source when it is executed, whatever memory that is: the real runtime may have read
 * memory that is not pinned before the call returns, and promises so for no size.
 */

#include <stdlib.h>
#include <string.h>

#include <backend.h>

#include "fake.h"

typedef struct copy_operation {
        fake_operation head;
        uint8_t *dst;
        const uint8_t *src; /* NULL: fill */
        size_t dst_pitch, src_pitch, width, rows;
        int value;
} copy_operation;

static cudaError_t run(fake_operation *operation)
{
        const copy_operation *copy = (const copy_operation *)operation;

        for (size_t row = 0; row < copy->rows; row++)
                if (copy->src)
                        memcpy(copy->dst + row * copy->dst_pitch, copy->src + row * copy->src_pitch,
                               copy->width);
                else
                        memset(copy->dst + row * copy->dst_pitch, copy->value, copy->width);
        return cudaSuccess;
}

static uint64_t reach(size_t pitch, size_t width, size_t rows)
{
        return (rows - 1) * pitch + width;
}

static cudaError_t hold_device(int device, fake_operand *operand)
{
        return fake_memory_hold(FAKE_DEVICE, device, operand) ? cudaSuccess : cudaErrorInvalidValue;
}

static cudaError_t hold_host(int device, fake_operand *operand)
{
        if (fake_memory_touches_device(operand->start, operand->size))
                return cudaErrorInvalidMemcpyDirection;
        if (!fake_memory_hold(FAKE_PINNED | FAKE_REGISTERED, device, operand))
                atomic_fetch_add_explicit(&fake_count.pageable_copies, 1, memory_order_relaxed);
        return cudaSuccess;
}

static cudaError_t hold(copy_operation *copy, enum cudaMemcpyKind kind, int device)
{
        fake_operand *operands = copy->head.operands;
        const bool from_host = kind == cudaMemcpyHostToDevice, to_host = kind == cudaMemcpyDeviceToHost;
        cudaError_t error;

        operands[0].start = copy->dst;
        operands[0].size = reach(copy->dst_pitch, copy->width, copy->rows);
        error = to_host ? hold_host(device, &operands[0]) : hold_device(device, &operands[0]);
        if (error != cudaSuccess || !copy->src)
                return error;
        operands[1].start = copy->src;
        operands[1].size = reach(copy->src_pitch, copy->width, copy->rows);
        return from_host ? hold_host(device, &operands[1]) : hold_device(device, &operands[1]);
}

static cudaError_t check(const copy_operation *copy, enum cudaMemcpyKind kind)
{
        if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToHost &&
            kind != cudaMemcpyDeviceToDevice)
                return cudaErrorInvalidMemcpyDirection;
        if (copy->rows > 1 && (copy->width > copy->dst_pitch || (copy->src && copy->width > copy->src_pitch)))
                return cudaErrorInvalidPitchValue;
        return cudaSuccess;
}

/* A copy that can be pushed; nothing, without an error, where there is nothing to copy. */
static cudaError_t prepare(const copy_operation *wanted, enum cudaMemcpyKind kind, cudaStream_t stream,
                           copy_operation **ret_copy)
{
        cudaError_t error = check(wanted, kind);
        copy_operation *copy;

        *ret_copy = NULL;
        if (error != cudaSuccess || wanted->width == 0 || wanted->rows == 0)
                return error;
        copy = malloc(sizeof(*copy));
        if (!copy)
                return cudaErrorMemoryAllocation;
        *copy = *wanted;
        copy->head.operands = calloc(2, sizeof(fake_operand));
        copy->head.n_operands = copy->head.operands ? 2 : 0;
        error = copy->head.operands ? hold(copy, kind, fake_stream_device(stream))
                                    : cudaErrorMemoryAllocation;
        if (error == cudaSuccess)
                *ret_copy = copy;
        else
                fake_operation_free(&copy->head);
        return error;
}

static cudaError_t enter(const char *call, cudaStream_t stream)
{
        const cudaError_t error = fake_enter(call);

        return error == cudaSuccess ? fake_stream_check(stream) : error;
}

static cudaError_t push(const char *call, const copy_operation *wanted, enum cudaMemcpyKind kind,
                        cudaStream_t stream)
{
        cudaError_t error = enter(call, stream);
        copy_operation *copy = NULL;

        if (error == cudaSuccess)
                error = prepare(wanted, kind, stream, &copy);
        if (copy)
                fake_stream_push(stream, &copy->head);
        return fake_leave(error);
}

#define HEAD                                                             \
        {                                                                \
                .fault = "copy", .count = &fake_count.copies, .run = run \
        }

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t size, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
        const copy_operation copy = {.head = HEAD, .dst = dst, .src = src, .width = size, .rows = 1};

        return src ? push("cudaMemcpyAsync", &copy, kind, stream) : fake_leave(cudaErrorInvalidValue);
}

/* All of a list, or none of it. */
cudaError_t cudaMemcpyBatchAsync(void *const *dst, const void *const *src, const size_t *size, size_t count,
                                 struct cudaMemcpyAttributes *attributes, size_t *from, size_t n_attributes,
                                 cudaStream_t stream)
{
        cudaError_t error = enter("cudaMemcpyBatchAsync", stream);
        copy_operation *copies[CKPT_HOST_COPIES_MAX];
        size_t ready = 0;

        if (error == cudaSuccess &&
            (count == 0 || count > CKPT_HOST_COPIES_MAX || n_attributes != 1 || from[0] != 0 ||
             attributes->srcAccessOrder != cudaMemcpySrcAccessOrderStream))
                error = cudaErrorInvalidValue;
        while (error == cudaSuccess && ready < count) {
                const copy_operation copy = {
                        .head = HEAD, .dst = dst[ready], .src = src[ready], .width = size[ready], .rows = 1};

                error = copy.src && copy.width > 0
                                ? prepare(&copy, cudaMemcpyHostToDevice, stream, &copies[ready])
                                : cudaErrorInvalidValue;
                ready += error == cudaSuccess;
        }
        /* No order is promised, so it is another than the caller's. */
        for (size_t i = ready; i-- > 0;)
                if (error == cudaSuccess)
                        fake_stream_push(stream, &copies[i]->head);
                else
                        fake_operation_free(&copies[i]->head);
        return fake_leave(error);
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dst_pitch, const void *src, size_t src_pitch, size_t width,
                              size_t rows, enum cudaMemcpyKind kind, cudaStream_t stream)
{
        const copy_operation copy = {.head = HEAD,
                                     .dst = dst,
                                     .src = src,
                                     .dst_pitch = dst_pitch,
                                     .src_pitch = src_pitch,
                                     .width = width,
                                     .rows = rows};

        return src ? push("cudaMemcpy2DAsync", &copy, kind, stream) : fake_leave(cudaErrorInvalidValue);
}

cudaError_t cudaMemsetAsync(void *dst, int value, size_t size, cudaStream_t stream)
{
        const copy_operation fill = {.head = HEAD, .dst = dst, .width = size, .rows = 1, .value = value};

        return push("cudaMemsetAsync", &fill, cudaMemcpyDeviceToDevice, stream);
}
