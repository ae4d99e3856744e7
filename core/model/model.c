/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Models: modules and parameters, by name and in order
 */

#include "core/model/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/tensor/tensor.h"

static ckpt_status model_new(bool derived, ckpt_model **ret_model)
{
        ckpt_model *model = calloc(1, sizeof(*model));

        if (!model)
                return CKPT_E_NOMEM;
        model->api = &ckpt_api_table;
        atomic_init(&model->references, 1);
        model->derived = derived;
        *ret_model = model;
        return CKPT_OK;
}

ckpt_status ckpt_model_new(ckpt_host *host, ckpt_model **ret_model)
{
        (void)host;
        return model_new(false, ret_model);
}

ckpt_status ckpt_model_new_derived(ckpt_model **ret_model)
{
        return model_new(true, ret_model);
}

ckpt_model *ckpt_model_ref(ckpt_model *model)
{
        if (model)
                atomic_fetch_add(&model->references, 1);
        return model;
}

ckpt_model *ckpt_model_unref(ckpt_model *model)
{
        if (!model || atomic_fetch_sub(&model->references, 1) != 1)
                return NULL;
        for (uint64_t i = 0; i < model->modules.count; i++)
                ckpt_array_deinit(&model->modules.items[i]->params);
        ckpt_array_deinit(&model->modules);
        ckpt_array_deinit(&model->params);
        ckpt_map_deinit(&model->module_index);
        ckpt_map_deinit(&model->param_index);
        ckpt_memory_unref(model->memory);
        ckpt_arena_deinit(&model->arena);
        free(model);
        return NULL;
}

/* ---- building ---- */

static const char *last_component(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot ? dot + 1 : name;
}

ckpt_status ckpt_model_ensure_module(ckpt_model *model, const char *name, int32_t role, uint64_t *ret_module)
{
        ckpt_module *module;
        ckpt_status r;

        if (ckpt_map_find(&model->module_index, name, ret_module))
                return CKPT_OK;
        module = ckpt_arena_alloc(&model->arena, sizeof(*module));
        if (!module)
                return CKPT_E_NOMEM;
        module->api = model->api;
        module->model = model;
        module->role = role;
        module->name = ckpt_arena_strdup(&model->arena, name);
        if (!module->name)
                return CKPT_E_NOMEM;
        module->last = last_component(module->name);
        r = ckpt_array_grow(&model->modules);
        if (r == CKPT_OK)
                r = ckpt_map_add(&model->module_index, module->name, model->modules.count);
        if (r)
                return r;
        *ret_module = model->modules.count;
        return ckpt_array_push(&model->modules, module);
}

/* "module.param"; the module of the root has no name. */
static const char *whole_name(ckpt_model *model, const ckpt_module *module, const char *param)
{
        return *module->name ? ckpt_arena_printf(&model->arena, "%s.%s", module->name, param)
                             : ckpt_arena_strdup(&model->arena, param);
}

ckpt_status ckpt_model_ensure_param(ckpt_model *model, uint64_t module, const char *name, uint64_t *ret_param)
{
        ckpt_module *owner = model->modules.items[module];
        ckpt_model_param *param = ckpt_arena_alloc(&model->arena, sizeof(*param));
        ckpt_status r;

        if (!param)
                return CKPT_E_NOMEM;
        param->public.name = whole_name(model, owner, name);
        param->last = ckpt_arena_strdup(&model->arena, name);
        param->module = module;
        param->wanted = true;
        if (!param->public.name || !param->last)
                return CKPT_E_NOMEM;
        if (ckpt_map_find(&model->param_index, param->public.name, ret_param))
                return CKPT_ABSENT;
        r = ckpt_array_grow(&model->params);
        if (r == CKPT_OK)
                r = ckpt_map_add(&model->param_index, param->public.name, model->params.count);
        if (r == CKPT_OK)
                r = ckpt_array_push(&owner->params, model->params.count);
        if (r)
                return r;
        *ret_param = model->params.count;
        return ckpt_array_push(&model->params, param);
}

ckpt_status ckpt_model_describe_param(ckpt_model *model, uint64_t index, ckpt_dtype dtype, uint32_t rank, const int64_t *shape)
{
        ckpt_model_param *param = model->params.items[index];
        int64_t *copy = ckpt_arena_calloc(&model->arena, rank, sizeof(*copy)), count;

        if (!copy)
                return CKPT_E_NOMEM;
        if (ckpt_dtype_bits(dtype) == 0 || rank > CKPT_RANK_MAX || !ckpt_shape_count(dtype, rank, shape, &count))
                return CKPT_E_INVALID;
        if (rank > 0)
                memcpy(copy, shape, rank * sizeof(*copy));
        param->public.dtype = dtype;
        param->public.rank = rank;
        param->public.shape = copy;
        param->public.size = (uint64_t)count * ckpt_dtype_bits(dtype) / 8;
        param->described = true;
        return CKPT_OK;
}

/* Numbers change when parameters go: everything that holds one is made anew. */
static ckpt_status renumber(ckpt_model *model)
{
        uint64_t modules = 0;

        ckpt_map_deinit(&model->module_index);
        ckpt_map_deinit(&model->param_index);
        for (uint64_t i = 0; i < model->modules.count; i++)
                model->modules.items[i]->params.count = 0;
        for (uint64_t i = 0; i < model->params.count; i++) {
                ckpt_model_param *param = model->params.items[i];
                ckpt_status r = ckpt_map_add(&model->param_index, param->public.name, i);

                if (r == CKPT_OK)
                        r = ckpt_array_push(&model->modules.items[param->module]->params, i);
                if (r)
                        return r;
        }
        for (uint64_t i = 0; i < model->modules.count; i++) {
                ckpt_module *module = model->modules.items[i];
                ckpt_status r = CKPT_OK;

                if (module->params.count == 0) {
                        ckpt_array_deinit(&module->params);
                        continue;
                }
                for (uint64_t p = 0; p < module->params.count; p++)
                        model->params.items[module->params.items[p]]->module = modules;
                r = ckpt_map_add(&model->module_index, module->name, modules);
                if (r)
                        return r;
                model->modules.items[modules++] = module;
        }
        model->modules.count = modules;
        return CKPT_OK;
}

ckpt_status ckpt_model_seal(ckpt_model *model)
{
        uint64_t kept = 0;

        for (uint64_t i = 0; i < model->params.count; i++)
                if (model->params.items[i]->wanted)
                        model->params.items[kept++] = model->params.items[i];
        if (kept == model->params.count)
                return CKPT_OK;
        model->params.count = kept;
        return renumber(model);
}

ckpt_status ckpt_model_add_module(ckpt_model *model, const char *name, int32_t role, const char *tag)
{
        uint64_t index;
        ckpt_status r;

        if (!name || role < CKPT_ROLE_PLAIN || role > CKPT_ROLE_SPECIAL || ckpt_map_find(&model->module_index, name, &index))
                return CKPT_E_INVALID;
        r = ckpt_model_ensure_module(model, name, role, &index);
        if (r || !tag)
                return r;
        model->modules.items[index]->tag = ckpt_arena_strdup(&model->arena, tag);
        return model->modules.items[index]->tag ? CKPT_OK : CKPT_E_NOMEM;
}

ckpt_status ckpt_model_add_param_buffer(ckpt_model *model, const char *module, const char *name, ckpt_dtype dtype,
                                        uint32_t rank, const int64_t *shape, void *data)
{
        uint64_t owner, index;
        ckpt_status r;

        if (!module || !name || !ckpt_map_find(&model->module_index, module, &owner))
                return CKPT_E_INVALID;
        r = ckpt_model_ensure_param(model, owner, name, &index);
        if (r)
                return r > 0 ? CKPT_E_INVALID : r;
        r = ckpt_model_describe_param(model, index, dtype, rank, shape);
        model->params.items[index]->buffer = data;
        return r;
}

/* ---- looking ---- */

uint64_t ckpt_model_count(const ckpt_model *model)
{
        return model ? model->params.count : 0;
}

const ckpt_param *ckpt_model_param_at(const ckpt_model *model, uint64_t index)
{
        return index < ckpt_model_count(model) ? &model->params.items[index]->public : NULL;
}

const ckpt_param *ckpt_model_find(const ckpt_model *model, const char *name)
{
        uint64_t index;

        return model && ckpt_map_find(&model->param_index, name, &index) ? &model->params.items[index]->public : NULL;
}

const char *ckpt_model_device(const ckpt_model *model)
{
        return model->device;
}

/* ---- what a mapper sees ---- */

const char *ckpt_module_api_name(const ckpt_module *module)
{
        return module->name;
}

const char *ckpt_module_api_last(const ckpt_module *module)
{
        return module->last;
}

int32_t ckpt_module_api_role(const ckpt_module *module)
{
        return module->role;
}

const char *ckpt_module_api_tag(const ckpt_module *module)
{
        return module->tag;
}

uint32_t ckpt_module_api_param_count(const ckpt_module *module)
{
        return (uint32_t)module->params.count;
}

const char *ckpt_module_api_param_name(const ckpt_module *module, uint32_t index)
{
        return index < module->params.count ? module->model->params.items[module->params.items[index]]->last : NULL;
}

void ckpt_model_api_add_param(ckpt_model_builder *builder, const char *module, const char *param, int32_t role)
{
        uint64_t owner, index;
        ckpt_status r;

        if (builder->status)
                return;
        if (!module || !param || !*param) {
                builder->status = ckpt_session_fail(builder->session, CKPT_E_PLUGIN, NULL,
                                                    "derive_model added a parameter without a name");
                return;
        }
        r = ckpt_model_ensure_module(builder->model, module, role, &owner);
        if (r == CKPT_OK)
                r = ckpt_model_ensure_param(builder->model, owner, param, &index);
        /* One that is there already is left alone. */
        if (r < 0)
                builder->status = r;
}
