/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_OP_OP_H
#define CKPT_OP_OP_H

/*
 * What a kind of node is: one row
 *
 * Each operation has a file of its own here with its description (checks and shape inference, a service of
 * ckpt/tensor.h), its name and attributes for people, and the way in which the planner takes it apart. The
 * planner has no switch over operations: a new one is a new row.
 */

#include "core/plan/emit.h"
#include "core/tensor/tensor.h"

typedef struct ckpt_op {
        const char *name;

        /** Appends the attributes that stand before the inputs, each with ", " behind it. NULL: none. */
        void (*print)(const ckpt_tensor *tensor, ckpt_text *text);

        /**
         * Emits what writes tensor[box] into view: calls ckpt_emit for the parts of its inputs, or stages
         * them and adds steps. The box is not empty.
         */
        ckpt_status (*emit)(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                            const ckpt_view *view);

        /**
         * The axis along which pieces of the tensor come from ranges of the sources that stay contiguous; a
         * hint, for cutting large boxes. NULL: the first.
         */
        uint32_t (*cut_axis)(const ckpt_tensor *tensor);

        /** One of CKPT_ELEMENTWISE_… for operations of one pass, which the planner joins; else 0. */
        int32_t elementwise;

        /** Bytes of ckpt_tensor.as that its nodes have: those of its own member, since a leaf's are many. 0: all. */
        uint32_t attributes;
} ckpt_op;

#define CKPT_ATTRIBUTES(member) sizeof(((ckpt_tensor *)0)->as.member)

extern const ckpt_op ckpt_op_leaf, ckpt_op_source, ckpt_op_error;
extern const ckpt_op ckpt_op_slice, ckpt_op_concat, ckpt_op_stack, ckpt_op_pad;
extern const ckpt_op ckpt_op_reshape, ckpt_op_permute, ckpt_op_repeat_blocks, ckpt_op_gather;
extern const ckpt_op ckpt_op_cast, ckpt_op_add_scalar, ckpt_op_mul_scalar, ckpt_op_neg_exp;

/** ckpt_op.cut_axis of a tensor, 0 without one. */
static inline uint32_t ckpt_op_cut_axis(const ckpt_tensor *tensor)
{
        return tensor->op->cut_axis ? tensor->op->cut_axis(tensor) : 0;
}

/** cut_axis for operations that keep the axes of their input. */
uint32_t ckpt_op_cut_axis_of_input(const ckpt_tensor *tensor);

/**
 * For describing: whether a range of `axis` is a whole number of bytes, which sub-byte types do not give for
 * free: `elements` along the axis, times everything inside it.
 */
bool ckpt_op_whole_bytes(const ckpt_tensor *tensor, int32_t axis, int64_t elements);
/** An axis counted from the end becomes one from the start; false when there is no such axis. */
bool ckpt_op_axis(const ckpt_tensor *tensor, int32_t *axis);

/* The services of ckpt/tensor.h, entries of ckpt_api_table. */
const ckpt_tensor *ckpt_tensor_api_slice(const ckpt_tensor *tensor, int32_t axis, int64_t start,
                                         int64_t stop);
const ckpt_tensor *ckpt_tensor_api_concat(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
const ckpt_tensor *ckpt_tensor_api_stack(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
const ckpt_tensor *ckpt_tensor_api_reshape(const ckpt_tensor *tensor, const int64_t *shape, uint32_t rank);
const ckpt_tensor *ckpt_tensor_api_permute(const ckpt_tensor *tensor, const int32_t *axes, uint32_t rank);
const ckpt_tensor *ckpt_tensor_api_repeat_blocks(const ckpt_tensor *tensor, int32_t axis, int64_t blocks,
                                                 int64_t reps);
const ckpt_tensor *ckpt_tensor_api_gather(const ckpt_tensor *tensor, int32_t axis, const int64_t *index,
                                          int64_t count);
const ckpt_tensor *ckpt_tensor_api_pad(const ckpt_tensor *tensor, int32_t axis, int64_t size);
const ckpt_tensor *ckpt_tensor_api_cast(const ckpt_tensor *tensor, ckpt_dtype dtype);
const ckpt_tensor *ckpt_tensor_api_add_scalar(const ckpt_tensor *tensor, double value);
const ckpt_tensor *ckpt_tensor_api_mul_scalar(const ckpt_tensor *tensor, double value);
const ckpt_tensor *ckpt_tensor_api_neg_exp(const ckpt_tensor *tensor);

#endif
