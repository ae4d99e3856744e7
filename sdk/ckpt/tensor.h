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
 * on that return it, and the load fails when the slot has returned.
 *
 * Axes count from 0; a negative axis counts from the end. All functions [control].
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most axes of a tensor. */
#define CKPT_RANK_MAX 64

static inline ckpt_dtype ckpt_tensor_dtype(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_dtype(tensor) : CKPT_DTYPE_NONE;
}

/** Number of axes; 0 for a scalar. */
static inline uint32_t ckpt_tensor_rank(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_rank(tensor) : 0;
}

/** Elements along each axis; as many numbers as the rank. */
static inline const int64_t *ckpt_tensor_shape(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_shape(tensor) : NULL;
}

/** Elements along one axis; 0 when there is no such axis. */
static inline int64_t ckpt_tensor_dim(const ckpt_tensor *tensor, int32_t axis)
{
        const int32_t rank = (int32_t)ckpt_tensor_rank(tensor);
        const int32_t at = axis < 0 ? axis + rank : axis;

        return at >= 0 && at < rank ? ckpt_tensor_shape(tensor)[at] : 0;
}

/** Elements start … stop - 1 along an axis. */
static inline const ckpt_tensor *ckpt_tensor_slice(const ckpt_tensor *tensor, int32_t axis, int64_t start,
                                                   int64_t stop)
{
        return tensor ? CKPT_API(tensor)->tensor_slice(tensor, axis, start, stop) : NULL;
}

/** Part `index` of `count` equal parts along an axis; the width must be divisible. */
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

/** Tensors of one dtype, equal but along `axis`, put one after the other. NULL if any of them is NULL. */
static inline const ckpt_tensor *ckpt_tensor_concat(const ckpt_tensor *const *tensors, uint32_t count,
                                                    int32_t axis)
{
        return count > 0 && tensors[0] ? CKPT_API(tensors[0])->tensor_concat(tensors, count, axis) : NULL;
}

/** Tensors of one dtype and shape along a new axis `axis`. NULL if any of them is NULL. */
static inline const ckpt_tensor *ckpt_tensor_stack(const ckpt_tensor *const *tensors, uint32_t count,
                                                   int32_t axis)
{
        return count > 0 && tensors[0] ? CKPT_API(tensors[0])->tensor_stack(tensors, count, axis) : NULL;
}

/** The same elements in row-major order under another shape of the same size. */
static inline const ckpt_tensor *ckpt_tensor_reshape(const ckpt_tensor *tensor, const int64_t *shape,
                                                     uint32_t rank)
{
        return tensor ? CKPT_API(tensor)->tensor_reshape(tensor, shape, rank) : NULL;
}

/** Without an axis of one element. */
static inline const ckpt_tensor *ckpt_tensor_squeeze(const ckpt_tensor *tensor, int32_t axis)
{
        const uint32_t rank = ckpt_tensor_rank(tensor);
        const int32_t at = axis < 0 ? axis + (int32_t)rank : axis;
        int64_t shape[CKPT_RANK_MAX];
        uint32_t n = 0;

        for (uint32_t i = 0; i < rank && i < CKPT_RANK_MAX; i++)
                if ((int32_t)i != at)
                        shape[n++] = ckpt_tensor_shape(tensor)[i];
        return ckpt_tensor_reshape(tensor, shape, n);
}

/** Axis i of the result is axis axes[i] of the tensor; `rank` must be the tensor's. */
static inline const ckpt_tensor *ckpt_tensor_permute(const ckpt_tensor *tensor, const int32_t *axes,
                                                     uint32_t rank)
{
        return tensor ? CKPT_API(tensor)->tensor_permute(tensor, axes, rank) : NULL;
}

/** A matrix's transpose. */
static inline const ckpt_tensor *ckpt_tensor_transpose(const ckpt_tensor *tensor)
{
        static const int32_t axes[2] = {1, 0};

        return ckpt_tensor_permute(tensor, axes, 2);
}

/**
 * The axis is `blocks` equal blocks; each is repeated `reps` times before the next:
 * [A B] with reps 2 is [A A B B].
 */
static inline const ckpt_tensor *ckpt_tensor_repeat_blocks(const ckpt_tensor *tensor, int32_t axis,
                                                           int64_t blocks, int64_t reps)
{
        return tensor ? CKPT_API(tensor)->tensor_repeat_blocks(tensor, axis, blocks, reps) : NULL;
}

/** Element i of the result along `axis` is element index[i] of the tensor. The index is copied. */
static inline const ckpt_tensor *ckpt_tensor_gather(const ckpt_tensor *tensor, int32_t axis,
                                                    const int64_t *index, int64_t count)
{
        return tensor ? CKPT_API(tensor)->tensor_gather(tensor, axis, index, count) : NULL;
}

/** Lengthened along an axis to `size` with zeros at the end. */
static inline const ckpt_tensor *ckpt_tensor_pad(const ckpt_tensor *tensor, int32_t axis, int64_t size)
{
        return tensor ? CKPT_API(tensor)->tensor_pad(tensor, axis, size) : NULL;
}

/** In another dtype, where ckpt_dtype_can_cast allows it. Rounds to nearest even, as PyTorch does. */
static inline const ckpt_tensor *ckpt_tensor_cast(const ckpt_tensor *tensor, ckpt_dtype dtype)
{
        return tensor ? CKPT_API(tensor)->tensor_cast(tensor, dtype) : NULL;
}

/** x + value, computed and rounded in the tensor's dtype. */
static inline const ckpt_tensor *ckpt_tensor_add_scalar(const ckpt_tensor *tensor, double value)
{
        return tensor ? CKPT_API(tensor)->tensor_add_scalar(tensor, value) : NULL;
}

/** x * value, computed and rounded in the tensor's dtype. */
static inline const ckpt_tensor *ckpt_tensor_mul_scalar(const ckpt_tensor *tensor, double value)
{
        return tensor ? CKPT_API(tensor)->tensor_mul_scalar(tensor, value) : NULL;
}

/** -exp(x), rounded in the tensor's dtype; within one unit in the last place of PyTorch. */
static inline const ckpt_tensor *ckpt_tensor_neg_exp(const ckpt_tensor *tensor)
{
        return tensor ? CKPT_API(tensor)->tensor_neg_exp(tensor) : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
