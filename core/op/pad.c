/* SPDX-License-Identifier: Apache-2.0 */

/*
 * pad: zeros behind the last element of an axis
 */

#include "core/op/op.h"

static void pad_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%d, %lld, ", tensor->as.join.axis,
                      (long long)tensor->shape[tensor->as.join.axis]);
}

static ckpt_status pad_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                            const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.join.axis;
        const int64_t width = tensor->inputs[0]->shape[axis];
        const int64_t stop = box->start[axis] + box->size[axis];
        ckpt_box part = *box;
        ckpt_view there = *view;
        int64_t inside = (stop < width ? stop : width) - box->start[axis];
        ckpt_status r;

        if (inside > 0) {
                part.size[axis] = inside;
                r = ckpt_emit(emitter, tensor->inputs[0], &part, view);
                if (r)
                        return r;
        } else {
                inside = 0;
        }
        if (inside == box->size[axis])
                return CKPT_OK;
        part.size[axis] = box->size[axis] - inside;
        ckpt_view_advance(&there, tensor->dtype, axis, inside);
        return ckpt_emit_zero(emitter, tensor, &part, &there);
}

const ckpt_op ckpt_op_pad = {
        .name = "pad",
        .print = pad_print,
        .emit = pad_emit,
        .cut_axis = ckpt_op_cut_axis_of_input,
        .attributes = CKPT_ATTRIBUTES(join),
};

const ckpt_tensor *ckpt_tensor_api_pad(const ckpt_tensor *tensor, int32_t axis, int64_t size)
{
        int64_t shape[CKPT_RANK_MAX], count;
        ckpt_tensor *pad;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (!ckpt_op_axis(tensor, &axis))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "pad of axis %d of a tensor of %u axes", axis,
                                        tensor->rank);
        if (size == tensor->shape[axis])
                return tensor;
        for (uint32_t i = 0; i < tensor->rank; i++)
                shape[i] = tensor->shape[i];
        shape[axis] = size;
        if (size < tensor->shape[axis] || !ckpt_shape_count(tensor->dtype, tensor->rank, shape, &count))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "pad of an axis of %lld elements to %lld",
                                        (long long)tensor->shape[axis], (long long)size);
        if (!ckpt_op_whole_bytes(tensor, axis, tensor->shape[axis]) ||
            !ckpt_op_whole_bytes(tensor, axis, size))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "pad of %s cuts a byte",
                                        ckpt_dtype_name(tensor->dtype));
        pad = ckpt_tensor_new(tensor->scope, &ckpt_op_pad, tensor->dtype, tensor->rank, shape, 1, &tensor);
        if (pad && !ckpt_tensor_is_error(pad))
                pad->as.join.axis = axis;
        return pad;
}
