/* SPDX-License-Identifier: Apache-2.0 */

/*
 * reshape: the same elements in the same order, under other axes
 *
 * Three ways, the cheapest that holds:
 *
 * - regroup: axes are matched in groups of equal products; where the box is one range of each group, and the
 *   view runs through the group without a gap, the question is passed on under the input's axes.
 * - relabel: directly above a leaf, the leaf's own strides are split instead: bytes have no axes.
 * - stage: the rows of the input that hold the box, then a copy out of them.
 */

#include <string.h>

#include "core/op/op.h"

static void reshape_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "[");
        for (uint32_t i = 0; i < tensor->rank; i++)
                ckpt_text_add(text, "%s%lld", i > 0 ? ", " : "", (long long)tensor->shape[i]);
        ckpt_text_add(text, "], ");
}

/* Axes [o0, o1) of the result and [i0, i1) of the input that have one product. */
struct group {
        uint32_t o0, o1, i0, i1;
};

/* The group that begins at the given axes; both sides grow until their products agree. */
static struct group next_group(const ckpt_tensor *out, const ckpt_tensor *in, uint32_t o0, uint32_t i0)
{
        struct group group = {o0, o0, i0, i0};
        int64_t o = 1, i = 1;

        if (group.o1 < out->rank)
                o = out->shape[group.o1++];
        if (group.i1 < in->rank)
                i = in->shape[group.i1++];
        while (o != i) {
                if (o < i && group.o1 < out->rank)
                        o *= out->shape[group.o1++];
                else if (group.i1 < in->rank)
                        i *= in->shape[group.i1++];
                else
                        o *= out->shape[group.o1++];
        }
        /* Axes of one element at the end belong to the last group. */
        if (group.o1 == out->rank || group.i1 == in->rank) {
                group.o1 = out->rank;
                group.i1 = in->rank;
        }
        return group;
}

/* The box as one range of the group's elements, with the view's stride from one to the next. */
static bool flatten_out(const ckpt_tensor *out, const ckpt_box *box, const ckpt_view *view,
                        const struct group *group, int64_t *ret_start, int64_t *ret_size, int64_t *ret_stride)
{
        int64_t start = 0, size = 1, stride = 0, inner = 1;

        for (uint32_t a = group->o1; a-- > group->o0;) {
                if (box->size[a] > 1) {
                        /* Everything inside this axis must be wanted whole, or the range has gaps. */
                        if (size != inner || (size > 1 && view->strides[a] != stride * size))
                                return false;
                        if (size == 1)
                                stride = view->strides[a];
                }
                start += box->start[a] * inner;
                size *= box->size[a];
                inner *= out->shape[a];
        }
        *ret_start = start;
        *ret_size = size;
        *ret_stride = stride;
        return true;
}

/* A range of the group's elements as a box of the input's axes. */
static bool unflatten_in(const ckpt_tensor *in, const struct group *group, int64_t start, int64_t size,
                         int64_t stride, ckpt_box *box, ckpt_view *view)
{
        int64_t inner = 1;
        bool done = false;

        for (uint32_t a = group->i1; a-- > group->i0;) {
                const int64_t width = in->shape[a];

                view->strides[a] = stride * inner;
                if (done) {
                        box->start[a] = start / inner % width;
                        box->size[a] = 1;
                } else if (size % (inner * width) == 0 && start % (inner * width) == 0) {
                        box->start[a] = 0;
                        box->size[a] = width;
                } else {
                        if (size % inner != 0 || start % inner != 0 ||
                            start / inner % width + size / inner > width)
                                return false;
                        box->start[a] = start / inner % width;
                        box->size[a] = size / inner;
                        done = true;
                }
                inner *= width;
        }
        /* A range that leaves the group cannot be: the box lies inside the tensor. */
        return done || size == inner;
}

static bool regroup(const ckpt_tensor *tensor, const ckpt_box *box, const ckpt_view *view, ckpt_box *ret_box,
                    ckpt_view *ret_view)
{
        const ckpt_tensor *in = tensor->inputs[0];
        uint32_t o = 0, i = 0;

        *ret_view = *view;
        while (o < tensor->rank || i < in->rank) {
                const struct group group = next_group(tensor, in, o, i);
                int64_t start, size, stride;

                if (!flatten_out(tensor, box, view, &group, &start, &size, &stride) ||
                    !unflatten_in(in, &group, start, size, stride, ret_box, ret_view))
                        return false;
                o = group.o1;
                i = group.i1;
        }
        return true;
}

/* Strides under the new axes of what has the old strides; false where a group is not without gaps. */
static bool relabel_strides(const ckpt_tensor *out, const ckpt_tensor *leaf, int64_t *strides)
{
        const int64_t *old = leaf->as.leaf.strides;
        uint32_t o = 0, i = 0;

        while (o < out->rank || i < leaf->rank) {
                const struct group group = next_group(out, leaf, o, i);
                int64_t stride = 1, next = 0;
                bool any = false;

                /* One stride through all of the input's axes of the group. */
                for (uint32_t a = group.i1; a-- > group.i0;) {
                        if (leaf->shape[a] == 1)
                                continue;
                        if (any && old[a] != next)
                                return false;
                        if (!any)
                                stride = old[a];
                        any = true;
                        next = old[a] * leaf->shape[a];
                }
                for (uint32_t a = group.o1; a-- > group.o0;) {
                        strides[a] = stride;
                        stride *= out->shape[a];
                }
                o = group.o1;
                i = group.i1;
        }
        return true;
}

static ckpt_status relabel(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_tensor *leaf,
                           const int64_t *strides, const ckpt_box *box, const ckpt_view *view)
{
        ckpt_tensor *same = ckpt_tensor_new(&ckpt_emit_session(emitter)->scope, &ckpt_op_leaf, tensor->dtype,
                                            tensor->rank, tensor->shape, 0, NULL);
        int64_t *copy =
                ckpt_arena_calloc(&ckpt_emit_session(emitter)->scope.arena, tensor->rank, sizeof(*copy));

        if (!same || !copy || ckpt_tensor_is_error(same))
                return CKPT_E_NOMEM;
        if (tensor->rank > 0)
                memcpy(copy, strides, tensor->rank * sizeof(*copy));
        same->as.leaf.place = leaf->as.leaf.place;
        same->as.leaf.strides = copy;
        return ckpt_emit(emitter, same, box, view);
}

static ckpt_status stage_rows(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view)
{
        const ckpt_tensor *in = tensor->inputs[0];
        int64_t strides[CKPT_RANK_MAX], first = 0, last = 0, row = 1;
        ckpt_box rows;
        ckpt_view staging;
        ckpt_status r;

        ckpt_strides_packed(strides, tensor->rank, tensor->shape);
        for (uint32_t i = 0; i < tensor->rank; i++) {
                first += box->start[i] * strides[i];
                last += (box->start[i] + box->size[i] - 1) * strides[i];
        }
        ckpt_box_whole(&rows, in->rank, in->shape);
        for (uint32_t i = 1; i < in->rank; i++)
                row *= in->shape[i];
        if (in->rank > 0) {
                rows.start[0] = first / row;
                rows.size[0] = last / row - rows.start[0] + 1;
                first -= rows.start[0] * row;
        }
        r = ckpt_emit_staging(emitter, in->dtype, in->rank, rows.size, &staging);
        if (r == CKPT_OK)
                r = ckpt_emit(emitter, in, &rows, &staging);
        if (r)
                return r;
        memcpy(staging.strides, strides, tensor->rank * sizeof(*strides));
        staging.bit_offset += first * (int64_t)ckpt_dtype_bits(tensor->dtype);
        return ckpt_emit_copy(emitter, tensor->dtype, tensor->rank, box->size, view, &staging, NULL);
}

static ckpt_status reshape_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                const ckpt_view *view)
{
        const ckpt_tensor *leaf = tensor->inputs[0];
        int64_t strides[CKPT_RANK_MAX];
        ckpt_box there;
        ckpt_view other;

        if (regroup(tensor, box, view, &there, &other))
                return ckpt_emit(emitter, tensor->inputs[0], &there, &other);
        while (leaf->op == &ckpt_op_source)
                leaf = leaf->inputs[0];
        if (leaf->op == &ckpt_op_leaf && ckpt_dtype_bits(leaf->dtype) % 8 == 0 &&
            relabel_strides(tensor, leaf, strides))
                return relabel(emitter, tensor, leaf, strides, box, view);
        return ckpt_emit_tiled(emitter, tensor, box, view, stage_rows);
}

const ckpt_op ckpt_op_reshape = {.name = "reshape", .print = reshape_print, .emit = reshape_emit};

/* Rows of types smaller than a byte are moved as bytes: both shapes must have whole ones. */
static bool rows_are_bytes(ckpt_dtype dtype, uint32_t rank, const int64_t *shape)
{
        return ckpt_dtype_bits(dtype) % 8 == 0 || rank == 0 ||
               shape[rank - 1] * ckpt_dtype_bits(dtype) % 8 == 0;
}

const ckpt_tensor *ckpt_tensor_api_reshape(const ckpt_tensor *tensor, const int64_t *shape, uint32_t rank)
{
        int64_t count;
        bool same;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (rank > CKPT_RANK_MAX || !ckpt_shape_count(tensor->dtype, rank, shape, &count) ||
            count != ckpt_tensor_count(tensor))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "reshape to a shape of another size");
        if (!rows_are_bytes(tensor->dtype, rank, shape) ||
            !rows_are_bytes(tensor->dtype, tensor->rank, tensor->shape))
                return ckpt_tensor_fail(tensor, CKPT_E_UNSUPPORTED, "reshape of %s cuts a byte",
                                        ckpt_dtype_name(tensor->dtype));
        same = rank == tensor->rank;
        for (uint32_t i = 0; same && i < rank; i++)
                same = shape[i] == tensor->shape[i];
        return same ? tensor
                    : ckpt_tensor_new(tensor->scope, &ckpt_op_reshape, tensor->dtype, rank, shape, 1,
                                      &tensor);
}
