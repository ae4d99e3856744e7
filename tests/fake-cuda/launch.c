/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Launches: the CPU's kernels, executed when the stream comes to them
 *
 * Descriptors of one call run at once on a device, so here they run last one first: a list whose parts build
 * on each other comes out wrong.
 */

#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "cuda/launch.h"
#include "fake.h"

/* Most operands of one descriptor. */
#define OPERANDS 3

typedef struct launch_operation {
        fake_operation head;
        void *descriptors;
        uint32_t count;
} launch_operation;

/** What a descriptor reads and writes, all of it device memory: how many operands, 0 for none, -1 invalid. */
typedef int (*operand_lister)(const void *descriptor, fake_operand *ret_operands);

static void launch_deinit(fake_operation *operation)
{
        free(((launch_operation *)operation)->descriptors);
}

/* From the lowest byte that is touched to the highest. */
static fake_operand box(const void *start, uint32_t rank, const int64_t *shape, const int64_t *stride,
                        int64_t size)
{
        int64_t low = 0, high = size;

        for (uint32_t i = 0; i < rank; i++) {
                const int64_t reach = (shape[i] - 1) * stride[i] * size;

                low += reach < 0 ? reach : 0;
                high += reach > 0 ? reach : 0;
        }
        return (fake_operand){.start = (const uint8_t *)start + low, .size = (uint64_t)(high - low)};
}

static int strided_copy_operands(const void *descriptor, fake_operand *ret)
{
        const ckpt_strided_copy *d = descriptor;
        ckpt_walk walk;
        const int kind = ckpt_walk_strided_copy(d, &walk);

        if (kind <= 0)
                return kind;
        ret[0] = box(d->dst, d->rank, d->dst_shape, d->dst_stride, d->elem_size);
        if (!walk.src)
                return 1;
        ret[1] = box(d->src, d->rank, d->src_shape, d->src_stride, d->elem_size);
        return 2;
}

static int elementwise_operands(const void *descriptor, fake_operand *ret)
{
        const ckpt_elementwise *d = descriptor;
        ckpt_walk walk;
        ckpt_chain chain;
        const int kind = ckpt_walk_elementwise(d, &walk, &chain);

        if (kind <= 0)
                return kind;
        ret[0] = box(d->dst, d->rank, d->shape, d->dst_stride, ckpt_dtype_bits(d->dst_dtype) / 8);
        ret[1] = box(d->src, d->rank, d->shape, d->src_stride, ckpt_dtype_bits(d->src_dtype) / 8);
        return 2;
}

static int transpose_operands(const void *descriptor, fake_operand *ret)
{
        const ckpt_transpose *d = descriptor;
        const int kind = ckpt_transpose_check(d);

        if (kind <= 0)
                return kind;
        ret[0] = box(d->dst, 3, (const int64_t[]){d->batch, d->cols, d->rows},
                     (const int64_t[]){d->dst_batch_stride, d->dst_row_stride, 1}, d->elem_size);
        ret[1] = box(d->src, 3, (const int64_t[]){d->batch, d->rows, d->cols},
                     (const int64_t[]){d->src_batch_stride, d->src_row_stride, 1}, d->elem_size);
        return 2;
}

static int repeat_blocks_operands(const void *descriptor, fake_operand *ret)
{
        const ckpt_repeat_blocks *d = descriptor;
        ckpt_walk walk;
        const int kind = ckpt_walk_repeat_blocks(d, &walk);
        const int64_t rows = d->blocks * d->block_rows;

        if (kind <= 0)
                return kind;
        ret[0] = box(d->dst, 2, (const int64_t[]){rows * d->reps, d->row_bytes},
                     (const int64_t[]){d->dst_pitch, 1}, 1);
        ret[1] = box(d->src, 2, (const int64_t[]){rows, d->row_bytes}, (const int64_t[]){d->src_pitch, 1}, 1);
        return 2;
}

/* Of the source only that it is there: which rows are read is known when the index is. */
static int gather_rows_operands(const void *descriptor, fake_operand *ret)
{
        const ckpt_gather_rows *d = descriptor;
        const int kind = ckpt_gather_rows_check(d);

        if (kind <= 0)
                return kind;
        ret[0] = box(d->dst, 2, (const int64_t[]){d->n_rows, d->row_bytes},
                     (const int64_t[]){d->dst_pitch, 1}, 1);
        ret[1] = (fake_operand){.start = d->src, .size = 1};
        ret[2] = (fake_operand){.start = d->index, .size = (uint64_t)d->n_rows * sizeof(*d->index)};
        return 3;
}

/* ---- queueing ---- */

static cudaError_t hold(launch_operation *launch, int device, int count, const fake_operand *operands)
{
        for (int i = 0; i < count; i++) {
                fake_operand *operand = &launch->head.operands[launch->head.n_operands++];

                *operand = operands[i];
                if (!fake_memory_hold(FAKE_DEVICE, device, operand)) {
                        fake_misuse("a kernel was launched on what is no memory of its device");
                        fake_break(cudaErrorIllegalAddress);
                        return cudaErrorIllegalAddress;
                }
        }
        return cudaSuccess;
}

static cudaError_t hold_all(launch_operation *launch, int device, size_t size, operand_lister list)
{
        const uint8_t *descriptor = launch->descriptors;
        cudaError_t error = cudaSuccess;

        for (uint32_t i = 0; i < launch->count && error == cudaSuccess; i++, descriptor += size) {
                fake_operand operands[OPERANDS] = {0};
                const int count = list(descriptor, operands);

                error = count < 0 ? cudaErrorInvalidValue : hold(launch, device, count, operands);
        }
        return error;
}

static launch_operation *launch_new(const void *descriptors, uint32_t count, size_t size,
                                    cudaError_t (*run)(fake_operation *))
{
        launch_operation *launch = calloc(1, sizeof(*launch));

        if (!launch)
                return NULL;
        launch->head = (fake_operation){
                .fault = "kernel", .count = &fake_count.kernels, .run = run, .deinit = launch_deinit};
        launch->count = count;
        launch->descriptors = malloc(count * size);
        launch->head.operands = calloc((size_t)count * OPERANDS, sizeof(fake_operand));
        if (!launch->descriptors || !launch->head.operands) {
                fake_operation_free(&launch->head);
                return NULL;
        }
        memcpy(launch->descriptors, descriptors, count * size);
        return launch;
}

static int32_t push(cudaStream_t stream, const void *descriptors, uint32_t count, size_t size,
                    operand_lister list, cudaError_t (*run)(fake_operation *))
{
        cudaError_t error = fake_enter("launch");
        launch_operation *launch;

        if (error == cudaSuccess)
                error = fake_stream_check(stream);
        if (error != cudaSuccess || count == 0)
                return -(int32_t)error;
        launch = launch_new(descriptors, count, size, run);
        if (!launch)
                return -(int32_t)cudaErrorMemoryAllocation;
        error = hold_all(launch, fake_stream_device(stream), size, list);
        if (error == cudaSuccess)
                fake_stream_push(stream, &launch->head);
        else
                fake_operation_free(&launch->head);
        return -(int32_t)error;
}

/* ---- the five kernels ---- */

/* The rows that the index names, now that it can be read. */
static bool rows_are_there(const launch_operation *launch, const ckpt_gather_rows *d)
{
        for (uint32_t k = 0; k < launch->head.n_operands; k++) {
                const fake_operand *source = &launch->head.operands[k];
                bool there = source->start == d->src;

                for (int64_t i = 0; i < d->n_rows && there; i++)
                        there = fake_memory_covers(source->allocation,
                                                   (const uint8_t *)d->src + d->index[i] * d->src_pitch,
                                                   (uint64_t)d->row_bytes);
                if (there)
                        return true;
        }
        return d->n_rows == 0;
}

static cudaError_t check_none(const launch_operation *launch, const void *descriptor)
{
        (void)launch;
        (void)descriptor;
        return cudaSuccess;
}

static cudaError_t check_gather(const launch_operation *launch, const void *descriptor)
{
        if (rows_are_there(launch, descriptor))
                return cudaSuccess;
        fake_misuse("rows were gathered from outside of their memory");
        return cudaErrorIllegalAddress;
}

#define KERNEL(name, check)                                                                                  \
        static cudaError_t run_##name(fake_operation *operation)                                             \
        {                                                                                                    \
                const launch_operation *launch = (const launch_operation *)operation;                        \
                const ckpt_##name *descriptors = launch->descriptors;                                        \
                cudaError_t error = cudaSuccess;                                                             \
                                                                                                             \
                for (uint32_t i = launch->count; i-- > 0 && error == cudaSuccess;) {                         \
                        error = check(launch, &descriptors[i]);                                              \
                        if (error == cudaSuccess && ckpt_cpu_##name(NULL, &descriptors[i], 1) < 0)           \
                                error = cudaErrorLaunchFailure;                                              \
                }                                                                                            \
                return error;                                                                                \
        }                                                                                                    \
                                                                                                             \
        int32_t ckpt_cuda_launch_##name(cudaStream_t stream, const ckpt_##name *descriptors, uint32_t count) \
        {                                                                                                    \
                return push(stream, descriptors, count, sizeof(*descriptors), name##_operands, run_##name);  \
        }

KERNEL(strided_copy, check_none)
KERNEL(elementwise, check_none)
KERNEL(transpose, check_none)
KERNEL(repeat_blocks, check_none)
KERNEL(gather_rows, check_gather)
