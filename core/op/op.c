/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What operations share
 */

#include "core/op/op.h"

bool ckpt_op_axis(const ckpt_tensor *tensor, int32_t *axis)
{
        const int32_t at = *axis < 0 ? *axis + (int32_t)tensor->rank : *axis;

        if (at < 0 || at >= (int32_t)tensor->rank)
                return false;
        *axis = at;
        return true;
}

bool ckpt_op_whole_bytes(const ckpt_tensor *tensor, int32_t axis, int64_t elements)
{
        int64_t inner = ckpt_dtype_bits(tensor->dtype), outer = 1;

        if (inner % 8 == 0)
                return true;
        for (uint32_t i = 0; i < tensor->rank; i++) {
                if ((int32_t)i < axis)
                        outer *= tensor->shape[i];
                if ((int32_t)i > axis)
                        inner *= tensor->shape[i];
        }
        /* Where ranges repeat, so do the gaps between them: the whole axis must be bytes too. */
        return elements * inner % 8 == 0 && (outer == 1 || tensor->shape[axis] * inner % 8 == 0);
}

uint32_t ckpt_op_cut_axis_of_input(const ckpt_tensor *tensor)
{
        return ckpt_op_cut_axis(tensor->inputs[0]);
}

/* ---- source: an entry of the weights, by its name ---- */

static ckpt_status source_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               const ckpt_view *view)
{
        return ckpt_emit(emitter, tensor->inputs[0], box, view);
}

const ckpt_op ckpt_op_source = {
        .name = "source",
        .emit = source_emit,
        .cut_axis = ckpt_op_cut_axis_of_input,
        .attributes = CKPT_ATTRIBUTES(source),
};

/* ---- error: the loads that describe one never reach the planner ---- */

static ckpt_status error_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view)
{
        (void)emitter, (void)tensor, (void)box, (void)view;
        return CKPT_E_INVALID;
}

const ckpt_op ckpt_op_error = {.name = "error", .emit = error_emit};
