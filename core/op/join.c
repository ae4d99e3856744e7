/* SPDX-License-Identifier: Apache-2.0 */

/*
 * concat and stack: tensors side by side. Cost nothing: each input is written to its own part of the view.
 */

#include "core/op/op.h"

static void join_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%d, ", tensor->as.join.axis);
}

static ckpt_status concat_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.join.axis;
        const int64_t start = box->start[axis], stop = start + box->size[axis];
        int64_t at = 0;

        for (uint32_t i = 0; i < tensor->n_inputs; i++) {
                const int64_t width = tensor->inputs[i]->shape[axis];
                const int64_t from = start > at ? start : at, to = stop < at + width ? stop : at + width;

                if (from < to) {
                        ckpt_box part = *box;
                        ckpt_view there = *view;
                        ckpt_status r;

                        part.start[axis] = from - at;
                        part.size[axis] = to - from;
                        ckpt_view_advance(&there, tensor->dtype, axis, from - start);
                        r = ckpt_emit(emitter, tensor->inputs[i], &part, &there);
                        if (r)
                                return r;
                }
                at += width;
        }
        return CKPT_OK;
}

const ckpt_op ckpt_op_concat = {
        .name = "concat",
        .print = join_print,
        .emit = concat_emit,
        .cut_axis = ckpt_op_cut_axis_of_input,
        .attributes = CKPT_ATTRIBUTES(join),
};

static ckpt_status stack_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.join.axis;
        ckpt_box part = *box;
        ckpt_view there = *view;

        /* The inputs lack the stacked axis. */
        for (uint32_t i = axis; i + 1 < tensor->rank; i++) {
                part.start[i] = box->start[i + 1];
                part.size[i] = box->size[i + 1];
                there.strides[i] = view->strides[i + 1];
        }
        for (int64_t i = 0; i < box->size[axis]; i++) {
                const ckpt_tensor *input = tensor->inputs[box->start[axis] + i];
                ckpt_status r;

                there.bit_offset =
                        view->bit_offset + i * view->strides[axis] * (int64_t)ckpt_dtype_bits(tensor->dtype);
                r = ckpt_emit(emitter, input, &part, &there);
                if (r)
                        return r;
        }
        return CKPT_OK;
}

static uint32_t stack_cut_axis(const ckpt_tensor *tensor)
{
        return (uint32_t)tensor->as.join.axis;
}

const ckpt_op ckpt_op_stack = {
        .name = "stack",
        .print = join_print,
        .emit = stack_emit,
        .cut_axis = stack_cut_axis,
        .attributes = CKPT_ATTRIBUTES(join),
};

/* The first input that is an error tensor, or absent, decides what the join is. */
static bool any_unusable(const ckpt_tensor *const *tensors, uint32_t count, const ckpt_tensor **ret_instead)
{
        for (uint32_t i = 0; i < count; i++) {
                if (!tensors[i] || ckpt_tensor_is_error(tensors[i])) {
                        *ret_instead = tensors[i];
                        return true;
                }
        }
        return false;
}

static bool same_but(const ckpt_tensor *a, const ckpt_tensor *b, int32_t axis)
{
        if (a->dtype != b->dtype || a->rank != b->rank)
                return false;
        for (uint32_t i = 0; i < a->rank; i++)
                if ((int32_t)i != axis && a->shape[i] != b->shape[i])
                        return false;
        return true;
}

static const ckpt_tensor *fail_unlike(const ckpt_tensor *a, const ckpt_tensor *b, const char *op)
{
        ckpt_text text = CKPT_TEXT_INIT;
        const ckpt_tensor *error;

        ckpt_tensor_print_type(a, &text);
        ckpt_text_add(&text, " and ");
        ckpt_tensor_print_type(b, &text);
        error = ckpt_tensor_fail(b, CKPT_E_MISMATCH, "%s of unlike tensors, %s", op, ckpt_text_get(&text));
        ckpt_text_deinit(&text);
        return error;
}

static const ckpt_tensor *join_new(const ckpt_op *op, const ckpt_tensor *const *tensors, uint32_t count,
                                   uint32_t rank, const int64_t *shape, int32_t axis)
{
        const ckpt_tensor *first = tensors[0];
        int64_t elements;
        ckpt_tensor *join;

        if (!ckpt_shape_count(first->dtype, rank, shape, &elements))
                return ckpt_tensor_fail(first, CKPT_E_LIMIT, "%s is too large to address", op->name);
        join = ckpt_tensor_new(first->scope, op, first->dtype, rank, shape, count, tensors);
        if (join && !ckpt_tensor_is_error(join))
                join->as.join.axis = axis;
        return join;
}

const ckpt_tensor *ckpt_tensor_api_concat(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis)
{
        int64_t shape[CKPT_RANK_MAX];
        const ckpt_tensor *first, *instead;

        if (any_unusable(tensors, count, &instead))
                return instead;
        first = tensors[0];
        if (!ckpt_op_axis(first, &axis))
                return ckpt_tensor_fail(first, CKPT_E_INVALID, "concat along axis %d of a tensor of %u axes",
                                        axis, first->rank);
        for (uint32_t i = 0; i < first->rank; i++)
                shape[i] = first->shape[i];
        for (uint32_t i = 0; i < count; i++) {
                if (!same_but(first, tensors[i], axis))
                        return fail_unlike(first, tensors[i], "concat");
                if (!ckpt_op_whole_bytes(tensors[i], axis, tensors[i]->shape[axis]))
                        return ckpt_tensor_fail(tensors[i], CKPT_E_INVALID, "concat of %s cuts a byte",
                                                ckpt_dtype_name(first->dtype));
                if (i > 0 && __builtin_add_overflow(shape[axis], tensors[i]->shape[axis], &shape[axis]))
                        return ckpt_tensor_fail(first, CKPT_E_LIMIT, "concat is too large to address");
        }
        return count == 1 ? first : join_new(&ckpt_op_concat, tensors, count, first->rank, shape, axis);
}

const ckpt_tensor *ckpt_tensor_api_stack(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis)
{
        int64_t shape[CKPT_RANK_MAX];
        const ckpt_tensor *first, *instead;
        uint32_t rank;

        if (any_unusable(tensors, count, &instead))
                return instead;
        first = tensors[0];
        rank = first->rank + 1;
        if (axis < 0)
                axis += (int32_t)rank;
        if (axis < 0 || axis >= (int32_t)rank || rank > CKPT_RANK_MAX)
                return ckpt_tensor_fail(first, CKPT_E_INVALID, "stack along axis %d of tensors of %u axes",
                                        axis, first->rank);
        for (uint32_t i = 0; i < count; i++) {
                if (!same_but(first, tensors[i], -1))
                        return fail_unlike(first, tensors[i], "stack");
                if (axis > 0 && !ckpt_op_whole_bytes(first, axis - 1, 1))
                        return ckpt_tensor_fail(first, CKPT_E_INVALID, "stack of %s cuts a byte",
                                                ckpt_dtype_name(first->dtype));
        }
        for (uint32_t i = 0; i < rank; i++)
                shape[i] = (int32_t)i < axis    ? first->shape[i]
                           : (int32_t)i == axis ? count
                                                : first->shape[i - 1];
        return join_new(&ckpt_op_stack, tensors, count, rank, shape, axis);
}
