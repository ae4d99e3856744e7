/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_BATCH_CUH
#define CKPT_KERNELS_CUDA_BATCH_CUH

/*
 * Many descriptors in one launch
 *
 * A batch is a kernel's one parameter: up to 4 KiB of items, passed by value, so that no
 * device memory holds them and the caller's list may go at once. Each item owns a run of
 * the launch's blocks, as many as it has tiles up to a limit; a block finds its item by
 * its number, then strides over the item's tiles.
 */

#include "launch.h"

/** Threads of a block, of every kernel here. */
#define BATCH_THREADS 256
#define BATCH_BYTES   4096
/** Most blocks of one item; enough to fill any device many times over. */
#define BATCH_BLOCKS  16384

template <typename Item> struct batch {
        static constexpr uint32_t CAPACITY = (BATCH_BYTES - 16) / (sizeof(Item) + sizeof(uint32_t));

        uint32_t n;
        uint32_t first[CAPACITY + 1]; /* first[i]: item i's first block; first[n]: all blocks */
        Item items[CAPACITY];
};

/** The item of this block, which is number *ret_block of the item's *ret_blocks. */
template <typename Item>
static __device__ const Item &batch_item(const batch<Item> &b, int64_t *ret_block, int64_t *ret_blocks)
{
        uint32_t low = 0, high = b.n;

        while (high - low > 1) {
                const uint32_t middle = (low + high) / 2;

                if (b.first[middle] <= blockIdx.x)
                        low = middle;
                else
                        high = middle;
        }
        *ret_block = blockIdx.x - b.first[low];
        *ret_blocks = b.first[low + 1] - b.first[low];
        return b.items[low];
}

/** Launches what the batch holds and empties it. */
template <typename Item>
static int32_t batch_flush(cudaStream_t stream, batch<Item> *b, void (*kernel)(const batch<Item>))
{
        static_assert(sizeof(batch<Item>) <= BATCH_BYTES, "a batch is one kernel parameter");
        void *arguments[] = {b};
        cudaError_t r = cudaSuccess;

        if (b->n > 0)
                r = cudaLaunchKernel((const void *)kernel, dim3(b->first[b->n]), dim3(BATCH_THREADS),
                                     arguments, 0, stream);
        b->n = 0;
        if (r != cudaSuccess)
                (void)cudaGetLastError();
        return -(int32_t)r;
}

/** Adds an item that has this many tiles; launches first if the batch is full. */
template <typename Item>
static int32_t batch_add(cudaStream_t stream, batch<Item> *b, void (*kernel)(const batch<Item>),
                         const Item *item, int64_t tiles)
{
        const int32_t r = b->n == batch<Item>::CAPACITY ? batch_flush(stream, b, kernel) : 0;

        if (b->n == 0)
                b->first[0] = 0;
        b->items[b->n] = *item;
        b->first[b->n + 1] = b->first[b->n] + (uint32_t)(tiles < BATCH_BLOCKS ? tiles : BATCH_BLOCKS);
        b->n++;
        return r;
}

static inline int64_t divide_up(int64_t value, int64_t by)
{
        return value / by + (value % by != 0);
}

/** Threads that share a row of n elements, each taking up to ROW_STEPS of them: a power of two. */
#define ROW_STEPS 4

static inline int32_t row_lanes(int64_t n)
{
        const int64_t wanted = n <= 32 ? n : (divide_up(n, ROW_STEPS) > 32 ? divide_up(n, ROW_STEPS) : 32);
        int32_t lanes = 1;

        while (lanes < wanted && lanes < BATCH_THREADS)
                lanes *= 2;
        return lanes;
}

/*
 * A walk as kernels take it: rows of the innermost axis, tiled over a block's threads.
 * Room for R axes, so that the common walks of one or two travel in small items.
 */
template <int R> struct rows {
        uint8_t *dst;
        const uint8_t *src;
        int64_t n_rows, tiles;
        int32_t lanes, rank;
        int64_t shape[R], inside[R], dst_step[R], src_step[R];
};

template <int R> static void rows_set(rows<R> *ret, const ckpt_walk *walk)
{
        const uint32_t inner = walk->rank - 1;

        ret->dst = walk->dst;
        ret->src = walk->src;
        ret->rank = (int32_t)walk->rank;
        ret->n_rows = 1;
        for (uint32_t i = 0; i < walk->rank; i++) {
                ret->shape[i] = walk->shape[i];
                ret->inside[i] = walk->inside[i];
                ret->dst_step[i] = walk->dst_step[i];
                ret->src_step[i] = walk->src_step[i];
                ret->n_rows *= i < inner ? walk->shape[i] : 1;
        }
        ret->lanes = row_lanes(walk->shape[inner]);
        ret->tiles = divide_up(ret->n_rows, BATCH_THREADS / ret->lanes) *
                     divide_up(walk->shape[inner], (int64_t)ret->lanes * ROW_STEPS);
}

/* Quotient, with *ret_rest; in 32 bits where they suffice, which is many times faster. */
static __device__ __forceinline__ int64_t divide(int64_t value, int64_t by, int64_t *ret_rest)
{
        if (((uint64_t)value | (uint64_t)by) >> 32 == 0) {
                const uint32_t quotient = (uint32_t)value / (uint32_t)by;

                *ret_rest = (uint32_t)value - quotient * (uint32_t)by;
                return quotient;
        }
        *ret_rest = value % by;
        return value / by;
}

/** Where one thread works in one tile. */
struct place {
        uint8_t *dst;
        const uint8_t *src;
        int64_t column; /* first of the thread's; the next ones are `lanes` apart */
        int64_t row;
        bool inside; /* the source has this row */
        bool valid;  /* the row exists */
};

/* Row and first column alone. */
static __device__ __forceinline__ place place_in_tile(int64_t tile, int64_t n, int64_t n_rows, int32_t lanes)
{
        const int64_t width = (int64_t)lanes * ROW_STEPS;
        const int64_t column_tiles = (n + width - 1) / width;
        place p = {};
        int64_t column_tile;

        p.row = divide(tile, column_tiles, &column_tile) * (BATCH_THREADS / lanes) + threadIdx.x / lanes;
        p.column = column_tile * width + threadIdx.x % lanes;
        p.valid = p.row < n_rows;
        return p;
}

template <int R> static __device__ __forceinline__ place rows_place(const rows<R> &r, int64_t tile)
{
        place p = place_in_tile(tile, r.shape[r.rank - 1], r.n_rows, r.lanes);
        int64_t rest = p.row;

        p.dst = r.dst;
        p.src = r.src;
        p.inside = r.src != nullptr;
        for (int i = r.rank - 2; i >= 0; i--) {
                int64_t index;

                rest = divide(rest, r.shape[i], &index);
                p.inside = p.inside && index < r.inside[i];
                p.dst += index * r.dst_step[i];
                p.src += index * r.src_step[i];
        }
        return p;
}

#endif
