/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checking the descriptors of data movement, and turning them into walks.
 */

#include <stddef.h>
#include <string.h>

#include "walk.h"

static bool is_unit(uint32_t size)
{
        return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

int ckpt_walk_strided_copy(const ckpt_strided_copy *copy, ckpt_walk *ret_walk)
{
        ckpt_walk walk = {.dst = copy->dst, .src = copy->src, .rank = copy->rank};
        const int64_t size = copy->elem_size;
        int r;

        if (!is_unit(copy->elem_size))
                return -1;
        r = ckpt_walk_check_shape(copy->dst_shape, copy->rank, size);
        if (r <= 0)
                return r;
        if (copy->dst == NULL || !ckpt_walk_steps_positive(copy->dst_shape, copy->dst_stride, copy->rank) ||
            !ckpt_walk_steps_fit(copy->dst_shape, copy->dst_stride, copy->rank, size))
                return -1;
        if (copy->src != NULL && !ckpt_walk_steps_fit(copy->dst_shape, copy->src_stride, copy->rank, size))
                return -1;
        for (uint32_t i = 0; i < copy->rank; i++) {
                if (copy->src != NULL && (copy->src_shape[i] < 0 || copy->src_shape[i] > copy->dst_shape[i]))
                        return -1;
                walk.shape[i] = copy->dst_shape[i];
                walk.inside[i] = copy->src != NULL ? copy->src_shape[i] : copy->dst_shape[i];
                walk.dst_step[i] = copy->dst_stride[i] * size;
                walk.src_step[i] = copy->src != NULL ? copy->src_stride[i] * size : 0;
        }
        ckpt_walk_finish_copy(&walk, copy->elem_size);
        *ret_walk = walk;
        return 1;
}

int ckpt_walk_repeat_blocks(const ckpt_repeat_blocks *repeat, ckpt_walk *ret_walk)
{
        ckpt_strided_copy copy = {.dst = repeat->dst, .src = repeat->src, .elem_size = 1, .rank = 4};
        const int64_t shape[4] = {repeat->blocks, repeat->reps, repeat->block_rows, repeat->row_bytes};
        int64_t block, group;

        if (ckpt_walk_check_shape(shape, 4, 1) == 0)
                return 0;
        if (repeat->src == NULL || __builtin_mul_overflow(repeat->block_rows, repeat->src_pitch, &block))
                return -1;
        copy.src_stride[0] = block;
        copy.src_stride[2] = repeat->src_pitch;
        copy.src_stride[3] = 1;
        if (__builtin_mul_overflow(repeat->block_rows, repeat->dst_pitch, &block) ||
            __builtin_mul_overflow(block, repeat->reps, &group))
                return -1;
        copy.dst_stride[0] = group;
        copy.dst_stride[1] = block;
        copy.dst_stride[2] = repeat->dst_pitch;
        copy.dst_stride[3] = 1;
        memcpy(copy.dst_shape, shape, sizeof(shape));
        memcpy(copy.src_shape, shape, sizeof(shape));
        return ckpt_walk_strided_copy(&copy, ret_walk);
}

int ckpt_transpose_check(const ckpt_transpose *transpose)
{
        const int64_t shape[3] = {transpose->batch, transpose->rows, transpose->cols};
        const int64_t src[3] = {transpose->src_batch_stride, transpose->src_row_stride, 1};
        const int64_t swapped[3] = {transpose->batch, transpose->cols, transpose->rows};
        const int64_t dst[3] = {transpose->dst_batch_stride, transpose->dst_row_stride, 1};
        int r;

        if (!is_unit(transpose->elem_size))
                return -1;
        r = ckpt_walk_check_shape(shape, 3, transpose->elem_size);
        if (r <= 0)
                return r;
        if (transpose->dst == NULL || transpose->src == NULL || !ckpt_walk_steps_positive(swapped, dst, 3) ||
            !ckpt_walk_steps_fit(swapped, dst, 3, transpose->elem_size) ||
            !ckpt_walk_steps_fit(shape, src, 3, transpose->elem_size))
                return -1;
        return 1;
}

int ckpt_walk_transpose(const ckpt_transpose *transpose, ckpt_walk *ret_walk)
{
        const ckpt_strided_copy copy = {
                .dst = transpose->dst,
                .src = transpose->src,
                .elem_size = transpose->elem_size,
                .rank = 3,
                .dst_shape = {transpose->batch, transpose->cols, transpose->rows},
                .src_shape = {transpose->batch, transpose->cols, transpose->rows},
                .dst_stride = {transpose->dst_batch_stride, transpose->dst_row_stride, 1},
                .src_stride = {transpose->src_batch_stride, 1, transpose->src_row_stride},
        };

        return ckpt_walk_strided_copy(&copy, ret_walk);
}

int ckpt_gather_rows_check(const ckpt_gather_rows *gather)
{
        const int64_t shape[2] = {gather->n_rows, gather->row_bytes};
        const int64_t step[2] = {gather->dst_pitch, 1};
        const int r = ckpt_walk_check_shape(shape, 2, 1);

        if (r <= 0)
                return r;
        if (gather->dst == NULL || gather->src == NULL || gather->index == NULL ||
            !ckpt_walk_steps_positive(shape, step, 2) || !ckpt_walk_steps_fit(shape, step, 2, 1))
                return -1;
        return 1;
}
