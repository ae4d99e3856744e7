/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a parameter's whole values to its binding: the runtime's own part of the loop
 *
 * Each value is sharded by the module's style, then they are put together along axis 0, cast to the
 * parameter's dtype and compared with its shape. A derived parameter takes dtype and shape from the outcome.
 */

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

/* The dtype that the parameter shall have, NONE to keep the expression's. */
static ckpt_dtype wanted_dtype(const ckpt_loop *loop, const ckpt_model_param *param, ckpt_dtype found)
{
        if (!loop->model->derived)
                return param->public.dtype;
        return ckpt_dtype_class_of(found) == CKPT_CLASS_FLOAT ? loop->options->dtype : CKPT_DTYPE_NONE;
}

static const char *source_of(const ckpt_tensor *tensor)
{
        return tensor->op == &ckpt_op_source ? tensor->as.source.name : NULL;
}

static const ckpt_tensor *cast(ckpt_loop *loop, const ckpt_model_param *param, const ckpt_tensor *tensor)
{
        const ckpt_dtype wanted = wanted_dtype(loop, param, tensor->dtype);
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = param->public.name,
                                  .tensor = source_of(tensor),
                                  .hint = "ask for a dtype that the checkpoint's can be cast to"};

        if (wanted == CKPT_DTYPE_NONE || wanted == tensor->dtype || ckpt_tensor_is_error(tensor))
                return tensor;
        if (ckpt_dtype_can_cast(tensor->dtype, wanted))
                return ckpt_tensor_cast(tensor, wanted);
        ckpt_session_fail(
                loop->session, CKPT_E_MISMATCH, &where,
                "the model wants %s and the checkpoint has %s, which cannot be cast without loss of meaning",
                ckpt_dtype_name(wanted), ckpt_dtype_name(tensor->dtype));
        return ckpt_tensor_error(&loop->session->scope);
}

/* Sources of different dtypes are joined in the parameter's, if that is known. */
static const ckpt_tensor *join(ckpt_loop *loop, const ckpt_model_param *param, const ckpt_tensor **parts,
                               uint32_t count)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = param->public.name,
                                  .hint = "ask for one dtype (--dtype, dtype in the options)"};
        bool mixed = false;

        for (uint32_t i = 0; i < count; i++) {
                if (ckpt_tensor_is_error(parts[i]))
                        return parts[i];
                mixed |= parts[i]->dtype != parts[0]->dtype;
        }
        for (uint32_t i = 0; mixed && i < count; i++) {
                parts[i] = cast(loop, param, parts[i]);
                if (ckpt_tensor_is_error(parts[i]))
                        return parts[i];
                if (parts[i]->dtype == parts[0]->dtype)
                        continue;
                ckpt_session_fail(loop->session, CKPT_E_MISMATCH, &where,
                                  "its sources have different dtypes, %s and %s",
                                  ckpt_dtype_name(parts[0]->dtype), ckpt_dtype_name(parts[i]->dtype));
                return ckpt_tensor_error(&loop->session->scope);
        }
        return count == 1 ? parts[0] : ckpt_tensor_concat(parts, count, 0);
}

static bool has_shape(const ckpt_tensor *tensor, const ckpt_param *param)
{
        if (tensor->rank != param->rank)
                return false;
        for (uint32_t i = 0; i < param->rank; i++)
                if (tensor->shape[i] != param->shape[i])
                        return false;
        return true;
}

static void print_shape(ckpt_text *text, const int64_t *shape, uint32_t rank)
{
        ckpt_text_add(text, "[");
        for (uint32_t i = 0; i < rank; i++)
                ckpt_text_add(text, "%s%lld", i ? ", " : "", (long long)shape[i]);
        ckpt_text_add(text, "]");
}

static void fail_shape(ckpt_loop *loop, const ckpt_param *param, const ckpt_shard *shard,
                       const ckpt_tensor *whole, const ckpt_tensor *found)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = param->name,
                .tensor = source_of(whole),
                .hint = "check the model's shape and parallel sizes against the checkpoint"};
        _cleanup_(ckpt_text_deinit) ckpt_text wanted = CKPT_TEXT_INIT, made = CKPT_TEXT_INIT,
                                              style = CKPT_TEXT_INIT, expression = CKPT_TEXT_INIT;

        print_shape(&wanted, param->shape, param->rank);
        print_shape(&made, found->shape, found->rank);
        ckpt_shard_print(loop->session, shard, &style);
        ckpt_tensor_print(found, &expression);
        ckpt_session_fail(loop->session, CKPT_E_MISMATCH, &where,
                          "the model wants shape %s and the checkpoint gives %s (shard: %s), from %s",
                          ckpt_text_get(&wanted), ckpt_text_get(&made), ckpt_text_get(&style),
                          ckpt_text_get(&expression));
}

/* Without memory the session's scope says so, and the load ends with that. */
static void bind(ckpt_loop *loop, uint64_t param, const ckpt_tensor *value)
{
        if (loop->model->derived &&
            ckpt_model_describe_param(loop->model, param, value->dtype, value->rank, value->shape) < 0)
                loop->session->scope.out_of_memory = true;
        loop->bindings[param].value = value;
}

void ckpt_loop_bind(ckpt_loop *loop, const ckpt_module *module, uint64_t param,
                    const ckpt_tensor *const *values, uint32_t count)
{
        const ckpt_model_param *p = loop->model->params.items[param];
        const ckpt_tensor **parts = loop->parts, *value;
        ckpt_shard shard;

        ckpt_mapper_style(loop->mapper, module, &shard);
        for (uint32_t i = 0; i < count; i++) {
                ckpt_tensor_mark_sources(values[i], loop->used);
                parts[i] = ckpt_shard_apply(loop->session, &shard, values[i], p->public.name);
        }
        value = join(loop, p, parts, count);
        if (!ckpt_tensor_is_error(value))
                value = cast(loop, p, value);
        if (ckpt_tensor_is_error(value))
                return;
        if (!loop->model->derived && !has_shape(value, &p->public))
                fail_shape(loop, &p->public, &shard, values[0], value);
        else
                bind(loop, param, value);
}

void ckpt_loop_use(ckpt_loop *loop, const ckpt_weights *view)
{
        for (uint64_t i = 0; i < ckpt_weights_count(view); i++)
                ckpt_tensor_mark_sources(ckpt_weights_at(view, i), loop->used);
}
