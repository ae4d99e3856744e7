/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies by walks: one run of bytes, or rows. The unit (1 to 16 bytes) is the item's, so
 * every block of a launch takes one branch of the switch.
 */

#include "copy.cuh"

#define FLAT_STEPS 4

/* All loads of a thread before its stores: that is what keeps the memory busy. */
template <typename T>
static __device__ __forceinline__ void copy_tile(T *dst, const T *src, int64_t at, int64_t n)
{
        T kept[FLAT_STEPS];

#pragma unroll
        for (int k = 0; k < FLAT_STEPS; k++)
                if (at + k * BATCH_THREADS < n)
                        kept[k] = src != nullptr ? src[at + k * BATCH_THREADS] : T{};
#pragma unroll
        for (int k = 0; k < FLAT_STEPS; k++)
                if (at + k * BATCH_THREADS < n)
                        dst[at + k * BATCH_THREADS] = kept[k];
}

template <typename T>
static __device__ __forceinline__ void flat_run(const flat_copy &c, int64_t block, int64_t blocks)
{
        const int64_t n = (c.bytes - c.head) / (int64_t)sizeof(T);
        T *const dst = reinterpret_cast<T *>(c.dst + c.head);
        const T *const src = c.src != nullptr ? reinterpret_cast<const T *>(c.src + c.head) : nullptr;
        const int64_t tile = BATCH_THREADS * FLAT_STEPS;

        for (int64_t at = block * tile; at < n; at += blocks * tile)
                copy_tile(dst, src, at + threadIdx.x, n);
}

/* What lies before the first unit and after the last: fewer than two units, by the item's first block. */
static __device__ void flat_ends(const flat_copy &c)
{
        const int64_t tail = (c.bytes - c.head) % c.unit;
        const int64_t at = threadIdx.x < c.head ? threadIdx.x : c.bytes - tail + (threadIdx.x - c.head);

        if (threadIdx.x < c.head + tail)
                c.dst[at] = c.src != nullptr ? c.src[at] : 0;
}

static __global__ void __launch_bounds__(BATCH_THREADS)
        flat_kernel(const __grid_constant__ batch<flat_copy> b)
{
        int64_t block, blocks;
        const flat_copy &c = batch_item(b, &block, &blocks);

        if (block == 0)
                flat_ends(c);
        if (c.unit == 16)
                flat_run<uint4>(c, block, blocks);
        else if (c.unit == 8)
                flat_run<uint2>(c, block, blocks);
        else if (c.unit == 4)
                flat_run<uint32_t>(c, block, blocks);
        else if (c.unit == 2)
                flat_run<uint16_t>(c, block, blocks);
        else
                flat_run<uint8_t>(c, block, blocks);
}

template <typename T, int R>
static __device__ __forceinline__ void rows_run(const rows<R> &r, int64_t block, int64_t blocks)
{
        const int inner = r.rank - 1;
        const int64_t n = r.shape[inner], inside = r.inside[inner];
        const int64_t dst_step = r.dst_step[inner], src_step = r.src_step[inner];

        for (int64_t tile = block; tile < r.tiles; tile += blocks) {
                const place p = rows_place(r, tile);
                const int64_t end = p.inside ? inside : 0;
                T kept[ROW_STEPS];

                if (!p.valid)
                        continue;
#pragma unroll
                for (int k = 0; k < ROW_STEPS; k++) {
                        const int64_t column = p.column + k * r.lanes;

                        kept[k] = T{};
                        if (column < end)
                                kept[k] = *reinterpret_cast<const T *>(p.src + column * src_step);
                }
#pragma unroll
                for (int k = 0; k < ROW_STEPS; k++) {
                        const int64_t column = p.column + k * r.lanes;

                        if (column < n)
                                *reinterpret_cast<T *>(p.dst + column * dst_step) = kept[k];
                }
        }
}

template <int R>
static __global__ void __launch_bounds__(BATCH_THREADS)
        rows_kernel(const __grid_constant__ batch<rows_copy<R>> b)
{
        int64_t block, blocks;
        const rows_copy<R> &c = batch_item(b, &block, &blocks);

        if (c.unit == 16)
                rows_run<uint4>(c.walk, block, blocks);
        else if (c.unit == 8)
                rows_run<uint2>(c.walk, block, blocks);
        else if (c.unit == 4)
                rows_run<uint32_t>(c.walk, block, blocks);
        else if (c.unit == 2)
                rows_run<uint16_t>(c.walk, block, blocks);
        else
                rows_run<uint8_t>(c.walk, block, blocks);
}

void ckpt_cuda_copy_init(copy_batches *batches)
{
        batches->flat.n = 0;
        batches->small.n = 0;
        batches->large.n = 0;
}

/*
 * The walk's unit is what the ends of the run allow. In one run they do not matter: the
 * unit is what the distance between the pointers allows, after a head that aligns both.
 */
static int32_t add_flat(cudaStream_t stream, copy_batches *batches, const ckpt_walk *walk)
{
        const uint64_t dst = (uint64_t)(uintptr_t)walk->dst, src = (uint64_t)(uintptr_t)walk->src;
        flat_copy c = {walk->dst, walk->src, walk->shape[0] * (int64_t)walk->unit, 0, 16};
        int64_t head;

        if (walk->src != nullptr)
                c.unit = (int32_t)ckpt_unit_of(dst - src);
        head = (int64_t)((0 - dst) % (uint64_t)c.unit);
        c.head = (int32_t)(head < c.bytes ? head : c.bytes);
        return batch_add(stream, &batches->flat, flat_kernel, &c,
                         divide_up(c.bytes, (int64_t)c.unit * BATCH_THREADS * FLAT_STEPS));
}

template <int R> static int32_t add_rows(cudaStream_t stream, batch<rows_copy<R>> *b, const ckpt_walk *walk)
{
        rows_copy<R> c;

        rows_set(&c.walk, walk);
        c.unit = walk->unit;
        return batch_add(stream, b, rows_kernel<R>, &c, c.walk.tiles);
}

int32_t ckpt_cuda_copy_add(cudaStream_t stream, copy_batches *batches, const ckpt_walk *walk)
{
        const int64_t unit = walk->unit;

        if (walk->rank == 1 && walk->dst_step[0] == unit && walk->inside[0] == walk->shape[0] &&
            (walk->src == nullptr || walk->src_step[0] == unit))
                return add_flat(stream, batches, walk);
        if (walk->rank <= 2)
                return add_rows(stream, &batches->small, walk);
        return add_rows(stream, &batches->large, walk);
}

int32_t ckpt_cuda_copy_flush(cudaStream_t stream, copy_batches *batches)
{
        int32_t r = batch_flush(stream, &batches->flat, flat_kernel);

        if (r == 0)
                r = batch_flush(stream, &batches->small, rows_kernel<2>);
        if (r == 0)
                r = batch_flush(stream, &batches->large, rows_kernel<CKPT_WALK_RANK>);
        return r;
}

/* A list of descriptors that all become copies. */
template <typename Descriptor>
static int32_t launch_copies(cudaStream_t stream, const Descriptor *descriptors, uint32_t count,
                             int (*walk_of)(const Descriptor *, ckpt_walk *))
{
        copy_batches batches;
        int32_t r = 0;

        ckpt_cuda_copy_init(&batches);
        for (uint32_t i = 0; i < count && r == 0; i++) {
                ckpt_walk walk;
                const int kind = walk_of(&descriptors[i], &walk);

                if (kind < 0)
                        r = -(int32_t)cudaErrorInvalidValue;
                else if (kind > 0)
                        r = ckpt_cuda_copy_add(stream, &batches, &walk);
        }
        return r == 0 ? ckpt_cuda_copy_flush(stream, &batches) : r;
}

int32_t ckpt_cuda_launch_strided_copy(cudaStream_t stream, const ckpt_strided_copy *descriptors,
                                      uint32_t count)
{
        return launch_copies(stream, descriptors, count, ckpt_walk_strided_copy);
}

int32_t ckpt_cuda_launch_repeat_blocks(cudaStream_t stream, const ckpt_repeat_blocks *descriptors,
                                       uint32_t count)
{
        return launch_copies(stream, descriptors, count, ckpt_walk_repeat_blocks);
}
