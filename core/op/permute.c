/* SPDX-License-Identifier: Apache-2.0 */

/*
 * permute: axes in another order. The view's strides are permuted; where that leaves no contiguous run, the
 * leaf below stages its bytes and a kernel moves them.
 */

#include <string.h>

#include "core/op/op.h"

static void permute_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "[");
        for (uint32_t i = 0; i < tensor->rank; i++)
                ckpt_text_add(text, "%s%d", i > 0 ? ", " : "", tensor->as.permute.axes[i]);
        ckpt_text_add(text, "], ");
}

static ckpt_status permute_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                const ckpt_view *view)
{
        ckpt_box turned;
        ckpt_view there = *view;

        for (uint32_t i = 0; i < tensor->rank; i++) {
                const int32_t from = tensor->as.permute.axes[i];

                turned.start[from] = box->start[i];
                turned.size[from] = box->size[i];
                there.strides[from] = view->strides[i];
        }
        return ckpt_emit(emitter, tensor->inputs[0], &turned, &there);
}

static uint32_t permute_cut_axis(const ckpt_tensor *tensor)
{
        const uint32_t wanted = ckpt_op_cut_axis(tensor->inputs[0]);

        for (uint32_t i = 0; i < tensor->rank; i++)
                if ((uint32_t)tensor->as.permute.axes[i] == wanted)
                        return i;
        return 0;
}

const ckpt_op ckpt_op_permute = {
        .name = "permute",
        .print = permute_print,
        .emit = permute_emit,
        .cut_axis = permute_cut_axis,
        .attributes = CKPT_ATTRIBUTES(permute),
};

static bool is_permutation(const int32_t *axes, uint32_t rank)
{
        bool seen[CKPT_RANK_MAX] = {false};

        for (uint32_t i = 0; i < rank; i++) {
                if (axes[i] < 0 || axes[i] >= (int32_t)rank || seen[axes[i]])
                        return false;
                seen[axes[i]] = true;
        }
        return true;
}

static bool is_identity(const int32_t *axes, uint32_t rank)
{
        for (uint32_t i = 0; i < rank; i++)
                if (axes[i] != (int32_t)i)
                        return false;
        return true;
}

const ckpt_tensor *ckpt_tensor_api_permute(const ckpt_tensor *tensor, const int32_t *axes, uint32_t rank)
{
        int64_t shape[CKPT_RANK_MAX];
        int32_t *copy;
        ckpt_tensor *permute;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (rank != tensor->rank || !is_permutation(axes, rank))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID,
                                        "permute of a tensor of %u axes by something else than its axes",
                                        tensor->rank);
        if (is_identity(axes, rank))
                return tensor;
        /* Bytes of a sub-byte type can be moved as long as whole rows of the last axis stay together. */
        if (ckpt_dtype_bits(tensor->dtype) % 8 != 0 &&
            (axes[rank - 1] != (int32_t)rank - 1 ||
             !ckpt_op_whole_bytes(tensor, (int32_t)rank - 1, tensor->shape[rank - 1])))
                return ckpt_tensor_fail(tensor, CKPT_E_UNSUPPORTED, "permute of %s cuts a byte",
                                        ckpt_dtype_name(tensor->dtype));
        for (uint32_t i = 0; i < rank; i++)
                shape[i] = tensor->shape[axes[i]];
        permute = ckpt_tensor_new(tensor->scope, &ckpt_op_permute, tensor->dtype, rank, shape, 1, &tensor);
        if (!permute || ckpt_tensor_is_error(permute))
                return permute;
        copy = ckpt_arena_calloc(&tensor->scope->arena, rank, sizeof(*copy));
        if (!copy) {
                tensor->scope->out_of_memory = true;
                return ckpt_tensor_error(tensor->scope);
        }
        memcpy(copy, axes, rank * sizeof(*copy));
        permute->as.permute.axes = copy;
        return permute;
}
