/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Batched transpose through shared memory: a tile is read along the source's rows and
 * written along the destination's. Its rows in shared memory are a little longer than the
 * tile, so that the threads that read a column meet different banks.
 */

#include "copy.cuh"

#define LANES 32
#define LINES (BATCH_THREADS / LANES)

struct transposition {
        uint8_t *dst;
        const uint8_t *src;
        int64_t rows, cols;
        int64_t src_batch, src_row, dst_batch, dst_row; /* in elements */
        int64_t row_tiles, col_tiles, tiles;
};

/* Small elements take a larger tile: a row of it should fill whole cache lines. */
template <typename T> struct tile {
        static constexpr int SIDE = sizeof(T) <= 2 ? 64 : 32;
};

template <typename T>
static __global__ void __launch_bounds__(BATCH_THREADS)
        transpose_kernel(const __grid_constant__ batch<transposition> b)
{
        constexpr int SIDE = tile<T>::SIDE;
        constexpr int PAD = sizeof(T) < 4 ? 4 / (int)sizeof(T) : 1;
        __shared__ T held[SIDE][SIDE + PAD];
        int64_t block, blocks;
        const transposition &t = batch_item(b, &block, &blocks);
        const int lane = threadIdx.x % LANES, line = threadIdx.x / LANES;

        for (int64_t at = block; at < t.tiles; at += blocks) {
                int64_t col_tile, row_tile;
                const int64_t rest = divide(at, t.col_tiles, &col_tile);
                const int64_t n = divide(rest, t.row_tiles, &row_tile);
                const int64_t row = row_tile * SIDE, col = col_tile * SIDE;
                const T *const src = reinterpret_cast<const T *>(t.src) + n * t.src_batch;
                T *const dst = reinterpret_cast<T *>(t.dst) + n * t.dst_batch;

#pragma unroll
                for (int r = line; r < SIDE; r += LINES)
#pragma unroll
                        for (int c = lane; c < SIDE; c += LANES)
                                if (row + r < t.rows && col + c < t.cols)
                                        held[r][c] = src[(row + r) * t.src_row + col + c];
                __syncthreads();
#pragma unroll
                for (int c = line; c < SIDE; c += LINES)
#pragma unroll
                        for (int r = lane; r < SIDE; r += LANES)
                                if (row + r < t.rows && col + c < t.cols)
                                        dst[(col + c) * t.dst_row + row + r] = held[r][c];
                __syncthreads();
        }
}

static transposition transposition_of(const ckpt_transpose *d, int side)
{
        transposition t = {};

        t.dst = static_cast<uint8_t *>(d->dst);
        t.src = static_cast<const uint8_t *>(d->src);
        t.rows = d->rows;
        t.cols = d->cols;
        t.src_batch = d->src_batch_stride;
        t.src_row = d->src_row_stride;
        t.dst_batch = d->dst_batch_stride;
        t.dst_row = d->dst_row_stride;
        t.row_tiles = divide_up(d->rows, side);
        t.col_tiles = divide_up(d->cols, side);
        t.tiles = d->batch * t.row_tiles * t.col_tiles;
        return t;
}

static bool is_aligned(const ckpt_transpose *d)
{
        return (((uintptr_t)d->dst | (uintptr_t)d->src) & (d->elem_size - 1)) == 0;
}

/* The descriptors whose elements are T's size, at addresses that T can be read from. */
template <typename T>
static int32_t launch_size(cudaStream_t stream, const ckpt_transpose *descriptors, uint32_t count)
{
        batch<transposition> b;
        int32_t r = 0;

        b.n = 0;
        for (uint32_t i = 0; i < count && r == 0; i++) {
                const ckpt_transpose *const d = &descriptors[i];

                if (d->elem_size == sizeof(T) && is_aligned(d) && ckpt_transpose_check(d) > 0) {
                        const transposition t = transposition_of(d, tile<T>::SIDE);

                        r = batch_add(stream, &b, transpose_kernel<T>, &t, t.tiles);
                }
        }
        return r == 0 ? batch_flush(stream, &b, transpose_kernel<T>) : r;
}

/* Checks all of them, and moves those at odd addresses as strided copies. */
static int32_t launch_unaligned(cudaStream_t stream, const ckpt_transpose *descriptors, uint32_t count)
{
        copy_batches batches;
        int32_t r = 0;

        ckpt_cuda_copy_init(&batches);
        for (uint32_t i = 0; i < count && r == 0; i++) {
                const int kind = ckpt_transpose_check(&descriptors[i]);
                ckpt_walk walk;

                if (kind < 0 || (kind > 0 && !is_aligned(&descriptors[i]) &&
                                 ckpt_walk_transpose(&descriptors[i], &walk) <= 0))
                        r = -(int32_t)cudaErrorInvalidValue;
                else if (kind > 0 && !is_aligned(&descriptors[i]))
                        r = ckpt_cuda_copy_add(stream, &batches, &walk);
        }
        return r == 0 ? ckpt_cuda_copy_flush(stream, &batches) : r;
}

int32_t ckpt_cuda_launch_transpose(cudaStream_t stream, const ckpt_transpose *descriptors, uint32_t count)
{
        int32_t r = launch_unaligned(stream, descriptors, count);

        if (r == 0)
                r = launch_size<uint8_t>(stream, descriptors, count);
        if (r == 0)
                r = launch_size<uint16_t>(stream, descriptors, count);
        if (r == 0)
                r = launch_size<uint32_t>(stream, descriptors, count);
        if (r == 0)
                r = launch_size<uint2>(stream, descriptors, count);
        if (r == 0)
                r = launch_size<uint4>(stream, descriptors, count);
        return r;
}
