/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fused modules: several sources of the checkpoint, siblings of the target, make one module
 *
 * A parameter needs all of its sources. A checkpoint that holds the target already fused is taken as it is
 * where nothing divides it; where a rank holds a part, only a mapper can tell the rows apart.
 */

#include "core/mapper/fused.h"
#include "core/base/cleanup.h"

static void print_sources(const ckpt_rule_fuse *rule, ckpt_text *text)
{
        ckpt_text_add(text, "%s is made of ", rule->target);
        for (uint32_t i = 0; i < rule->n_sources; i++)
                ckpt_text_add(text, "%s%s",
                              i == 0                    ? ""
                              : i + 1 < rule->n_sources ? ", "
                                                        : " and ",
                              rule->sources[i]);
}

/* ---- the check of a derived model ---- */

static void fail_source(ckpt_session *session, const ckpt_weights *weights, const ckpt_rule_fuse *rule,
                        const char *parameter, const char *key)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = parameter,
                                  .tensor = key,
                                  .hint = "complete the checkpoint, or skip the module"};
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        print_sources(rule, &text);
        ckpt_nearest_print(session, weights, key, &text);
        ckpt_session_fail(session, CKPT_E_MISSING, &where, "the checkpoint has only some of the sources: %s",
                          ckpt_text_get(&text));
}

/* How many of one parameter's sources are there. `key` is room for their names. */
static ckpt_status count_sources(const ckpt_weights *weights, const ckpt_rule_fuse *rule,
                                 const ckpt_module *module, const char *param, ckpt_text *key,
                                 uint32_t *ret_count)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < rule->n_sources; i++) {
                const char *name = ckpt_name_beside(key, module->name, rule->sources[i], param);

                if (!name)
                        return CKPT_E_NOMEM;
                count += ckpt_weights_get(weights, name) != NULL;
        }
        *ret_count = count;
        return CKPT_OK;
}

static ckpt_status check_param(ckpt_session *session, const ckpt_weights *weights, const ckpt_rule_fuse *rule,
                               const ckpt_module *module, ckpt_model_param *param, ckpt_text *key)
{
        uint32_t count = 0;
        const ckpt_status r = count_sources(weights, rule, module, param->last, key, &count);

        if (r < 0 || count == 0 || count == rule->n_sources)
                return r;
        for (uint32_t i = 0; i < rule->n_sources; i++) {
                const char *name = ckpt_name_beside(key, module->name, rule->sources[i], param->last);

                if (!name)
                        return CKPT_E_NOMEM;
                if (!ckpt_weights_get(weights, name))
                        fail_source(session, weights, rule, param->public.name, name);
        }
        param->assigned = ckpt_tensor_error(&session->scope);
        return CKPT_E_MISSING;
}

/* Whether every source of every parameter was met while the model was derived; then none is to be sought. */
static bool all_met(const ckpt_model *model, const ckpt_module *module, const ckpt_rule_fuse *rule)
{
        for (uint64_t i = 0; i < module->params.count; i++)
                if (model->params.items[module->params.items[i]]->sources != rule->n_sources)
                        return false;
        return true;
}

ckpt_status ckpt_fused_check(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model *model)
{
        _cleanup_(ckpt_text_deinit) ckpt_text key = CKPT_TEXT_INIT;
        const ckpt_link *link = ckpt_link_of(m);
        ckpt_status first = CKPT_OK;

        for (uint64_t i = 0; i < model->modules.count; i++) {
                const ckpt_module *module = model->modules.items[i];
                const ckpt_rule_fuse *rule = ckpt_rules_find_target(link->chain->rules, module->last);

                if (!rule || all_met(model, module, rule) || ckpt_mapper_skip_rule(m, module))
                        continue;
                for (uint64_t j = 0; j < module->params.count; j++) {
                        const ckpt_status r = check_param(link->session, weights, rule, module,
                                                          model->params.items[module->params.items[j]], &key);

                        if (r == CKPT_E_NOMEM)
                                return r;
                        if (first == CKPT_OK)
                                first = r;
                }
        }
        return first;
}

/* ---- the load loop ---- */

/* One view per source, after the callbacks; NULL where the checkpoint has nothing of it. */
static ckpt_status open_sources(ckpt_loop *loop, const ckpt_module *module, const ckpt_rule_fuse *rule)
{
        memset(loop->before, 0, rule->n_sources * sizeof(*loop->before));
        memset(loop->views, 0, rule->n_sources * sizeof(*loop->views));
        for (uint32_t i = 0; i < rule->n_sources; i++) {
                const char *source = ckpt_name_beside(&loop->name, module->name, rule->sources[i], NULL);
                const ckpt_where where = {
                        .struct_size = sizeof(where), .parameter = module->name, .tensor = source};

                if (!source)
                        return CKPT_E_NOMEM;
                loop->before[i] = ckpt_weights_filter(loop->weights, source);
                if (ckpt_weights_count(loop->before[i]) == 0)
                        continue;
                loop->views[i] = ckpt_mapper_api_apply_callbacks(loop->mapper, module, rule->sources[i],
                                                                 loop->before[i]);
                if (!loop->views[i])
                        return ckpt_session_fail(
                                loop->session, CKPT_E_PLUGIN, &where,
                                "the weight mapper's callbacks returned no weights for this source");
        }
        return CKPT_OK;
}

static void missing_sources(ckpt_loop *loop, const ckpt_module *module, const ckpt_rule_fuse *rule,
                            const char *param, const ckpt_tensor *const *values)
{
        ckpt_arena *const arena = &loop->session->scope.arena;
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        print_sources(rule, &text);
        for (uint32_t i = 0; i < rule->n_sources; i++) {
                const char *source = ckpt_name_sibling(arena, module->name, rule->sources[i]);
                const char *key = source ? ckpt_name_join(arena, source, param) : NULL;

                if (!values[i] && key)
                        ckpt_loop_missing(loop, module, param, key, ckpt_text_get(&text));
        }
}

/* The checkpoint has the target itself. */
static void bind_fused_already(ckpt_loop *loop, const ckpt_module *module, uint64_t param,
                               const ckpt_tensor *value)
{
        const ckpt_model_param *p = loop->model->params.items[param];
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = p->public.name,
                .tensor = p->public.name,
                .hint = "a mapper must split the tensor into its sources (preprocess_weights)"};
        ckpt_shard shard;

        ckpt_mapper_style(loop->mapper, module, &shard);
        if (ckpt_mapping_group_size(&loop->session->mapping, shard.group) <= 1)
                ckpt_loop_bind(loop, module, param, &value, 1);
        else
                ckpt_session_fail(
                        loop->session, CKPT_E_UNSUPPORTED, &where,
                        "the checkpoint holds this tensor already fused, and a rank's part of it cannot be "
                        "cut out without knowing its sources");
}

static void describe_param(ckpt_loop *loop, const ckpt_module *module, const ckpt_rule_fuse *rule,
                           uint64_t param)
{
        const ckpt_tensor **values = loop->values;
        const char *last = loop->model->params.items[param]->last;
        const ckpt_tensor *own;
        uint32_t count = 0;

        for (uint32_t i = 0; i < rule->n_sources; i++) {
                values[i] = ckpt_weights_get(loop->views[i], last);
                count += values[i] != NULL;
        }
        if (count == rule->n_sources) {
                ckpt_loop_bind(loop, module, param, values, count);
                return;
        }
        own = count == 0 ? ckpt_weights_get(ckpt_weights_filter(loop->weights, module->name), last) : NULL;
        if (own)
                bind_fused_already(loop, module, param, own);
        else
                missing_sources(loop, module, rule, last, values);
}

/* A source of a parameter that failed is not left over: one reason is enough. */
static void use_after_failure(ckpt_loop *loop, const ckpt_module *module, uint32_t count)
{
        bool failed = false;

        for (uint64_t i = 0; i < module->params.count; i++)
                failed |= !loop->bindings[module->params.items[i]].value;
        if (!failed)
                return;
        for (uint32_t i = 0; i < count; i++)
                ckpt_loop_use(loop, loop->before[i]);
        ckpt_loop_use(loop, ckpt_weights_filter(loop->weights, module->name));
}

ckpt_status ckpt_loop_fused(ckpt_loop *loop, const ckpt_module *module, const ckpt_rule_fuse *rule)
{
        const ckpt_status r = open_sources(loop, module, rule);

        for (uint64_t i = 0; r == CKPT_OK && i < module->params.count; i++)
                if (!loop->model->params.items[module->params.items[i]]->assigned)
                        describe_param(loop, module, rule, module->params.items[i]);
        use_after_failure(loop, module, rule->n_sources);
        return r == CKPT_E_NOMEM ? r : CKPT_OK;
}
