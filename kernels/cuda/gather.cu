/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Row gather: a row copy whose source row is looked up.
 */

#include "batch.cuh"

struct gather {
        uint8_t *dst;
        const uint8_t *src;
        const int64_t *index;
        int64_t n_rows, n; /* n: units of a row */
        int64_t dst_pitch, src_pitch, tiles;
        int32_t lanes, unit;
};

template <typename T>
static __device__ __forceinline__ void gather_run(const gather &g, int64_t block, int64_t blocks)
{
        for (int64_t tile = block; tile < g.tiles; tile += blocks) {
                const place p = place_in_tile(tile, g.n, g.n_rows, g.lanes);
                T kept[ROW_STEPS];

                if (!p.valid)
                        continue;

                const T *const src = reinterpret_cast<const T *>(g.src + g.index[p.row] * g.src_pitch);
                T *const dst = reinterpret_cast<T *>(g.dst + p.row * g.dst_pitch);

#pragma unroll
                for (int k = 0; k < ROW_STEPS; k++)
                        if (p.column + k * g.lanes < g.n)
                                kept[k] = src[p.column + k * g.lanes];
#pragma unroll
                for (int k = 0; k < ROW_STEPS; k++)
                        if (p.column + k * g.lanes < g.n)
                                dst[p.column + k * g.lanes] = kept[k];
        }
}

static __global__ void __launch_bounds__(BATCH_THREADS) gather_kernel(const __grid_constant__ batch<gather> b)
{
        int64_t block, blocks;
        const gather &g = batch_item(b, &block, &blocks);

        if (g.unit == 16)
                gather_run<uint4>(g, block, blocks);
        else if (g.unit == 8)
                gather_run<uint2>(g, block, blocks);
        else if (g.unit == 4)
                gather_run<uint32_t>(g, block, blocks);
        else if (g.unit == 2)
                gather_run<uint16_t>(g, block, blocks);
        else
                gather_run<uint8_t>(g, block, blocks);
}

static gather gather_of(const ckpt_gather_rows *d)
{
        const uint64_t all = (uint64_t)(uintptr_t)d->dst | (uint64_t)(uintptr_t)d->src |
                             (uint64_t)d->row_bytes | (uint64_t)d->dst_pitch | (uint64_t)d->src_pitch;
        gather g = {};

        g.dst = static_cast<uint8_t *>(d->dst);
        g.src = static_cast<const uint8_t *>(d->src);
        g.index = d->index;
        g.n_rows = d->n_rows;
        g.unit = (int32_t)ckpt_unit_of(all);
        g.n = d->row_bytes / g.unit;
        g.dst_pitch = d->dst_pitch;
        g.src_pitch = d->src_pitch;
        g.lanes = row_lanes(g.n);
        g.tiles = divide_up(g.n_rows, BATCH_THREADS / g.lanes) * divide_up(g.n, (int64_t)g.lanes * ROW_STEPS);
        return g;
}

int32_t ckpt_cuda_launch_gather_rows(cudaStream_t stream, const ckpt_gather_rows *descriptors, uint32_t count)
{
        batch<gather> b;
        int32_t r = 0;

        b.n = 0;
        for (uint32_t i = 0; i < count && r == 0; i++) {
                const int kind = ckpt_gather_rows_check(&descriptors[i]);

                if (kind < 0) {
                        r = -(int32_t)cudaErrorInvalidValue;
                } else if (kind > 0) {
                        const gather g = gather_of(&descriptors[i]);

                        r = batch_add(stream, &b, gather_kernel, &g, g.tiles);
                }
        }
        return r == 0 ? batch_flush(stream, &b, gather_kernel) : r;
}
