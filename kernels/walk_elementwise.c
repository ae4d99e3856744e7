/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checking elementwise descriptors: which operations do something, in which arithmetic
 * they run, and how the tensor is walked.
 */

#include <stddef.h>
#include <string.h>

#include "walk.h"

static bool op_is_valid(const ckpt_elementwise_op *op, ckpt_dtype dtype)
{
        switch (op->kind) {
        case CKPT_ELEMENTWISE_CAST:
                return ckpt_dtype_can_cast(dtype, op->dtype);
        case CKPT_ELEMENTWISE_ADD_SCALAR:
        case CKPT_ELEMENTWISE_MUL_SCALAR:
        case CKPT_ELEMENTWISE_NEG_EXP:
                return op->dtype == dtype && ckpt_dtype_has_arithmetic(dtype);
        default:
                return false;
        }
}

static ckpt_domain domain_of(const ckpt_chain *chain)
{
        ckpt_domain domain = chain->src_dtype == CKPT_DTYPE_F64 ? CKPT_DOMAIN_DOUBLE : CKPT_DOMAIN_FLOAT;

        if (chain->n_ops == 0)
                return CKPT_DOMAIN_BITS;
        if (ckpt_dtype_class_of(chain->src_dtype) < CKPT_CLASS_FLOAT)
                return CKPT_DOMAIN_INTEGER;
        for (uint32_t i = 0; i < chain->n_ops; i++)
                if (chain->ops[i].dtype == CKPT_DTYPE_F64)
                        domain = CKPT_DOMAIN_DOUBLE;
        return domain;
}

static int make_chain(const ckpt_elementwise *elementwise, ckpt_chain *ret_chain)
{
        ckpt_chain chain = {.src_dtype = elementwise->src_dtype, .dst_dtype = elementwise->dst_dtype};
        ckpt_dtype dtype = elementwise->src_dtype;

        if (elementwise->n_ops > CKPT_ELEMENTWISE_OPS)
                return -1;
        for (uint32_t i = 0; i < elementwise->n_ops; i++) {
                const ckpt_elementwise_op *op = &elementwise->ops[i];

                if (!op_is_valid(op, dtype))
                        return -1;
                if (op->kind == CKPT_ELEMENTWISE_CAST && op->dtype == dtype)
                        continue;
                dtype = op->dtype;
                chain.ops[chain.n_ops++] = (ckpt_chain_op){op->kind, dtype, op->value};
        }
        if (dtype != elementwise->dst_dtype || ckpt_dtype_bits(dtype) == 0 || ckpt_dtype_bits(dtype) % 8 != 0)
                return -1;
        chain.domain = domain_of(&chain);
        *ret_chain = chain;
        return 0;
}

/* A chain that does nothing is a copy of elements. */
static int walk_as_copy(const ckpt_elementwise *elementwise, ckpt_walk *ret_walk)
{
        ckpt_strided_copy copy = {
                .dst = elementwise->dst,
                .src = elementwise->src,
                .elem_size = ckpt_dtype_bits(elementwise->dst_dtype) / 8,
                .rank = elementwise->rank,
        };

        memcpy(copy.dst_shape, elementwise->shape, sizeof(copy.dst_shape));
        memcpy(copy.src_shape, elementwise->shape, sizeof(copy.src_shape));
        memcpy(copy.dst_stride, elementwise->dst_stride, sizeof(copy.dst_stride));
        memcpy(copy.src_stride, elementwise->src_stride, sizeof(copy.src_stride));
        return ckpt_walk_strided_copy(&copy, ret_walk);
}

int ckpt_walk_elementwise(const ckpt_elementwise *elementwise, ckpt_walk *ret_walk, ckpt_chain *ret_chain)
{
        const int64_t dst_size = ckpt_dtype_bits(elementwise->dst_dtype) / 8;
        const int64_t src_size = ckpt_dtype_bits(elementwise->src_dtype) / 8;
        const uint32_t rank = elementwise->rank;
        ckpt_walk walk = {.dst = elementwise->dst, .src = elementwise->src, .rank = rank};
        int r = make_chain(elementwise, ret_chain);

        if (r == 0)
                r = ckpt_walk_check_shape(elementwise->shape, rank,
                                          dst_size > src_size ? dst_size : src_size);
        if (r <= 0)
                return r;
        if (elementwise->src == NULL || elementwise->dst == NULL)
                return -1;
        if (ret_chain->domain == CKPT_DOMAIN_BITS)
                return walk_as_copy(elementwise, ret_walk);
        if (!ckpt_walk_steps_positive(elementwise->shape, elementwise->dst_stride, rank) ||
            !ckpt_walk_steps_fit(elementwise->shape, elementwise->dst_stride, rank, dst_size) ||
            !ckpt_walk_steps_fit(elementwise->shape, elementwise->src_stride, rank, src_size))
                return -1;
        for (uint32_t i = 0; i < rank; i++) {
                walk.shape[i] = walk.inside[i] = elementwise->shape[i];
                walk.dst_step[i] = elementwise->dst_stride[i] * dst_size;
                walk.src_step[i] = elementwise->src_stride[i] * src_size;
        }
        ckpt_walk_finish_elementwise(&walk, (uint32_t)dst_size, (uint32_t)src_size);
        *ret_walk = walk;
        return 1;
}
