/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TENSOR_H
#define CKPT_TENSOR_H

/*
 * Tensors, described
 *
 * A ckpt_tensor is a description and never data: a leaf (bytes somewhere, with dtype, shape and strides)
 * or an operation on other tensors. Descriptions are immutable, may be shared, belong to the load and are
 * never freed by a plugin. The runtime turns them into reads, copies and kernels when all are known.
 *
 * Describing never fails half-way. An operation on NULL is NULL, so an optional tensor needs one test at
 * most. An operation that cannot be described records one diagnostic and gives an error tensor; operations
 * on that return it, and the load fails when the slot has returned. Its dtype is NONE, its rank 0. What is
 * recorded is CKPT_E_INVALID (arguments that no tensor of this shape has), CKPT_E_UNSUPPORTED (not for this
 * dtype), CKPT_E_MISMATCH (tensors that do not fit together) or CKPT_E_LIMIT (more elements than 63 bits
 * count); when memory is short nothing is, the result may be NULL, and the load ends with CKPT_E_NOMEM.
 *
 *         q = ckpt_weights_get(weights, "q_proj.weight");            [1024, 2048]
 *         q = ckpt_tensor_reshape(q, (const int64_t[]){8, 128, 2048}, 3);
 *         q = ckpt_tensor_slice(q, 0, 0, 4);                         [4, 128, 2048]
 *
 * Axes count from 0; a negative axis counts from the end (-1 is the last), save in ckpt_tensor_permute.
 * Sizes and positions are in elements. Arrays that are passed are copied. An operation that changes nothing
 * may return its tensor. No operation may cut through a byte of a sub-byte type: CKPT_E_INVALID.
 *
 * All functions are [control]; results live as long as the load (those of a weight loader's builder as long
 * as the weights), and so do shapes.
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most axes of a tensor; a leaf with more is CKPT_E_CORRUPT, an operation that makes more CKPT_E_INVALID. */
#define CKPT_RANK_MAX 64

/** Type of the elements; CKPT_DTYPE_NONE for NULL and for the error tensor. */
static inline ckpt_dtype ckpt_tensor_dtype(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_dtype(tensor) : CKPT_DTYPE_NONE;
}

/** Number of axes; 0 for a scalar, for NULL and for the error tensor. */
static inline uint32_t ckpt_tensor_rank(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_rank(tensor) : 0;
}

/**
 * Elements along each axis; as many numbers as the rank. NULL for NULL; not to be read where the rank is 0.
 */
static inline const int64_t *ckpt_tensor_shape(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_shape(tensor) : NULL;
}

/** Elements along one axis; 0 when there is no such axis, and for NULL. */
static inline int64_t ckpt_tensor_dim(const ckpt_tensor *tensor, int32_t axis)
{
        const int32_t rank = (int32_t)ckpt_tensor_rank(tensor);
        const int32_t at = axis < 0 ? axis + rank : axis;

        return at >= 0 && at < rank ? ckpt_tensor_shape(tensor)[at] : 0;
}

/**
 * Elements start … stop - 1 along an axis: x[start:stop] for axis 0. 0 <= start <= stop <= width, else
 * CKPT_E_INVALID; neither may be negative. start = stop gives an axis of no elements.
 */
static inline const ckpt_tensor *ckpt_tensor_slice(const ckpt_tensor *tensor, int32_t axis, int64_t start,
                                                   int64_t stop)
{
        return tensor ? CKPT_API(tensor)->tensor_slice(tensor, axis, start, stop) : NULL;
}

/**
 * Part `index` (from 0) of `count` equal parts along an axis; the width must be divisible, else
 * CKPT_E_INVALID. torch.chunk(x, count, axis)[index], which for other widths would give unequal parts:
 *
 *         gate = ckpt_tensor_chunk(gate_up, 0, 2, 0);        the upper half of the rows
 */
static inline const ckpt_tensor *ckpt_tensor_chunk(const ckpt_tensor *tensor, int32_t axis, int64_t count,
                                                   int64_t index)
{
        const int64_t width = ckpt_tensor_dim(tensor, axis);

        /* An indivisible width asks for a slice that does not exist, which records the error. */
        if (tensor && (count <= 0 || width % count != 0))
                return CKPT_API(tensor)->tensor_slice(tensor, axis, 0, width + 1);
        return tensor ? ckpt_tensor_slice(tensor, axis, index * (width / count),
                                          (index + 1) * (width / count))
                      : NULL;
}

/**
 * Tensors of one dtype, equal but along `axis`, put one after the other, as torch.cat. NULL if `count` is 0
 * or any of them is NULL, the error tensor if any is that. CKPT_E_MISMATCH where shapes or dtypes differ:
 * cast first. The result's width is the sum of theirs:
 *
 *         const ckpt_tensor *const qkv[] = {q, k, v};        [4096, 2048], [1024, 2048], [1024, 2048]
 *         return ckpt_tensor_concat(qkv, 3, 0);              [6144, 2048]
 */
static inline const ckpt_tensor *ckpt_tensor_concat(const ckpt_tensor *const *tensors, uint32_t count,
                                                    int32_t axis)
{
        return count > 0 && tensors[0] ? CKPT_API(tensors[0])->tensor_concat(tensors, count, axis) : NULL;
}

/**
 * Tensors of one dtype and shape along a new axis, as torch.stack: `axis` is its place in the result, of
 * rank + 1 axes, and `count` its width. NULL, errors and CKPT_E_MISMATCH as ckpt_tensor_concat.
 *
 *         experts of [2048, 768] each, 64 of them: stack(experts, 64, 0) is [64, 2048, 768]
 */
static inline const ckpt_tensor *ckpt_tensor_stack(const ckpt_tensor *const *tensors, uint32_t count,
                                                   int32_t axis)
{
        return count > 0 && tensors[0] ? CKPT_API(tensors[0])->tensor_stack(tensors, count, axis) : NULL;
}

/**
 * The same elements in row-major order under another shape of the same number of elements, as
 * torch.reshape; every axis is given, none is -1. Another number is CKPT_E_INVALID. `shape` may be NULL where
 * rank is 0: a scalar of a tensor of one element.
 */
static inline const ckpt_tensor *ckpt_tensor_reshape(const ckpt_tensor *tensor, const int64_t *shape,
                                                     uint32_t rank)
{
        return tensor ? CKPT_API(tensor)->tensor_reshape(tensor, shape, rank) : NULL;
}

/**
 * Without an axis of one element. An axis of another width is CKPT_E_INVALID; one that the tensor does not
 * have changes nothing.
 */
static inline const ckpt_tensor *ckpt_tensor_squeeze(const ckpt_tensor *tensor, int32_t axis)
{
        const uint32_t rank = ckpt_tensor_rank(tensor);
        const int32_t at = axis < 0 ? axis + (int32_t)rank : axis;
        int64_t shape[CKPT_RANK_MAX];
        uint32_t n = 0;

        /* A slice along an axis that is not there records the error. */
        if (tensor && (at < 0 || at >= (int32_t)rank))
                return CKPT_API(tensor)->tensor_slice(tensor, axis, 0, 0);
        for (uint32_t i = 0; i < rank && i < CKPT_RANK_MAX; i++)
                if ((int32_t)i != at)
                        shape[n++] = ckpt_tensor_shape(tensor)[i];
        return ckpt_tensor_reshape(tensor, shape, n);
}

/**
 * Axis i of the result is axis axes[i] of the tensor, as torch.permute. `axes` are 0 … rank - 1 in any order,
 * none negative, and `rank` must be the tensor's, else CKPT_E_INVALID. [2, 3, 5] by {2, 0, 1} is [5, 2, 3].
 * Of a sub-byte type the last axis must stay and fill whole bytes: CKPT_E_UNSUPPORTED.
 */
static inline const ckpt_tensor *ckpt_tensor_permute(const ckpt_tensor *tensor, const int32_t *axes,
                                                     uint32_t rank)
{
        return tensor ? CKPT_API(tensor)->tensor_permute(tensor, axes, rank) : NULL;
}

/** A matrix's transpose; CKPT_E_INVALID for a tensor that has not two axes. */
static inline const ckpt_tensor *ckpt_tensor_transpose(const ckpt_tensor *tensor)
{
        static const int32_t axes[2] = {1, 0};

        return ckpt_tensor_permute(tensor, axes, 2);
}

/**
 * The axis is `blocks` equal blocks; each is repeated `reps` times before the next:
 * [A B] with reps 2 is [A A B B]. The width grows by `reps`. For key and value heads that more ranks
 * share than there are heads, 2 heads of 64 rows on 4 ranks:
 *
 *         ckpt_tensor_repeat_blocks(k, 0, 2, 2);             [128, 2048] -> [256, 2048]
 *
 * which is x.reshape(blocks, width / blocks, …).repeat_interleave(reps, 0) in PyTorch. blocks and reps are
 * at least 1 and blocks divides the width, else CKPT_E_INVALID.
 */
static inline const ckpt_tensor *ckpt_tensor_repeat_blocks(const ckpt_tensor *tensor, int32_t axis,
                                                           int64_t blocks, int64_t reps)
{
        return tensor ? CKPT_API(tensor)->tensor_repeat_blocks(tensor, axis, blocks, reps) : NULL;
}

/**
 * Element i of the result along `axis` is element index[i] of the tensor, as torch.index_select. `count`
 * indices, each 0 … width - 1 (none negative), in any order and any number of times, else CKPT_E_INVALID. The
 * index is copied. Undoes an interleaving of rotary halves, rows 0 2 4 … before 1 3 5 …:
 *
 *         for (int64_t i = 0; i < n; i++)
 *                 index[i] = i < n / 2 ? 2 * i : 2 * (i - n / 2) + 1;
 *         return ckpt_tensor_gather(q, 0, index, n);
 */
static inline const ckpt_tensor *ckpt_tensor_gather(const ckpt_tensor *tensor, int32_t axis,
                                                    const int64_t *index, int64_t count)
{
        return tensor ? CKPT_API(tensor)->tensor_gather(tensor, axis, index, count) : NULL;
}

/** Lengthened along an axis to `size` elements, zeros at the end; a smaller size is CKPT_E_INVALID. */
static inline const ckpt_tensor *ckpt_tensor_pad(const ckpt_tensor *tensor, int32_t axis, int64_t size)
{
        return tensor ? CKPT_API(tensor)->tensor_pad(tensor, axis, size) : NULL;
}

/**
 * In another dtype, where ckpt_dtype_can_cast allows it, else CKPT_E_UNSUPPORTED. Rounds to nearest, ties to
 * even (IEEE 754-2019, 4.3.1), as PyTorch does; an F64 becomes a format of at most 16 bits through F32, as
 * there. What overflows becomes infinity where the format has one; F8_E4M3 saturates, the FNUZ types give
 * NaN. A mapper seldom needs this: the runtime casts to the parameter's dtype by itself.
 */
static inline const ckpt_tensor *ckpt_tensor_cast(const ckpt_tensor *tensor, ckpt_dtype dtype)
{
        return tensor ? CKPT_API(tensor)->tensor_cast(tensor, dtype) : NULL;
}

/**
 * x + value, in the tensor's dtype, which must have arithmetic (ckpt_dtype_has_arithmetic), else
 * CKPT_E_UNSUPPORTED. F16 and BF16 are computed in F32, with `value` rounded to F32, and rounded once, to
 * nearest even. A norm that stores w - 1: ckpt_tensor_add_scalar(w, 1.0).
 */
static inline const ckpt_tensor *ckpt_tensor_add_scalar(const ckpt_tensor *tensor, double value)
{
        return tensor ? CKPT_API(tensor)->tensor_add_scalar(tensor, value) : NULL;
}

/** x * value, computed, rounded and restricted as ckpt_tensor_add_scalar. */
static inline const ckpt_tensor *ckpt_tensor_mul_scalar(const ckpt_tensor *tensor, double value)
{
        return tensor ? CKPT_API(tensor)->tensor_mul_scalar(tensor, value) : NULL;
}

/**
 * -exp(x), rounded to the tensor's dtype, restricted as ckpt_tensor_add_scalar; within one unit in the last
 * place of PyTorch. State-space models store A as log(-A): A = -exp(A_log).
 */
static inline const ckpt_tensor *ckpt_tensor_neg_exp(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_neg_exp(tensor) : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
