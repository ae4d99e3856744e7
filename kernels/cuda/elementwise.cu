/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elementwise passes. Contiguous tensors of floats are read and written in groups of
 * elements (flat.cuh); everything else (strides, odd addresses, doubles, integers) element
 * by element.
 *
 * What an item asks for is the same for all threads of a block, so its switches do not
 * diverge; they stand outside the loops over a thread's elements.
 */

#include "chain.cuh"
#include "copy.cuh"
#include "flat.cuh"

struct rows_chain {
        rows<CKPT_WALK_RANK> walk;
        int32_t dst_size, src_size;
        int32_t dst_aligned, src_aligned;
        int32_t is_signed, reserved0;
        ckpt_chain chain;
};

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

struct chain_batches {
        batch<flat_chain> flat, codes;
        batch<rows_chain> floats, doubles, integers;
        copy_batches copies;
};

/* Elements of a group: at most 16 bytes a side, both sides aligned after the head. 0: none. */
static int32_t group_of(const ckpt_walk *walk, int32_t dst_size, int32_t src_size, int32_t *ret_head)
{
        const int32_t wider = dst_size > src_size ? dst_size : src_size;
        const uintptr_t dst = (uintptr_t)walk->dst, src = (uintptr_t)walk->src;

        for (int32_t group = 16 / wider; group > 0; group /= 2)
                for (int32_t head = 0; head < group; head++)
                        if ((dst + (uintptr_t)(head * dst_size)) % (uintptr_t)(group * dst_size) == 0 &&
                            (src + (uintptr_t)(head * src_size)) % (uintptr_t)(group * src_size) == 0) {
                                *ret_head = head;
                                return group;
                        }
        return 0;
}

/* Whether groups of floats know the operations. */
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
        return true;
}

/* 1: added, 0: not for the contiguous kernels. */
static int32_t add_flat(cudaStream_t stream, chain_batches *batches, const ckpt_walk *walk,
                        const ckpt_chain *chain)
{
        flat_chain c = {};
        int64_t tiles;
        int32_t per_thread, r;

        c.dst_size = (int32_t)ckpt_dtype_bits(chain->dst_dtype) / 8;
        c.src_size = (int32_t)ckpt_dtype_bits(chain->src_dtype) / 8;
        if (walk->rank != 1 || walk->dst_step[0] != c.dst_size || walk->src_step[0] != c.src_size ||
            chain->domain != CKPT_DOMAIN_FLOAT || (c.src_size > 1 && !chain_is_flat(chain)))
                return 0;
        c.group = group_of(walk, c.dst_size, c.src_size, &c.head);
        if (c.group == 0)
                return 0;
        c.dst = walk->dst;
        c.src = walk->src;
        c.n = walk->shape[0];
        c.head = (int32_t)(c.head < c.n ? c.head : c.n);
        c.chain = *chain;
        per_thread = c.group * (c.src_size == 1 ? CODES_GROUPS : FLAT_GROUPS(c.group));
        tiles = divide_up(c.n, (int64_t)BATCH_THREADS * per_thread);
        r = c.src_size == 1 ? batch_add(stream, &batches->codes, codes_kernel, &c, tiles)
                            : batch_add(stream, &batches->flat, flat_kernel, &c, tiles);
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
                r = batch_flush(stream, &batches->codes, codes_kernel);
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

        batches.flat.n = batches.codes.n = batches.floats.n = batches.doubles.n = batches.integers.n = 0;
        ckpt_cuda_copy_init(&batches.copies);
        for (uint32_t i = 0; i < count && r == 0; i++)
                r = add(stream, &batches, &descriptors[i]);
        return r == 0 ? flush(stream, &batches) : r;
}
