/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making and reading nodes
 */

#include "core/tensor/tensor.h"

#include <stddef.h>
#include <string.h>

#include "core/op/op.h"

const ckpt_tensor *ckpt_tensor_error(ckpt_scope *scope)
{
        if (!scope->error) {
                ckpt_tensor *error = ckpt_arena_alloc(&scope->arena, sizeof(*error));

                if (!error) {
                        scope->out_of_memory = true;
                        return NULL;
                }
                error->api = scope->api;
                error->scope = scope;
                error->op = &ckpt_op_error;
                scope->error = error;
        }
        return scope->error;
}

bool ckpt_tensor_is_error(const ckpt_tensor *tensor)
{
        return tensor && tensor->op == &ckpt_op_error;
}

bool ckpt_tensor_is_source(const ckpt_tensor *tensor)
{
        return tensor->op == &ckpt_op_source;
}

ckpt_tensor *ckpt_tensor_new(ckpt_scope *scope, const struct ckpt_op *op, ckpt_dtype dtype, uint32_t rank,
                             const int64_t *shape, uint32_t n_inputs, const ckpt_tensor *const *inputs)
{
        /* One piece: the node with its operation's own attributes, its shape, its inputs. */
        const uint64_t node_bytes =
                op->attributes ? offsetof(ckpt_tensor, as) + op->attributes : sizeof(ckpt_tensor);
        const uint64_t node_words = (node_bytes + sizeof(*shape) - 1) / sizeof(*shape);
        const uint64_t shape_bytes = rank * sizeof(*shape), input_bytes = n_inputs * sizeof(ckpt_tensor *);
        void *const piece =
                ckpt_arena_alloc(&scope->arena, node_words * sizeof(*shape) + shape_bytes + input_bytes);
        ckpt_tensor *const tensor = piece;
        int64_t *own_shape;

        if (!tensor) {
                scope->out_of_memory = true;
                ckpt_tensor_error(scope);
                return scope->error;
        }
        own_shape = (int64_t *)piece + node_words;
        tensor->api = scope->api;
        tensor->scope = scope;
        tensor->op = op;
        tensor->dtype = dtype;
        tensor->rank = rank;
        tensor->n_inputs = n_inputs;
        tensor->shape = own_shape;
        tensor->inputs = (const ckpt_tensor **)(own_shape + rank);
        if (rank > 0)
                memcpy(own_shape, shape, shape_bytes);
        if (n_inputs > 0)
                memcpy(own_shape + rank, inputs, input_bytes);
        return tensor;
}

/* The first source below a node: the name by which a person finds the place. */
static const char *first_source(const ckpt_tensor *tensor)
{
        while (tensor) {
                if (tensor->op == &ckpt_op_source)
                        return tensor->as.source.name;
                tensor = tensor->n_inputs > 0 ? tensor->inputs[0] : NULL;
        }
        return NULL;
}

const ckpt_tensor *ckpt_tensor_fail(const ckpt_tensor *tensor, ckpt_status status, const char *format, ...)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = first_source(tensor),
                .hint = "the weight mapper described something that this tensor's type does not allow",
        };
        va_list arguments;

        va_start(arguments, format);
        ckpt_diagnostics_addv(tensor->scope->diagnostics, status, NULL, NULL, &where, format, arguments);
        va_end(arguments);
        return ckpt_tensor_error(tensor->scope);
}

bool ckpt_shape_count(ckpt_dtype dtype, uint32_t rank, const int64_t *shape, int64_t *ret_count)
{
        int64_t count = 1, bits = 0, nonzero = 1;
        bool empty = false;

        for (uint32_t i = 0; i < rank; i++) {
                if (shape[i] < 0)
                        return false;
                if (shape[i] == 0)
                        empty = true;
                else if (__builtin_mul_overflow(nonzero, shape[i], &nonzero))
                        return false;
        }
        /* Axes of zero elements do not hide the others: strides are made of them too. */
        if (__builtin_mul_overflow(nonzero, (int64_t)ckpt_dtype_bits(dtype), &bits))
                return false;
        count = empty ? 0 : nonzero;
        *ret_count = count;
        return true;
}

int64_t ckpt_tensor_count(const ckpt_tensor *tensor)
{
        int64_t count = 1;

        for (uint32_t i = 0; i < tensor->rank; i++)
                count *= tensor->shape[i];
        return count;
}

uint64_t ckpt_tensor_size(const ckpt_tensor *tensor)
{
        return (uint64_t)ckpt_tensor_count(tensor) * ckpt_dtype_bits(tensor->dtype) / 8;
}

void ckpt_tensor_mark_sources(const ckpt_tensor *tensor, bool *marks)
{
        if (tensor->op == &ckpt_op_source) {
                marks[tensor->as.source.index] = true;
                return;
        }
        for (uint32_t i = 0; i < tensor->n_inputs; i++)
                ckpt_tensor_mark_sources(tensor->inputs[i], marks);
}

void ckpt_tensor_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        if (tensor->op == &ckpt_op_source) {
                ckpt_text_add_escaped(text, tensor->as.source.name);
                return;
        }
        ckpt_text_add(text, "%s(", tensor->op->name);
        if (tensor->op->print)
                tensor->op->print(tensor, text);
        for (uint32_t i = 0; i < tensor->n_inputs; i++) {
                if (i > 0)
                        ckpt_text_add(text, ", ");
                ckpt_tensor_print(tensor->inputs[i], text);
        }
        ckpt_text_add(text, ")");
}

void ckpt_tensor_print_type(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%s [", ckpt_dtype_name(tensor->dtype));
        for (uint32_t i = 0; i < tensor->rank; i++)
                ckpt_text_add(text, "%s%lld", i > 0 ? ", " : "", (long long)tensor->shape[i]);
        ckpt_text_add(text, "]");
}

ckpt_dtype ckpt_tensor_api_dtype(const ckpt_tensor *tensor)
{
        return tensor->dtype;
}

uint32_t ckpt_tensor_api_rank(const ckpt_tensor *tensor)
{
        return tensor->rank;
}

const int64_t *ckpt_tensor_api_shape(const ckpt_tensor *tensor)
{
        return tensor->shape;
}
