/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cast, add_scalar, mul_scalar, neg_exp: a chain of them is one pass over the data
 */

#include "core/op/op.h"

static void scalar_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%g, ", tensor->as.scalar.value);
}

static void cast_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%s, ", ckpt_dtype_name(tensor->dtype));
}

/* The operations from the top down to the first that is none, put in the order in which they are done. */
static const ckpt_tensor *collect_chain(const ckpt_tensor *tensor, ckpt_elementwise *pass)
{
        const ckpt_tensor *base = tensor;
        uint32_t count = 0;

        while (base->op->elementwise && count < CKPT_ELEMENTWISE_OPS) {
                count++;
                base = base->inputs[0];
        }
        pass->n_ops = count;
        pass->dst_dtype = tensor->dtype;
        pass->src_dtype = base->dtype;
        for (uint32_t i = count; i-- > 0; tensor = tensor->inputs[0])
                pass->ops[i] = (ckpt_elementwise_op){
                        .kind = tensor->op->elementwise,
                        .dtype = tensor->dtype,
                        .value = tensor->as.scalar.value,
                };
        return base;
}

/* Axes beyond what a kernel takes become steps of their own. */
static ckpt_status pass_emit(ckpt_emitter *emitter, const ckpt_axes *axes, const ckpt_step *whole,
                             uint32_t first)
{
        const int64_t dst_size = ckpt_dtype_bits(whole->as.elementwise.dst_dtype) / 8;
        const int64_t src_size = ckpt_dtype_bits(whole->as.elementwise.src_dtype) / 8;
        ckpt_step step = *whole;

        if (axes->count - first > CKPT_KERNEL_RANK) {
                ckpt_status r = CKPT_OK;

                for (int64_t i = 0; i < axes->size[first] && r == CKPT_OK; i++) {
                        step.dst.offset = whole->dst.offset + (uint64_t)(i * axes->dst[first] * dst_size);
                        step.src.offset = whole->src.offset + (uint64_t)(i * axes->src[first] * src_size);
                        r = pass_emit(emitter, axes, &step, first + 1);
                }
                return r;
        }
        step.as.elementwise.rank = axes->count - first;
        for (uint32_t i = first; i < axes->count; i++) {
                step.as.elementwise.shape[i - first] = axes->size[i];
                step.as.elementwise.dst_stride[i - first] = axes->dst[i];
                step.as.elementwise.src_stride[i - first] = axes->src[i];
        }
        return ckpt_emit_step(emitter, &step);
}

static ckpt_status elementwise_in_tile(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                       const ckpt_view *view)
{
        ckpt_step step = {.kind = CKPT_STEP_ELEMENTWISE};
        const ckpt_tensor *base = collect_chain(tensor, &step.as.elementwise);
        ckpt_view staging;
        ckpt_axes axes;
        ckpt_status r = ckpt_emit_staging(emitter, base->dtype, base->rank, box->size, &staging);

        if (r == CKPT_OK)
                r = ckpt_emit(emitter, base, box, &staging);
        if (r)
                return r;
        step.dst = ckpt_emit_operand(view);
        step.src = ckpt_emit_operand(&staging);
        ckpt_axes_init(&axes, tensor->rank, box->size, view->strides, staging.strides);
        return pass_emit(emitter, &axes, &step, 0);
}

static ckpt_status elementwise_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                    const ckpt_view *view)
{
        return ckpt_emit_tiled(emitter, tensor, box, view, elementwise_in_tile);
}

#define ELEMENTWISE(name_, print_, kind_)                                      \
        {                                                                      \
                .name = (name_), .print = (print_), .emit = elementwise_emit,  \
                .cut_axis = ckpt_op_cut_axis_of_input, .elementwise = (kind_), \
                .attributes = CKPT_ATTRIBUTES(scalar)                          \
        }

const ckpt_op ckpt_op_cast = ELEMENTWISE("cast", cast_print, CKPT_ELEMENTWISE_CAST);
const ckpt_op ckpt_op_add_scalar = ELEMENTWISE("add_scalar", scalar_print, CKPT_ELEMENTWISE_ADD_SCALAR);
const ckpt_op ckpt_op_mul_scalar = ELEMENTWISE("mul_scalar", scalar_print, CKPT_ELEMENTWISE_MUL_SCALAR);
const ckpt_op ckpt_op_neg_exp = ELEMENTWISE("neg_exp", NULL, CKPT_ELEMENTWISE_NEG_EXP);

static const ckpt_tensor *elementwise_new(const ckpt_op *op, const ckpt_tensor *tensor, ckpt_dtype dtype,
                                          double value)
{
        ckpt_tensor *made =
                ckpt_tensor_new(tensor->scope, op, dtype, tensor->rank, tensor->shape, 1, &tensor);

        if (made && !ckpt_tensor_is_error(made))
                made->as.scalar.value = value;
        return made;
}

const ckpt_tensor *ckpt_tensor_api_cast(const ckpt_tensor *tensor, ckpt_dtype dtype)
{
        int64_t count;

        if (ckpt_tensor_is_error(tensor) || tensor->dtype == dtype)
                return tensor;
        if (!ckpt_dtype_can_cast(tensor->dtype, dtype))
                return ckpt_tensor_fail(tensor, CKPT_E_UNSUPPORTED, "cast from %s to %s is not offered",
                                        ckpt_dtype_name(tensor->dtype), ckpt_dtype_name(dtype));
        if (!ckpt_shape_count(dtype, tensor->rank, tensor->shape, &count))
                return ckpt_tensor_fail(tensor, CKPT_E_LIMIT, "cast to %s is too large to address",
                                        ckpt_dtype_name(dtype));
        return elementwise_new(&ckpt_op_cast, tensor, dtype, 0);
}

static const ckpt_tensor *arithmetic_new(const ckpt_op *op, const ckpt_tensor *tensor, double value)
{
        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (!ckpt_dtype_has_arithmetic(tensor->dtype))
                return ckpt_tensor_fail(tensor, CKPT_E_UNSUPPORTED, "%s of %s is not offered", op->name,
                                        ckpt_dtype_name(tensor->dtype));
        return elementwise_new(op, tensor, tensor->dtype, value);
}

const ckpt_tensor *ckpt_tensor_api_add_scalar(const ckpt_tensor *tensor, double value)
{
        return arithmetic_new(&ckpt_op_add_scalar, tensor, value);
}

const ckpt_tensor *ckpt_tensor_api_mul_scalar(const ckpt_tensor *tensor, double value)
{
        return arithmetic_new(&ckpt_op_mul_scalar, tensor, value);
}

const ckpt_tensor *ckpt_tensor_api_neg_exp(const ckpt_tensor *tensor)
{
        return arithmetic_new(&ckpt_op_neg_exp, tensor, 0);
}
