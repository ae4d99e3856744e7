/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Adding modules and parameters, by an engine or while a model is derived
 */

#include <string.h>

#include "core/model/model.h"

/* How far back is looked before the index is asked. */
#define NEWEST 4

/* What is added belongs mostly to the module that was added last, or to a fused one not long before it. */
static bool find_newest_module(const ckpt_model *model, const char *name, uint64_t *ret_module)
{
        const uint64_t count = model->modules.count, oldest = count > NEWEST ? count - NEWEST : 0;

        for (uint64_t i = count; i-- > oldest;) {
                if (strcmp(model->modules.items[i]->name, name) == 0) {
                        *ret_module = i;
                        return true;
                }
        }
        return false;
}

ckpt_status ckpt_model_ensure_module(ckpt_model *model, const char *name, int32_t role, uint64_t *ret_module)
{
        const uint64_t index = model->modules.count;
        const char *dot;
        ckpt_module *module;
        ckpt_status r;

        if (find_newest_module(model, name, ret_module))
                return CKPT_OK;
        module = ckpt_arena_alloc(&model->arena, sizeof(*module));
        if (module)
                module->name = ckpt_arena_strdup(&model->arena, name);
        if (!module || !module->name)
                return CKPT_E_NOMEM;
        dot = strrchr(module->name, '.');
        module->api = model->api;
        module->last = dot ? dot + 1 : module->name;
        module->role = role;
        module->model = model;
        r = ckpt_array_grow(&model->modules);
        if (r == CKPT_OK)
                r = ckpt_map_add(&model->module_index, module->name, index);
        if (r == CKPT_ABSENT)
                ckpt_map_find(&model->module_index, name, ret_module);
        if (r != CKPT_OK)
                return r < 0 ? r : CKPT_OK;
        model->modules.items[model->modules.count++] = module;
        *ret_module = index;
        return CKPT_OK;
}

/* Room for one more parameter of a module; most have one or two. */
static ckpt_status grow_params(ckpt_model *model, ckpt_module *module)
{
        const uint64_t count = module->params.count, capacity = count ? count * 2 : 2;
        uint64_t *items;

        if (count < module->params.capacity)
                return CKPT_OK;
        items = ckpt_arena_calloc(&model->arena, capacity, sizeof(*items));
        if (!items)
                return CKPT_E_NOMEM;
        if (count > 0)
                memcpy(items, module->params.items, count * sizeof(*items));
        module->params.items = items;
        module->params.capacity = capacity;
        return CKPT_OK;
}

/* A source of a fused parameter mostly follows the one before it, so that little is between the two. */
static bool find_newest_param(const ckpt_model *model, const ckpt_module *module, const char *param,
                              uint64_t *ret_param)
{
        const uint64_t count = module->params.count, oldest = count > NEWEST ? count - NEWEST : 0;

        for (uint64_t i = count; i-- > oldest;) {
                if (strcmp(model->params.items[module->params.items[i]]->last, param) == 0) {
                        *ret_param = module->params.items[i];
                        return true;
                }
        }
        return false;
}

static ckpt_model_param *param_new(ckpt_model *model, const ckpt_module *owner, const char *param)
{
        const uint64_t length = strlen(owner->name);
        ckpt_model_param *added = ckpt_arena_alloc(&model->arena, sizeof(*added));
        char *name = ckpt_arena_join(&model->arena, owner->name, length, param);

        if (!added || !name)
                return NULL;
        added->public.name = name;
        added->last = length ? name + length + 1 : name;
        added->wanted = true;
        return added;
}

ckpt_status ckpt_model_ensure_param(ckpt_model *model, uint64_t module, const char *param,
                                    uint64_t *ret_param)
{
        ckpt_module *owner = model->modules.items[module];
        const uint64_t index = model->params.count;
        ckpt_model_param *added;
        ckpt_status r;

        if (find_newest_param(model, owner, param, ret_param))
                return CKPT_ABSENT;
        added = param_new(model, owner, param);
        if (!added)
                return CKPT_E_NOMEM;
        r = ckpt_array_grow(&model->params);
        if (r == CKPT_OK)
                r = grow_params(model, owner);
        if (r == CKPT_OK)
                r = ckpt_map_add(&model->param_index, added->public.name, index);
        if (r == CKPT_ABSENT)
                ckpt_map_find(&model->param_index, added->public.name, ret_param);
        if (r != CKPT_OK)
                return r;
        model->params.items[model->params.count++] = added;
        owner->params.items[owner->params.count++] = index;
        *ret_param = index;
        return CKPT_OK;
}

/* Bytes of a row-major tensor; false when there is no such tensor. */
static bool size_of(ckpt_dtype dtype, uint32_t rank, const int64_t *shape, uint64_t *ret_size)
{
        uint64_t bits = ckpt_dtype_bits(dtype);
        bool empty = false;

        if (bits == 0 || rank > CKPT_RANK_MAX || (rank > 0 && !shape))
                return false;
        for (uint32_t i = 0; i < rank; i++) {
                if (shape[i] < 0 ||
                    (shape[i] > 0 && __builtin_mul_overflow(bits, (uint64_t)shape[i], &bits)) ||
                    bits > INT64_MAX)
                        return false;
                empty = empty || shape[i] == 0;
        }
        *ret_size = empty ? 0 : bits / 8;
        return empty || bits % 8 == 0;
}

ckpt_status ckpt_model_describe_param(ckpt_model *model, uint64_t param, ckpt_dtype dtype, uint32_t rank,
                                      const int64_t *shape)
{
        ckpt_model_param *p = model->params.items[param];
        int64_t *copy;
        uint64_t size;

        if (!size_of(dtype, rank, shape, &size))
                return CKPT_E_INVALID;
        copy = ckpt_arena_calloc(&model->arena, rank, sizeof(*copy));
        if (!copy)
                return CKPT_E_NOMEM;
        if (rank > 0)
                memcpy(copy, shape, rank * sizeof(*copy));
        p->public.dtype = dtype;
        p->public.rank = rank;
        p->public.shape = copy;
        p->public.size = size;
        p->described = true;
        return CKPT_OK;
}

/* Keeps modules that own a wanted parameter; their parameters are numbered again, one module after the other.
 */
static ckpt_status keep_module(ckpt_model *model, ckpt_module *module, ckpt_model_param *const *before)
{
        uint64_t kept = 0;

        for (uint64_t i = 0; i < module->params.count; i++) {
                ckpt_model_param *param = before[module->params.items[i]];

                if (!param->wanted)
                        continue;
                if (ckpt_map_add(&model->param_index, param->public.name, model->params.count) < 0)
                        return CKPT_E_NOMEM;
                module->params.items[kept++] = model->params.count;
                model->params.items[model->params.count++] = param;
        }
        module->params.count = kept;
        if (kept == 0)
                return CKPT_OK;
        if (ckpt_map_add(&model->module_index, module->name, model->modules.count) < 0)
                return CKPT_E_NOMEM;
        model->modules.items[model->modules.count++] = module;
        return CKPT_OK;
}

/* Whether all parameters are wanted, and numbered one module after the other. */
static bool is_sealed(const ckpt_model *model)
{
        uint64_t next = 0;

        for (uint64_t i = 0; i < model->modules.count; i++) {
                const ckpt_module *module = model->modules.items[i];

                if (module->params.count == 0)
                        return false;
                for (uint64_t j = 0; j < module->params.count; j++, next++)
                        if (module->params.items[j] != next || !model->params.items[next]->wanted)
                                return false;
        }
        return true;
}

ckpt_status ckpt_model_seal(ckpt_model *model)
{
        const uint64_t n_modules = model->modules.count, n_params = model->params.count;
        ckpt_module **modules;
        ckpt_model_param **params;
        ckpt_status r = CKPT_OK;

        if (is_sealed(model))
                return CKPT_OK;
        modules = ckpt_arena_calloc(&model->arena, n_modules, sizeof(ckpt_module *));
        params = ckpt_arena_calloc(&model->arena, n_params, sizeof(ckpt_model_param *));
        if (!modules || !params)
                return CKPT_E_NOMEM;
        if (n_modules > 0)
                memcpy(modules, model->modules.items, n_modules * sizeof(ckpt_module *));
        if (n_params > 0)
                memcpy(params, model->params.items, n_params * sizeof(ckpt_model_param *));
        ckpt_map_deinit(&model->module_index);
        ckpt_map_deinit(&model->param_index);
        model->modules.count = model->params.count = 0;
        for (uint64_t i = 0; r == CKPT_OK && i < n_modules; i++)
                r = keep_module(model, modules[i], params);
        return r;
}

ckpt_status ckpt_model_builder_add(ckpt_model_builder *builder, const char *module, const char *param,
                                   int32_t role, uint64_t *ret_param)
{
        uint64_t module_at;
        ckpt_status r = CKPT_E_PLUGIN;

        if (!module || !param || !*param || role < CKPT_ROLE_PLAIN || role > CKPT_ROLE_SPECIAL)
                ckpt_session_fail(
                        builder->session, r, NULL,
                        "a parameter was added without module, name or known role; the mapper is at fault");
        else
                r = ckpt_model_ensure_module(builder->model, module, role, &module_at);
        if (r == CKPT_OK)
                r = ckpt_model_ensure_param(builder->model, module_at, param, ret_param);
        if (r < 0 && builder->status == CKPT_OK)
                builder->status = r;
        return r;
}

void ckpt_model_api_add_param(ckpt_model_builder *builder, const char *module, const char *param,
                              int32_t role)
{
        uint64_t at;

        ckpt_model_builder_add(builder, module, param, role, &at);
}

ckpt_status ckpt_model_add_module(ckpt_model *model, const char *name, int32_t role, const char *tag)
{
        uint64_t at;
        ckpt_status r;

        if (!model || !name || role < CKPT_ROLE_PLAIN || role > CKPT_ROLE_SPECIAL ||
            ckpt_map_find(&model->module_index, name, &at))
                return CKPT_E_INVALID;
        r = ckpt_model_ensure_module(model, name, role, &at);
        if (r != CKPT_OK || !tag)
                return r;
        model->modules.items[at]->tag = ckpt_arena_strdup(&model->arena, tag);
        return model->modules.items[at]->tag ? CKPT_OK : CKPT_E_NOMEM;
}

ckpt_status ckpt_model_add_param_buffer(ckpt_model *model, const char *module, const char *param,
                                        ckpt_dtype dtype, uint32_t rank, const int64_t *shape, void *data)
{
        uint64_t module_at, param_at, size;
        ckpt_status r;

        if (!model || !module || !param || !*param || !size_of(dtype, rank, shape, &size))
                return CKPT_E_INVALID;
        if (!ckpt_map_find(&model->module_index, module, &module_at))
                return CKPT_E_NOT_FOUND;
        r = ckpt_model_ensure_param(model, module_at, param, &param_at);
        if (r == CKPT_ABSENT)
                return CKPT_E_INVALID;
        if (r == CKPT_OK)
                r = ckpt_model_describe_param(model, param_at, dtype, rank, shape);
        if (r == CKPT_OK)
                model->params.items[param_at]->buffer = data;
        return r;
}
