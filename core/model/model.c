/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A model's life, and looking at it
 */

#include "core/model/model.h"

#include <stdlib.h>
#include <string.h>

static ckpt_status model_new(bool derived, ckpt_model **ret_model)
{
        ckpt_model *model = calloc(1, sizeof(*model));

        if (!model)
                return CKPT_E_NOMEM;
        model->api = &ckpt_api_table;
        atomic_init(&model->references, 1);
        model->derived = derived;
        memcpy(model->device, "cpu", sizeof("cpu"));
        *ret_model = model;
        return CKPT_OK;
}

ckpt_status ckpt_model_new_derived(ckpt_model **ret_model)
{
        return model_new(true, ret_model);
}

ckpt_status ckpt_model_new(ckpt_host *host, ckpt_model **ret_model)
{
        return host ? model_new(false, ret_model) : CKPT_E_INVALID;
}

ckpt_model *ckpt_model_ref(ckpt_model *model)
{
        if (model)
                atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
        return model;
}

ckpt_model *ckpt_model_unref(ckpt_model *model)
{
        if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        ckpt_array_deinit(&model->modules);
        ckpt_array_deinit(&model->params);
        ckpt_map_deinit(&model->module_index);
        ckpt_map_deinit(&model->param_index);
        ckpt_memory_unref(model->memory);
        ckpt_arena_deinit(&model->arena);
        free(model);
        return NULL;
}

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
        uint64_t at;

        return model && name && ckpt_map_find(&model->param_index, name, &at)
                       ? &model->params.items[at]->public
                       : NULL;
}

const char *ckpt_model_device(const ckpt_model *model)
{
        return model ? model->device : NULL;
}

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
        return index < module->params.count ? module->model->params.items[module->params.items[index]]->last
                                            : NULL;
}
