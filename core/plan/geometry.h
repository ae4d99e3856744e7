/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_PLAN_GEOMETRY_H
#define CKPT_PLAN_GEOMETRY_H

/*
 * Boxes and views: which part of a tensor is wanted, and where it goes
 *
 * A box is a range along every axis of a tensor. A view is memory that is not there yet: a byte offset in a
 * target or in a staging buffer, and strides. Both have the rank of the tensor that they speak of.
 */

#include <ckpt/tensor.h>

typedef struct ckpt_box {
        int64_t start[CKPT_RANK_MAX];
        int64_t size[CKPT_RANK_MAX];
} ckpt_box;

enum ckpt_space {
        CKPT_SPACE_TARGET,  /* the parameter that the tile makes */
        CKPT_SPACE_STAGING, /* the tile's working memory */
        CKPT_SPACE_MEMORY,  /* a tensor in memory that the device can address */
        CKPT_SPACE_NONE     /* no source: zeros */
};

typedef struct ckpt_view {
        enum ckpt_space space;
        uint32_t buffer;    /* STAGING: which of the tile's */
        int64_t bit_offset; /* from the target's or buffer's start; bits, for types smaller than a byte */
        int64_t strides[CKPT_RANK_MAX]; /* elements */
} ckpt_view;

/** The whole tensor. */
static inline void ckpt_box_whole(ckpt_box *box, uint32_t rank, const int64_t *shape)
{
        for (uint32_t i = 0; i < rank; i++) {
                box->start[i] = 0;
                box->size[i] = shape[i];
        }
}

/** Elements in the box. */
static inline int64_t ckpt_box_count(const ckpt_box *box, uint32_t rank)
{
        int64_t count = 1;

        for (uint32_t i = 0; i < rank; i++)
                count *= box->size[i];
        return count;
}

/** Row-major strides of a packed tensor of these sizes. */
static inline void ckpt_strides_packed(int64_t *strides, uint32_t rank, const int64_t *sizes)
{
        int64_t stride = 1;

        for (uint32_t i = rank; i-- > 0;) {
                strides[i] = stride;
                stride *= sizes[i] > 0 ? sizes[i] : 1;
        }
}

/** Moves a view forward along one of its axes. */
static inline void ckpt_view_advance(ckpt_view *view, ckpt_dtype dtype, uint32_t axis, int64_t elements)
{
        view->bit_offset += elements * view->strides[axis] * (int64_t)ckpt_dtype_bits(dtype);
}

#endif
