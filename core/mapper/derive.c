/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A model that the engine did not give, from the renamed weights: every "module.param" is a parameter, and
 * sources of fused targets become the target. What names cannot show is checked here and in checks.c, on the
 * whole model, so that every pipeline rank finds the same faults; then this rank keeps what it owns.
 */

#include <ckpt/interfaces.h>

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

static int32_t role_of(ckpt_mapper *m, const char *name)
{
        const ckpt_module module = ckpt_module_named(ckpt_link_of(m)->session, name);
        ckpt_shard shard;

        ckpt_mapper_style(m, &module, &shard);
        if (shard.pad)
                return CKPT_ROLE_EMBEDDING;
        return shard.group != CKPT_GROUP_NONE ? CKPT_ROLE_LINEAR : CKPT_ROLE_PLAIN;
}

/* The module that a weight's module becomes: itself, or the fused target beside it, if it is a source. */
static bool fuse_module(const struct ckpt_rules *rules, ckpt_text *module, int32_t *ret_role)
{
        const ckpt_rule_fuse *rule;
        const char *last;
        const uint64_t parent = ckpt_name_split(ckpt_text_get(module), &last);

        rule = ckpt_rules_find_source(rules, last);
        if (rule || ckpt_rules_find_target(rules, last))
                *ret_role = CKPT_ROLE_FUSED;
        if (!rule)
                return false;
        module->length = parent ? parent + 1 : 0;
        ckpt_text_add_bytes(module, rule->target, strlen(rule->target));
        return true;
}

/* `module` is room for the module's name. */
static ckpt_status add_weight(ckpt_mapper *m, ckpt_model_builder *builder, const char *name,
                              ckpt_text *module)
{
        int32_t role = -1;
        const char *param;
        const uint64_t length = ckpt_name_split(name, &param);
        uint64_t at;
        bool is_source;

        module->length = 0;
        ckpt_text_add_bytes(module, name, length);
        is_source = fuse_module(ckpt_link_of(m)->chain->rules, module, &role);
        if (module->failed)
                return CKPT_E_NOMEM;
        if (role < 0)
                role = role_of(m, module->string);
        if (ckpt_model_builder_add(builder, module->string, param, role, &at) >= 0)
                builder->model->params.items[at]->sources += is_source;
        return builder->status;
}

ckpt_status ckpt_base_derive_model(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model_builder *builder)
{
        _cleanup_(ckpt_text_deinit) ckpt_text module = CKPT_TEXT_INIT;
        ckpt_status r = CKPT_OK, checked;

        /* A component that calls this twice meets the same sources again. */
        for (uint64_t i = 0; i < builder->model->params.count; i++)
                builder->model->params.items[i]->sources = 0;
        for (uint64_t i = 0; r == CKPT_OK && i < ckpt_weights_count(weights); i++)
                r = add_weight(m, builder, ckpt_weights_name(weights, i), &module);
        if (r < 0)
                return r;
        r = ckpt_fused_check(m, weights, builder->model);
        checked = ckpt_derived_check(m, weights, builder->model);
        return r < 0 ? r : checked;
}

/* Parameters of other pipeline ranks go; their sources are explained by account.c. */
static ckpt_status keep_own(ckpt_loop *loop)
{
        ckpt_model *model = loop->model;

        if (loop->session->mapping.pp_size <= 1)
                return ckpt_model_seal(model);
        for (uint64_t i = 0; i < model->modules.count; i++) {
                const ckpt_module *module = model->modules.items[i];
                const bool own =
                        ckpt_rules_owns(loop->rules, &loop->session->mapping, loop->n_layers, module->name);

                for (uint64_t j = 0; j < module->params.count; j++)
                        model->params.items[module->params.items[j]]->wanted = own;
        }
        return ckpt_model_seal(model);
}

ckpt_status ckpt_loop_derive(ckpt_loop *loop)
{
        ckpt_model_builder builder = {
                .api = loop->session->scope.api, .session = loop->session, .model = loop->model};
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .hint = "check that the checkpoint is complete and that nothing drops all of its tensors"};
        ckpt_status r = ckpt_mapper_api_derive_model(loop->mapper, loop->weights, &builder);

        if (builder.status < 0)
                return builder.status;
        if (r == CKPT_E_NOMEM || r == CKPT_E_CANCELLED)
                return r;
        /* Other faults are recorded; the parameters that there are may have more of them. */
        if (loop->model->params.count == 0)
                return r < 0 ? r
                             : ckpt_session_fail(loop->session, CKPT_E_MISSING, &where,
                                                 "no tensor is left to derive a model from");
        return keep_own(loop);
}
