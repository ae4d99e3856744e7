/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies that are kernels: from staging or memory into a view
 */

#include <string.h>

#include "core/plan/emit.h"

/* One copy with its axes merged, in units that a kernel moves: elements, or bytes for types smaller than one.
 */
struct copy {
        ckpt_axes axes;
        uint32_t elem_size;
        ckpt_operand dst, src;
};

static ckpt_status copy_init(struct copy *copy, ckpt_session *session, ckpt_dtype dtype, uint32_t rank,
                             const int64_t *sizes, const ckpt_view *dst, const ckpt_view *src,
                             const uint8_t *memory)
{
        const uint32_t bits = ckpt_dtype_bits(dtype);

        ckpt_axes_init(&copy->axes, rank, sizes, dst->strides, src->strides);
        /* Describing makes sure of it; a hole there must not become wrong bytes here. */
        if (dst->bit_offset % 8 != 0 || src->bit_offset % 8 != 0 || !ckpt_axes_to_bytes(&copy->axes, bits))
                return ckpt_session_fail(session, CKPT_E_UNSUPPORTED, NULL,
                                         "a copy of %s elements does not fill whole bytes",
                                         ckpt_dtype_name(dtype));
        copy->dst = ckpt_emit_operand(dst);
        copy->src = ckpt_emit_operand(src);
        copy->src.memory = memory;
        copy->elem_size = bits % 8 == 0 ? bits / 8 : 1;
        return CKPT_OK;
}

/* A batch of matrices whose rows become columns: one side runs along one axis, the other side along another.
 */
static bool copy_as_transpose(const struct copy *copy, ckpt_step *step)
{
        const ckpt_axes *axes = &copy->axes;
        const uint32_t inner = axes->count - 1;
        uint32_t row;

        if (axes->count < 2 || axes->count > 3 || axes->src[inner] != 1 || copy->src.space == CKPT_SPACE_NONE)
                return false;
        row = axes->dst[inner - 1] == 1 ? inner - 1 : 0;
        if (axes->dst[row] != 1 || row == inner || axes->src[row] == 0)
                return false;
        step->kind = CKPT_STEP_TRANSPOSE;
        step->as.transpose = (ckpt_transpose){
                .elem_size = copy->elem_size,
                .batch = 1,
                .rows = axes->size[row],
                .cols = axes->size[inner],
                .src_row_stride = axes->src[row],
                .dst_row_stride = axes->dst[inner],
        };
        if (axes->count == 3) {
                const uint32_t batch = row == 0 ? 1 : 0;

                step->as.transpose.batch = axes->size[batch];
                step->as.transpose.src_batch_stride = axes->src[batch];
                step->as.transpose.dst_batch_stride = axes->dst[batch];
        }
        return true;
}

static void copy_as_strided(const struct copy *copy, uint32_t first, ckpt_step *step)
{
        const ckpt_axes *axes = &copy->axes;
        ckpt_strided_copy *to = &step->as.copy;

        step->kind = CKPT_STEP_COPY;
        *to = (ckpt_strided_copy){.elem_size = copy->elem_size, .rank = axes->count - first};
        for (uint32_t i = first; i < axes->count; i++) {
                to->dst_shape[i - first] = axes->size[i];
                to->src_shape[i - first] = copy->src.space == CKPT_SPACE_NONE ? 0 : axes->size[i];
                to->dst_stride[i - first] = axes->dst[i];
                to->src_stride[i - first] = axes->src[i];
        }
}

/* Axes beyond what a kernel takes become steps of their own. */
static ckpt_status copy_emit(ckpt_emitter *emitter, const struct copy *copy, uint32_t first, uint64_t dst,
                             uint64_t src)
{
        const ckpt_axes *axes = &copy->axes;
        ckpt_step step = {.dst = copy->dst, .src = copy->src};

        if (axes->count - first > CKPT_KERNEL_RANK) {
                ckpt_status r = CKPT_OK;

                for (int64_t i = 0; i < axes->size[first] && r == CKPT_OK; i++)
                        r = copy_emit(emitter, copy, first + 1,
                                      dst + (uint64_t)(i * axes->dst[first]) * copy->elem_size,
                                      src + (uint64_t)(i * axes->src[first]) * copy->elem_size);
                return r;
        }
        step.dst.offset += dst;
        step.src.offset += src;
        if (first > 0 || !copy_as_transpose(copy, &step))
                copy_as_strided(copy, first, &step);
        return ckpt_emit_step(emitter, &step);
}

ckpt_status ckpt_emit_copy(ckpt_emitter *emitter, ckpt_dtype dtype, uint32_t rank, const int64_t *sizes,
                           const ckpt_view *dst, const ckpt_view *src, const uint8_t *memory)
{
        struct copy copy;
        const ckpt_status r =
                copy_init(&copy, ckpt_emit_session(emitter), dtype, rank, sizes, dst, src, memory);

        return r ? r : copy_emit(emitter, &copy, 0, 0, 0);
}

static ckpt_status zero_in_tile(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                const ckpt_view *view)
{
        ckpt_view nothing = {.space = CKPT_SPACE_NONE};

        memcpy(nothing.strides, view->strides, sizeof(nothing.strides));
        return ckpt_emit_copy(emitter, tensor->dtype, tensor->rank, box->size, view, &nothing, NULL);
}

ckpt_status ckpt_emit_zero(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                           const ckpt_view *view)
{
        return ckpt_emit_tiled(emitter, tensor, box, view, zero_in_tile);
}
