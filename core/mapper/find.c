/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Questions to the rule table, by names alone, and the arithmetic of dotted names
 */

#include <ckpt/config.h>

#include "core/mapper/loop.h"

const char ckpt_rule_engine[] = "skip_modules";

ckpt_rule_fuse *ckpt_rules_find_target(const struct ckpt_rules *rules, const char *last)
{
        for (uint64_t i = 0; i < rules->fuses.count; i++)
                if (strcmp(rules->fuses.items[i].target, last) == 0)
                        return &rules->fuses.items[i];
        return NULL;
}

static bool has_source(const ckpt_rule_fuse *rule, const char *last)
{
        for (uint32_t i = 0; i < rule->n_sources; i++)
                if (strcmp(rule->sources[i], last) == 0)
                        return true;
        return false;
}

const ckpt_rule_fuse *ckpt_rules_find_source(const struct ckpt_rules *rules, const char *last)
{
        for (uint64_t i = rules->fuses.count; i-- > 0;)
                if (has_source(&rules->fuses.items[i], last))
                        return &rules->fuses.items[i];
        return NULL;
}

const char *ckpt_rules_find_skip(const struct ckpt_rules *rules, const char *module, bool engine)
{
        const char *rest;

        for (uint64_t i = 0; i < rules->skips.count; i++) {
                const ckpt_rule_skip *rule = &rules->skips.items[i];

                if ((rule->rule == ckpt_rule_engine) == engine &&
                    ckpt_pattern_match_prefix(rule->pattern, module, &rest))
                        return rule->rule;
        }
        return NULL;
}

/* A layer's number as it is written: no sign, no leading zeros, and few enough digits for any model. */
static bool parse_layer(const char *text, int64_t *ret_layer, const char **ret_rest)
{
        const size_t digits = strspn(text, "0123456789");
        int64_t layer = 0;

        if (digits == 0 || digits > 9 || (digits > 1 && text[0] == '0') ||
            (text[digits] && text[digits] != '.'))
                return false;
        for (size_t i = 0; i < digits; i++)
                layer = layer * 10 + (text[i] - '0');
        *ret_layer = layer;
        *ret_rest = text[digits] ? text + digits + 1 : NULL;
        return true;
}

bool ckpt_rule_stage_layer(const ckpt_rule_stage *rule, const char *module, int64_t *ret_layer,
                           const char **ret_rest)
{
        const char *number;

        return (rule->stage & CKPT_STAGE_LAYER) &&
               ckpt_pattern_match_prefix(rule->pattern, module, &number) && number &&
               parse_layer(number, ret_layer, ret_rest);
}

/* The last stage rule that matches a module, and the layer's number if it is one of layers. */
static const ckpt_rule_stage *find_stage(const struct ckpt_rules *rules, const char *module,
                                         int64_t *ret_layer)
{
        const char *rest;

        for (uint64_t i = rules->stages.count; i-- > 0;) {
                const ckpt_rule_stage *rule = &rules->stages.items[i];

                if (rule->stage & CKPT_STAGE_LAYER) {
                        if (ckpt_rule_stage_layer(rule, module, ret_layer, &rest))
                                return rule;
                } else if (ckpt_pattern_match(rule->pattern, module)) {
                        return rule;
                }
        }
        return NULL;
}

/* Layers past the last, which only an engine's model can have, belong to the last rank. */
static int32_t layer_owner(const ckpt_mapping *mapping, int64_t n_layers, int64_t layer)
{
        return layer < n_layers ? ckpt_mapping_layer_rank(mapping, layer, n_layers) : mapping->pp_size - 1;
}

int32_t ckpt_rules_owner(const struct ckpt_rules *rules, const ckpt_mapping *mapping, int64_t n_layers,
                         const char *module)
{
        const int32_t last = mapping->pp_size - 1, rank = mapping->pp_rank;
        const ckpt_rule_stage *rule;
        int64_t layer = -1;
        int32_t owner;

        if (last <= 0)
                return -1;
        rule = find_stage(rules, module, &layer);
        if (!rule || !(rule->stage & (CKPT_STAGE_FIRST | CKPT_STAGE_LAST | CKPT_STAGE_LAYER)))
                return -1;
        if (rule->stage & CKPT_STAGE_LAYER) {
                owner = n_layers > 0 ? layer_owner(mapping, n_layers, layer) : rank;
                return owner == rank ? -1 : owner;
        }
        if (((rule->stage & CKPT_STAGE_FIRST) && rank == 0) ||
            ((rule->stage & CKPT_STAGE_LAST) && rank == last))
                return -1;
        return rule->stage & CKPT_STAGE_FIRST ? 0 : last;
}

bool ckpt_rules_owns(const struct ckpt_rules *rules, const ckpt_mapping *mapping, int64_t n_layers,
                     const char *module)
{
        return ckpt_rules_owner(rules, mapping, n_layers, module) < 0;
}

static int64_t layers_shown(const struct ckpt_rules *rules, const char *name)
{
        int64_t layer, most = 0;
        const char *rest;

        for (uint64_t i = 0; i < rules->stages.count; i++)
                if (ckpt_rule_stage_layer(&rules->stages.items[i], name, &layer, &rest) && layer + 1 > most)
                        most = layer + 1;
        return most;
}

int64_t ckpt_rules_count_layers(const struct ckpt_rules *rules, const ckpt_config *config,
                                const ckpt_weights *weights)
{
        const int64_t configured = ckpt_config_i64(config, "num_hidden_layers", 0);
        int64_t most = 0;

        if (configured > 0)
                return configured;
        for (uint64_t i = 0; i < ckpt_weights_count(weights); i++) {
                const int64_t shown = layers_shown(rules, ckpt_weights_name(weights, i));

                most = shown > most ? shown : most;
        }
        return most;
}

uint64_t ckpt_name_split(const char *name, const char **ret_param)
{
        const char *dot = strrchr(name, '.');

        *ret_param = dot ? dot + 1 : name;
        return dot ? (uint64_t)(dot - name) : 0;
}

const char *ckpt_name_sibling(ckpt_arena *arena, const char *module, const char *last)
{
        const char *own;
        const uint64_t parent = ckpt_name_split(module, &own);

        return ckpt_arena_join(arena, module, parent, last);
}

const char *ckpt_name_beside(ckpt_text *text, const char *module, const char *last, const char *param)
{
        const char *own;
        const uint64_t parent = ckpt_name_split(module, &own);

        text->length = 0;
        ckpt_text_add_bytes(text, module, parent ? parent + 1 : 0);
        ckpt_text_add_bytes(text, last, strlen(last));
        if (param) {
                ckpt_text_add_bytes(text, ".", 1);
                ckpt_text_add_bytes(text, param, strlen(param));
        }
        return text->failed ? NULL : text->string;
}

const char *ckpt_name_join(ckpt_arena *arena, const char *module, const char *param)
{
        return ckpt_arena_join(arena, module, strlen(module), param);
}
