/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The runtime's own mapper, on which every chain ends: names stay as they are, values are copied, and the
 * rules decide the rest. derive_model is in derive.c.
 *
 * It asks whatever a component may have overridden through m->top.
 */

#include <ckpt/interfaces.h>

#include "core/mapper/loop.h"

static const struct ckpt_rules *rules_of(const ckpt_mapper *m)
{
        return ckpt_link_of(m)->chain->rules;
}

ckpt_status ckpt_base_init_model_and_config(ckpt_mapper *m)
{
        (void)m;
        return CKPT_OK;
}

const char *ckpt_base_rename(ckpt_mapper *m, const char *name)
{
        (void)m;
        return name;
}

const ckpt_weights *ckpt_base_preprocess_weights(ckpt_mapper *m, const ckpt_weights *weights)
{
        (void)m;
        return weights;
}

/* A callback that returns NULL ends the row: the caller reports it. */
const ckpt_weights *ckpt_base_apply_callbacks(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                              const ckpt_weights *weights)
{
        const struct ckpt_rules *rules = rules_of(m);

        for (uint64_t i = 0; rules && weights && i < rules->callbacks.count; i++)
                weights = rules->callbacks.items[i](m->top, module, source, weights);
        return weights;
}

const ckpt_tensor *ckpt_base_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                const ckpt_weights *weights, const char *name)
{
        (void)m;
        (void)module;
        return ckpt_weights_get(weights, name);
}

int32_t ckpt_base_is_special_instance_module(ckpt_mapper *m, const ckpt_module *module)
{
        (void)m;
        (void)module;
        return 0;
}

/* Only a mapper that calls a module special gets here, and it said so without a way to handle it. */
ckpt_status ckpt_base_handle_special_instance_module(ckpt_mapper *m, const ckpt_module *module,
                                                     const ckpt_weights *weights)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = module->name,
                .hint = "define handle_special_instance_module in the mapper that says it is special"};

        (void)weights;
        return ckpt_session_fail(ckpt_link_of(m)->session, CKPT_E_PLUGIN, &where,
                                 "no component of the weight mapper handles this special module");
}

const char *ckpt_base_should_skip_module(ckpt_mapper *m, const ckpt_module *module)
{
        const struct ckpt_rules *rules = rules_of(m);

        return rules ? ckpt_rules_find_skip(rules, module->name, false) : NULL;
}

void ckpt_base_module_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        const struct ckpt_rules *rules = rules_of(m);
        const uint64_t length = strlen(module->name);

        for (uint64_t i = rules ? rules->styles.count : 0; i-- > 0;) {
                if (ckpt_pattern_match_name(&rules->styles.items[i].pattern, module->name, length)) {
                        *ret_shard = rules->styles.items[i].shard;
                        break;
                }
        }
        if (ret_shard->unit < 1)
                ret_shard->unit = 1;
}

ckpt_module ckpt_module_named(const ckpt_session *session, const char *name)
{
        const char *last;

        ckpt_name_split(name, &last);
        return (ckpt_module){.api = session->scope.api, .name = name, .last = last, .role = CKPT_ROLE_PLAIN};
}

const char *ckpt_mapper_skip_rule(ckpt_mapper *m, const ckpt_module *module)
{
        const struct ckpt_rules *rules = rules_of(m);
        const char *rule = rules ? ckpt_rules_find_skip(rules, module->name, true) : NULL;

        return rule ? rule : ckpt_mapper_api_should_skip_module(m->top, module);
}

void ckpt_mapper_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        ckpt_shard shard = CKPT_SHARD_REPLICATED;

        ckpt_mapper_api_module_style(m->top, module, &shard);
        if (shard.unit < 1)
                shard.unit = 1;
        *ret_shard = shard;
}

/* ---- what a special module's handler calls ---- */

static ckpt_status fail_assign(const ckpt_mapper *m, const char *name, const char *message)
{
        const ckpt_link *link = ckpt_link_of(m);
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = name,
                                  .hint = "assign each parameter of the special module once"};

        return ckpt_diagnostics_add(&link->session->diagnostics, CKPT_E_PLUGIN, link->plugin,
                                    ckpt_kind_name(link->chain->kind), &where, "%s", message);
}

/* A value of NULL is an absent one, and left for the loop to report as missing. */
void ckpt_mapper_api_assign(ckpt_mapper *m, const ckpt_module *module, const char *param,
                            const ckpt_tensor *tensor)
{
        const ckpt_model *model = module->model;

        for (uint64_t i = 0; model && i < module->params.count; i++) {
                ckpt_model_param *p = model->params.items[module->params.items[i]];

                if (strcmp(p->last, param) != 0)
                        continue;
                if (p->assigned)
                        fail_assign(m, p->public.name, "the parameter has been given a value already");
                else
                        p->assigned = tensor;
                return;
        }
        fail_assign(m, ckpt_name_join(&ckpt_link_of(m)->session->scope.arena, module->name, param),
                    "the special module has no such parameter");
}
