/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_FLAT_CUH
#define CKPT_KERNELS_CUDA_FLAT_CUH

/*
 * Chains over contiguous tensors, in groups of up to 16 bytes
 *
 * From 16 or 32 bits an element: decoded, computed, encoded. From 8 bits there are but 256
 * codes: each block runs the chain over all of them first, one a thread, and then only
 * looks up. That costs the same few instructions an element for every format and chain.
 */

#include "batch.cuh"
#include "chain.cuh"
#include "groups.cuh"

/*
 * How many groups, by their length in elements, a thread loads before it uses the first: that
 * keeps the memory busy. Of floats the registers hold no more than sixteen.
 */
#define CODES_GROUPS        4
#define FLAT_GROUPS(length) ((length) == 8 ? 2 : 4)
/** Of a multiprocessor: registers are shared out among so many. */
#define FLAT_BLOCKS_AT_ONCE 4

/** Contiguous: `head` elements one by one, then groups of `group`, then what is left. */
struct flat_chain {
        uint8_t *dst;
        const uint8_t *src;
        int64_t n;
        int32_t head, group;
        int32_t dst_size, src_size;
        ckpt_chain chain;
};

/* Every BATCH_THREADS-th group from `at`; `bytes` of one. */
template <int U>
static __device__ __forceinline__ void load_groups(const uint8_t *src, int bytes, int64_t at, int64_t n,
                                                   uint4 (&w)[U])
{
#pragma unroll
        for (int u = 0; u < U; u++) {
                w[u] = uint4{0, 0, 0, 0};
                if (at + u * BATCH_THREADS < n)
                        w[u] = load_group(src + (at + u * BATCH_THREADS) * bytes, bytes);
        }
}

template <int U>
static __device__ __forceinline__ void store_groups(uint8_t *dst, int bytes, int64_t at, int64_t n,
                                                    const uint4 (&w)[U])
{
#pragma unroll
        for (int u = 0; u < U; u++)
                if (at + u * BATCH_THREADS < n)
                        store_group(dst + (at + u * BATCH_THREADS) * bytes, w[u], bytes);
}

/* Groups of V elements, through floats. */
template <int V>
static __device__ __forceinline__ void flat_run(const flat_chain &c, int64_t block, int64_t blocks)
{
        constexpr int U = FLAT_GROUPS(V);
        const int64_t n = (c.n - c.head) / V, tile = (int64_t)BATCH_THREADS * U;
        const uint8_t *const src = c.src + (int64_t)c.head * c.src_size;
        uint8_t *const dst = c.dst + (int64_t)c.head * c.dst_size;

        for (int64_t at = block * tile + threadIdx.x; at < n; at += blocks * tile) {
                uint4 w[U];
                float v[U][V];

                load_groups(src, V * c.src_size, at, n, w);
                decode_groups(c.chain.src_dtype, w, v);
                for (uint32_t k = 0; k < c.chain.n_ops; k++)
                        operate_groups(c.chain.ops[k], k + 1 == c.chain.n_ops, v);
                encode_groups(c.chain.dst_dtype, v, w);
                store_groups(dst, V * c.dst_size, at, n, w);
        }
}

/* Groups of V codes, each replaced by what the table has for it. */
template <typename T, int V>
static __device__ __forceinline__ void codes_run(const flat_chain &c, const T *table, int64_t block,
                                                 int64_t blocks)
{
        constexpr int U = CODES_GROUPS;
        const int64_t n = (c.n - c.head) / V, tile = (int64_t)BATCH_THREADS * U;
        const uint8_t *const src = c.src + c.head;
        uint8_t *const dst = c.dst + (int64_t)c.head * (int)sizeof(T);

        for (int64_t at = block * tile + threadIdx.x; at < n; at += blocks * tile) {
                uint4 w[U];

                load_groups(src, V, at, n, w);
#pragma unroll
                for (int u = 0; u < U; u++)
                        w[u] = look_up_group<T, V>(table, w[u]);
                store_groups(dst, V * (int)sizeof(T), at, n, w);
        }
}

/* By the length of a group: the longest is 16 bytes of what is written, and each next half of it. */
template <typename T, int V = 16 / (int)sizeof(T)>
static __device__ __forceinline__ void codes_groups(const flat_chain &c, const uint32_t *table, int64_t block,
                                                    int64_t blocks)
{
        if (c.group == V)
                codes_run<T, V>(c, reinterpret_cast<const T *>(table), block, blocks);
        else if constexpr (V > 1)
                codes_groups<T, V / 2>(c, table, block, blocks);
}

/* The elements before the first group and after the last. */
static __device__ void flat_ends(const flat_chain &c)
{
        const int64_t tail = (c.n - c.head) % c.group;
        const int64_t at = threadIdx.x < c.head ? threadIdx.x : c.n - tail + (threadIdx.x - c.head);

        if (threadIdx.x < c.head + tail)
                store_bits(c.dst + at * c.dst_size,
                           chain_float(c.chain, load_bits(c.src + at * c.src_size, c.src_size, true)),
                           c.dst_size, true);
}

static __global__ void __launch_bounds__(BATCH_THREADS, FLAT_BLOCKS_AT_ONCE)
        flat_kernel(const __grid_constant__ batch<flat_chain> b)
{
        int64_t block, blocks;
        const flat_chain &c = batch_item(b, &block, &blocks);

        if (block == 0)
                flat_ends(c);
        if (c.group == 8)
                flat_run<8>(c, block, blocks);
        else if (c.group == 4)
                flat_run<4>(c, block, blocks);
        else if (c.group == 2)
                flat_run<2>(c, block, blocks);
        else
                flat_run<1>(c, block, blocks);
}

static __global__ void __launch_bounds__(BATCH_THREADS)
        codes_kernel(const __grid_constant__ batch<flat_chain> b)
{
        static_assert(BATCH_THREADS == 256, "a thread for every code");
        __shared__ uint32_t table[BATCH_THREADS];
        int64_t block, blocks;
        const flat_chain &c = batch_item(b, &block, &blocks);

        store_bits(reinterpret_cast<uint8_t *>(table) + threadIdx.x * c.dst_size,
                   chain_float(c.chain, threadIdx.x), c.dst_size, true);
        __syncthreads();
        if (block == 0)
                flat_ends(c);
        if (c.dst_size == 4)
                codes_groups<uint32_t>(c, table, block, blocks);
        else if (c.dst_size == 2)
                codes_groups<uint16_t>(c, table, block, blocks);
        else
                codes_groups<uint8_t>(c, table, block, blocks);
}

#endif
