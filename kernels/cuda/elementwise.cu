/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elementwise passes. Contiguous tensors of floats are read and written in groups of
 * elements, up to 16 bytes at once; everything else (strides, odd addresses, doubles,
 * integers, exp) element by element, with the same arithmetic from numeric.h.
 *
 * What an item asks for is the same for all threads of a block, so its switches do not
 * diverge; they stand outside the loops over a thread's elements.
 */

#include "../numeric.h"
#include "copy.cuh"
#include "groups.cuh"

/** Contiguous: `head` elements one by one, then groups of `group`, then what is left. */
struct flat_chain {
        uint8_t *dst;
        const uint8_t *src;
        int64_t n;
        int32_t head, group;
        int32_t dst_size, src_size;
        ckpt_chain chain;
};

struct rows_chain {
        rows<CKPT_WALK_RANK> walk;
        int32_t dst_size, src_size;
        int32_t dst_aligned, src_aligned;
        int32_t is_signed, reserved0;
        ckpt_chain chain;
};

/* Little-endian bits of one element; byte by byte where the address is odd. */
static __device__ __forceinline__ uint64_t load_bits(const uint8_t *src, int32_t size, bool aligned)
{
        uint64_t bits = 0;

        if (!aligned) {
                for (int32_t i = 0; i < size; i++)
                        bits |= (uint64_t)src[i] << (8 * i);
                return bits;
        }
        switch (size) {
        case 1:
                return *src;
        case 2:
                return *reinterpret_cast<const uint16_t *>(src);
        case 4:
                return *reinterpret_cast<const uint32_t *>(src);
        default:
                return *reinterpret_cast<const uint64_t *>(src);
        }
}

static __device__ __forceinline__ void store_bits(uint8_t *dst, uint64_t bits, int32_t size, bool aligned)
{
        if (!aligned) {
                for (int32_t i = 0; i < size; i++)
                        dst[i] = (uint8_t)(bits >> (8 * i));
                return;
        }
        switch (size) {
        case 1:
                *dst = (uint8_t)bits;
                break;
        case 2:
                *reinterpret_cast<uint16_t *>(dst) = (uint16_t)bits;
                break;
        case 4:
                *reinterpret_cast<uint32_t *>(dst) = (uint32_t)bits;
                break;
        default:
                *reinterpret_cast<uint64_t *>(dst) = bits;
                break;
        }
}

static __device__ __forceinline__ float operate_float(const ckpt_chain_op &op, float x)
{
        const float value = (float)op.value;

        switch (op.kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                return x + value;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                return x * value;
        case CKPT_ELEMENTWISE_NEG_EXP:
                return ckpt_neg_exp_float(x);
        default:
                return x;
        }
}

static __device__ __forceinline__ double operate_double(const ckpt_chain_op &op, double x)
{
        if (op.dtype != CKPT_DTYPE_F64 && op.kind != CKPT_ELEMENTWISE_CAST)
                return (double)operate_float(op, (float)x);
        switch (op.kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                return x + op.value;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                return x * op.value;
        case CKPT_ELEMENTWISE_NEG_EXP:
                return ckpt_neg_exp_double(x);
        default:
                return x;
        }
}

static __device__ uint64_t chain_float(const ckpt_chain &chain, uint64_t bits)
{
        float x = ckpt_float_decode(chain.src_dtype, (uint32_t)bits);

        for (uint32_t k = 0; k < chain.n_ops; k++) {
                const ckpt_chain_op &op = chain.ops[k];

                x = operate_float(op, x);
                if (k + 1 < chain.n_ops)
                        x = ckpt_float_decode(op.dtype, ckpt_float_encode(op.dtype, x));
        }
        return ckpt_float_encode(chain.dst_dtype, x);
}

static __device__ uint64_t chain_double(const ckpt_chain &chain, uint64_t bits)
{
        double x = chain.src_dtype == CKPT_DTYPE_F64
                           ? ckpt_bits_double(bits)
                           : (double)ckpt_float_decode(chain.src_dtype, (uint32_t)bits);

        for (uint32_t k = 0; k < chain.n_ops; k++) {
                const ckpt_chain_op &op = chain.ops[k];

                x = operate_double(op, x);
                if (op.dtype != CKPT_DTYPE_F64)
                        x = (double)ckpt_float_decode(op.dtype, ckpt_float_encode(op.dtype, (float)x));
        }
        return chain.dst_dtype == CKPT_DTYPE_F64 ? ckpt_f64_encode(x)
                                                 : ckpt_float_encode(chain.dst_dtype, (float)x);
}

template <ckpt_domain DOMAIN>
static __device__ __forceinline__ uint64_t chain_element(const rows_chain &c, uint64_t bits)
{
        if (DOMAIN == CKPT_DOMAIN_FLOAT)
                return chain_float(c.chain, bits);
        if (DOMAIN == CKPT_DOMAIN_DOUBLE)
                return chain_double(c.chain, bits);
        return c.is_signed ? ckpt_sign_extend(bits, (uint32_t)c.src_size * 8) : bits;
}

template <ckpt_domain DOMAIN>
static __global__ void __launch_bounds__(BATCH_THREADS)
        rows_kernel(const __grid_constant__ batch<rows_chain> b)
{
        int64_t block, blocks;
        const rows_chain &c = batch_item(b, &block, &blocks);
        const rows<CKPT_WALK_RANK> &r = c.walk;
        const int inner = r.rank - 1;

        for (int64_t tile = block; tile < r.tiles; tile += blocks) {
                const place p = rows_place(r, tile);

                for (int k = 0; k < ROW_STEPS; k++) {
                        const int64_t column = p.column + k * r.lanes;

                        if (!p.valid || column >= r.shape[inner])
                                break;

                        const uint64_t bits =
                                load_bits(p.src + column * r.src_step[inner], c.src_size, c.src_aligned);

                        store_bits(p.dst + column * r.dst_step[inner], chain_element<DOMAIN>(c, bits),
                                   c.dst_size, c.dst_aligned);
                }
        }
}

/* U groups of V elements a thread, all loaded before the first is stored. */
template <int U, int V>
static __device__ __forceinline__ void flat_run(const flat_chain &c, int64_t block, int64_t blocks)
{
        const int64_t n = (c.n - c.head) / V, tile = (int64_t)BATCH_THREADS * U;
        const int src_bytes = V * c.src_size, dst_bytes = V * c.dst_size;
        const uint8_t *const src = c.src + (int64_t)c.head * c.src_size;
        uint8_t *const dst = c.dst + (int64_t)c.head * c.dst_size;

        for (int64_t first = block * tile; first < n; first += blocks * tile) {
                const int64_t at = first + threadIdx.x;
                uint4 w[U];
                float v[U][V];

#pragma unroll
                for (int u = 0; u < U; u++) {
                        w[u] = uint4{0, 0, 0, 0};
                        if (at + u * BATCH_THREADS < n)
                                w[u] = load_group(src + (at + u * BATCH_THREADS) * src_bytes, src_bytes);
                }
                decode_groups(c.chain.src_dtype, w, v);
                for (uint32_t k = 0; k < c.chain.n_ops; k++)
                        operate_groups(c.chain.ops[k], k + 1 == c.chain.n_ops, v);
                encode_groups(c.chain.dst_dtype, v, w);
#pragma unroll
                for (int u = 0; u < U; u++)
                        if (at + u * BATCH_THREADS < n)
                                store_group(dst + (at + u * BATCH_THREADS) * dst_bytes, w[u], dst_bytes);
        }
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

static __global__ void __launch_bounds__(BATCH_THREADS)
        flat_kernel(const __grid_constant__ batch<flat_chain> b)
{
        int64_t block, blocks;
        const flat_chain &c = batch_item(b, &block, &blocks);

        if (block == 0)
                flat_ends(c);
        if (c.group == 8)
                flat_run<2, 8>(c, block, blocks);
        else if (c.group == 4)
                flat_run<4, 4>(c, block, blocks);
        else if (c.group == 2)
                flat_run<4, 2>(c, block, blocks);
        else
                flat_run<4, 1>(c, block, blocks);
}

struct chain_batches {
        batch<flat_chain> flat;
        batch<rows_chain> floats, doubles, integers;
        copy_batches copies;
};

/* Elements of a group: at most 16 bytes a side, both sides aligned after the head. 0: none. */
static int32_t group_of(const ckpt_walk *walk, int32_t dst_size, int32_t src_size, int32_t *ret_head)
{
        const int32_t wider = dst_size > src_size ? dst_size : src_size;
        const uintptr_t dst = (uintptr_t)walk->dst, src = (uintptr_t)walk->src;

        for (int32_t group = wider == 4 ? 4 : 8; group > 0; group /= 2)
                for (int32_t head = 0; head < group; head++)
                        if ((dst + (uintptr_t)(head * dst_size)) % (uintptr_t)(group * dst_size) == 0 &&
                            (src + (uintptr_t)(head * src_size)) % (uintptr_t)(group * src_size) == 0) {
                                *ret_head = head;
                                return group;
                        }
        return 0;
}

/* Whether the contiguous kernel knows the operations. */
static bool chain_is_flat(const ckpt_chain *chain)
{
        for (uint32_t k = 0; k < chain->n_ops; k++) {
                const ckpt_dtype dtype = chain->ops[k].dtype;

                if (chain->ops[k].kind == CKPT_ELEMENTWISE_NEG_EXP)
                        return false;
                if (k + 1 < chain->n_ops && dtype != CKPT_DTYPE_F16 && dtype != CKPT_DTYPE_BF16 &&
                    dtype != CKPT_DTYPE_F32)
                        return false;
        }
        return chain->domain == CKPT_DOMAIN_FLOAT;
}

/* 1: added, 0: not for the contiguous kernel. */
static int32_t add_flat(cudaStream_t stream, chain_batches *batches, const ckpt_walk *walk,
                        const ckpt_chain *chain)
{
        flat_chain c = {};
        int32_t r;

        c.dst_size = (int32_t)ckpt_dtype_bits(chain->dst_dtype) / 8;
        c.src_size = (int32_t)ckpt_dtype_bits(chain->src_dtype) / 8;
        if (walk->rank != 1 || walk->dst_step[0] != c.dst_size || walk->src_step[0] != c.src_size ||
            !chain_is_flat(chain))
                return 0;
        c.group = group_of(walk, c.dst_size, c.src_size, &c.head);
        if (c.group == 0)
                return 0;
        c.dst = walk->dst;
        c.src = walk->src;
        c.n = walk->shape[0];
        c.head = (int32_t)(c.head < c.n ? c.head : c.n);
        c.chain = *chain;
        r = batch_add(stream, &batches->flat, flat_kernel, &c,
                      divide_up(c.n, (int64_t)BATCH_THREADS * (c.group == 8 ? 16 : c.group * 4)));
        return r < 0 ? r : 1;
}

/* Whether elements of this size lie at multiples of it. */
static int32_t all_aligned(const void *pointer, const int64_t *step, uint32_t rank, int32_t size)
{
        uint64_t all = (uint64_t)(uintptr_t)pointer;

        for (uint32_t i = 0; i < rank; i++)
                all |= (uint64_t)step[i];
        return all % (uint64_t)size == 0;
}

static int32_t add_rows(cudaStream_t stream, chain_batches *batches, const ckpt_walk *walk,
                        const ckpt_chain *chain)
{
        rows_chain c = {};

        rows_set(&c.walk, walk);
        c.dst_size = (int32_t)ckpt_dtype_bits(chain->dst_dtype) / 8;
        c.src_size = (int32_t)ckpt_dtype_bits(chain->src_dtype) / 8;
        c.dst_aligned = all_aligned(walk->dst, walk->dst_step, walk->rank, c.dst_size);
        c.src_aligned = all_aligned(walk->src, walk->src_step, walk->rank, c.src_size);
        c.is_signed = ckpt_dtype_class_of(chain->src_dtype) == CKPT_CLASS_SIGNED;
        c.chain = *chain;
        switch (chain->domain) {
        case CKPT_DOMAIN_FLOAT:
                return batch_add(stream, &batches->floats, rows_kernel<CKPT_DOMAIN_FLOAT>, &c, c.walk.tiles);
        case CKPT_DOMAIN_DOUBLE:
                return batch_add(stream, &batches->doubles, rows_kernel<CKPT_DOMAIN_DOUBLE>, &c,
                                 c.walk.tiles);
        default:
                return batch_add(stream, &batches->integers, rows_kernel<CKPT_DOMAIN_INTEGER>, &c,
                                 c.walk.tiles);
        }
}

static int32_t add(cudaStream_t stream, chain_batches *batches, const ckpt_elementwise *elementwise)
{
        ckpt_walk walk;
        ckpt_chain chain;
        const int kind = ckpt_walk_elementwise(elementwise, &walk, &chain);
        int32_t r;

        if (kind <= 0)
                return kind < 0 ? -(int32_t)cudaErrorInvalidValue : 0;
        if (chain.domain == CKPT_DOMAIN_BITS)
                return ckpt_cuda_copy_add(stream, &batches->copies, &walk);
        r = add_flat(stream, batches, &walk, &chain);
        if (r != 0)
                return r < 0 ? r : 0;
        return add_rows(stream, batches, &walk, &chain);
}

static int32_t flush(cudaStream_t stream, chain_batches *batches)
{
        int32_t r = batch_flush(stream, &batches->flat, flat_kernel);

        if (r == 0)
                r = batch_flush(stream, &batches->floats, rows_kernel<CKPT_DOMAIN_FLOAT>);
        if (r == 0)
                r = batch_flush(stream, &batches->doubles, rows_kernel<CKPT_DOMAIN_DOUBLE>);
        if (r == 0)
                r = batch_flush(stream, &batches->integers, rows_kernel<CKPT_DOMAIN_INTEGER>);
        return r == 0 ? ckpt_cuda_copy_flush(stream, &batches->copies) : r;
}

int32_t ckpt_cuda_launch_elementwise(cudaStream_t stream, const ckpt_elementwise *descriptors, uint32_t count)
{
        chain_batches batches;
        int32_t r = 0;

        batches.flat.n = batches.floats.n = batches.doubles.n = batches.integers.n = 0;
        ckpt_cuda_copy_init(&batches.copies);
        for (uint32_t i = 0; i < count && r == 0; i++)
                r = add(stream, &batches, &descriptors[i]);
        return r == 0 ? flush(stream, &batches) : r;
}
