/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a derived model's names cannot show: that every module that a model needs is there, and that its
 * layers are as many as the configuration says (layers.c). A rule that another mapper has repeated counts
 * once.
 */

#include <ckpt/config.h>

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

/* No model comes near; it bounds the work that a number in a configuration can ask for. */
#define LAYERS_MAX 65536

static bool is_overridden(const struct ckpt_rules *rules, uint64_t index)
{
        for (uint64_t i = index + 1; i < rules->stages.count; i++)
                if (strcmp(rules->stages.items[i].pattern, rules->stages.items[index].pattern) == 0)
                        return true;
        return false;
}

static bool is_there(const ckpt_rule_stage *rule, const ckpt_model *model)
{
        const char *rest;
        uint64_t at;

        if (!(rule->stage & CKPT_STAGE_LAYER) && !strchr(rule->pattern, '*'))
                return ckpt_map_find(&model->module_index, rule->pattern, &at);
        for (uint64_t i = 0; i < model->modules.count; i++) {
                const char *name = model->modules.items[i]->name;

                if (rule->stage & CKPT_STAGE_LAYER ? ckpt_pattern_match_prefix(rule->pattern, name, &rest)
                                                   : ckpt_pattern_match(rule->pattern, name))
                        return true;
        }
        return false;
}

static ckpt_status check_required(ckpt_mapper *m, const ckpt_weights *weights, const ckpt_model *model,
                                  const ckpt_rule_stage *rule)
{
        ckpt_session *session = ckpt_link_of(m)->session;
        const ckpt_module module = ckpt_module_named(session, rule->pattern);
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = rule->pattern,
                .hint = "complete the checkpoint (is an index file missing?), or skip the module"};
        _cleanup_(ckpt_text_deinit) ckpt_text near = CKPT_TEXT_INIT;
        const char *key;

        if (is_there(rule, model) || ckpt_mapper_skip_rule(m, &module))
                return CKPT_OK;
        key = ckpt_arena_printf(&session->scope.arena, "%s.weight", rule->pattern);
        if (!key)
                return CKPT_E_NOMEM;
        ckpt_nearest_print(session, weights, key, &near);
        return ckpt_session_fail(session, CKPT_E_MISSING, &where,
                                 "the checkpoint has no tensor of this module%s", ckpt_text_get(&near));
}

static ckpt_status check_rule(ckpt_mapper *m, const ckpt_weights *weights, const ckpt_model *model,
                              const ckpt_rule_stage *rule, int64_t expected, bool *found)
{
        const ckpt_status r = (rule->stage & CKPT_STAGE_LAYER) && expected > 0
                                      ? ckpt_layers_check_list(m, weights, model, rule, expected, found)
                                      : CKPT_OK;

        return r == CKPT_OK && (rule->stage & CKPT_STAGE_REQUIRED) ? check_required(m, weights, model, rule)
                                                                   : r;
}

/* The configuration says that there are layers, and no list has any. */
static ckpt_status check_any_layer(ckpt_mapper *m, const ckpt_weights *weights, const ckpt_model *model,
                                   const struct ckpt_rules *rules)
{
        for (uint64_t i = 0; i < rules->stages.count; i++) {
                const ckpt_rule_stage *rule = &rules->stages.items[i];

                if ((rule->stage & CKPT_STAGE_LAYER) && !is_overridden(rules, i))
                        return rule->stage & CKPT_STAGE_REQUIRED ? CKPT_OK
                                                                 : check_required(m, weights, model, rule);
        }
        return CKPT_OK;
}

ckpt_status ckpt_derived_check(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model *model)
{
        const struct ckpt_rules *rules = ckpt_link_of(m)->chain->rules;
        const int64_t expected = ckpt_config_i64(m->config, "num_hidden_layers", 0);
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .hint = "correct num_hidden_layers of the configuration"};
        ckpt_status first = CKPT_OK;
        bool found = false;

        if (expected > LAYERS_MAX)
                return ckpt_session_fail(ckpt_link_of(m)->session, CKPT_E_LIMIT, &where,
                                         "num_hidden_layers is %lld; models have at most %d layers",
                                         (long long)expected, LAYERS_MAX);
        for (uint64_t i = 0; i < rules->stages.count; i++) {
                const ckpt_status r =
                        is_overridden(rules, i)
                                ? CKPT_OK
                                : check_rule(m, weights, model, &rules->stages.items[i], expected, &found);

                if (first == CKPT_OK)
                        first = r;
        }
        return first == CKPT_OK && expected > 0 && !found ? check_any_layer(m, weights, model, rules) : first;
}
