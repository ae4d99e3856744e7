/* SPDX-License-Identifier: Apache-2.0 */

/*
 * slice: a range along one axis. Costs nothing: the box moves.
 */

#include "core/op/op.h"

static void slice_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        const int64_t start = tensor->as.slice.start;

        ckpt_text_add(text, "%d, %lld:%lld, ", tensor->as.slice.axis, (long long)start,
                      (long long)(start + tensor->shape[tensor->as.slice.axis]));
}

static ckpt_status slice_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view)
{
        ckpt_box moved = *box;

        moved.start[tensor->as.slice.axis] += tensor->as.slice.start;
        return ckpt_emit(emitter, tensor->inputs[0], &moved, view);
}

const ckpt_op ckpt_op_slice = {
        .name = "slice",
        .print = slice_print,
        .emit = slice_emit,
        .cut_axis = ckpt_op_cut_axis_of_input,
        .attributes = CKPT_ATTRIBUTES(slice),
};

const ckpt_tensor *ckpt_tensor_api_slice(const ckpt_tensor *tensor, int32_t axis, int64_t start, int64_t stop)
{
        int64_t shape[CKPT_RANK_MAX];
        ckpt_tensor *slice;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (!ckpt_op_axis(tensor, &axis))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "slice of axis %d of a tensor of %u axes",
                                        axis, tensor->rank);
        if (start < 0 || stop < start || stop > tensor->shape[axis])
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "slice %lld:%lld of an axis of %lld elements",
                                        (long long)start, (long long)stop, (long long)tensor->shape[axis]);
        if (!ckpt_op_whole_bytes(tensor, axis, start) || !ckpt_op_whole_bytes(tensor, axis, stop))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "slice %lld:%lld of %s cuts a byte",
                                        (long long)start, (long long)stop, ckpt_dtype_name(tensor->dtype));
        if (start == 0 && stop == tensor->shape[axis])
                return tensor;
        for (uint32_t i = 0; i < tensor->rank; i++)
                shape[i] = tensor->shape[i];
        shape[axis] = stop - start;
        slice = ckpt_tensor_new(tensor->scope, &ckpt_op_slice, tensor->dtype, tensor->rank, shape, 1,
                                &tensor);
        if (slice && !ckpt_tensor_is_error(slice)) {
                slice->as.slice.axis = axis;
                slice->as.slice.start = start;
        }
        return slice;
}
