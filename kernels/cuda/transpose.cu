/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Batched transpose through shared memory, in tiles (tile.cuh). Which words a tensor moves
 * in is decided here; one at odd addresses is moved as a strided copy.
 */

#include "copy.cuh"
#include "tile.cuh"

/** Of a multiprocessor; more of them wait for memory at the same time, with fewer registers each. */
#define BLOCKS_AT_ONCE 6

/* A warp that has written its part reads on while others write; the first barrier waits for those. */
template <typename Word, int K>
static __global__ void __launch_bounds__(BATCH_THREADS, BLOCKS_AT_ONCE)
        transpose_kernel(const __grid_constant__ batch<transposition> b)
{
        static_assert(LINES % K == 0, "rows of one word are read by neighbouring lines");
        __shared__ tile<Word, K> shared;
        int64_t block, blocks;
        const transposition &t = batch_item(b, &block, &blocks);
        const int lane = threadIdx.x % LANES, line = threadIdx.x / LANES;

        for (int64_t at = block; at < t.tiles; at += blocks) {
                const corner<Word> c = corner_of<Word, K>(t, at);
                share<Word, K> own;

                read_share(c, t.src_row, line, lane, &own);
                __syncthreads();
                hold_share(own, line, lane, &shared);
                __syncthreads();
                write_share(c, t.dst_row, line, lane, shared);
        }
}

static transposition transposition_of(const ckpt_transpose *d, int k, int side)
{
        transposition t = {};

        t.dst = static_cast<uint8_t *>(d->dst);
        t.src = static_cast<const uint8_t *>(d->src);
        t.rows = d->rows / k;
        t.cols = d->cols / k;
        t.src_batch = d->src_batch_stride / k;
        t.src_row = d->src_row_stride / k;
        t.dst_batch = d->dst_batch_stride / k;
        t.dst_row = d->dst_row_stride / k;
        t.row_tiles = divide_up(t.rows, side);
        t.col_tiles = divide_up(t.cols, side);
        t.tiles = d->batch * t.row_tiles * t.col_tiles;
        return t;
}

static bool is_aligned(const ckpt_transpose *d)
{
        return (((uintptr_t)d->dst | (uintptr_t)d->src) & (d->elem_size - 1)) == 0;
}

/* Elements to a word: as many as fit in four bytes if all of it begins and ends between words, else one. */
static int elements_of_word(const ckpt_transpose *d)
{
        const int k = d->elem_size < 4 ? 4 / (int)d->elem_size : 1;
        const int64_t counts = d->rows | d->cols | d->src_batch_stride | d->src_row_stride |
                               d->dst_batch_stride | d->dst_row_stride;

        return (((uintptr_t)d->dst | (uintptr_t)d->src) % (k * d->elem_size) == 0 && counts % k == 0) ? k : 1;
}

/* The descriptors that move in such words, at addresses that these can be read from. */
template <typename Word, int K>
static int32_t launch_words(cudaStream_t stream, const ckpt_transpose *descriptors, uint32_t count)
{
        batch<transposition> b;
        int32_t r = 0;

        b.n = 0;
        for (uint32_t i = 0; i < count && r == 0; i++) {
                const ckpt_transpose *const d = &descriptors[i];

                if (d->elem_size * K == sizeof(Word) && is_aligned(d) && elements_of_word(d) == K &&
                    ckpt_transpose_check(d) > 0) {
                        const transposition t = transposition_of(d, K, tile<Word, K>::WORDS);

                        r = batch_add(stream, &b, transpose_kernel<Word, K>, &t, t.tiles);
                }
        }
        return r == 0 ? batch_flush(stream, &b, transpose_kernel<Word, K>) : r;
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
                r = launch_words<uint8_t, 1>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint32_t, 4>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint16_t, 1>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint32_t, 2>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint32_t, 1>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint2, 1>(stream, descriptors, count);
        if (r == 0)
                r = launch_words<uint4, 1>(stream, descriptors, count);
        return r;
}
