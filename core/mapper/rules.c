/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rule table: what map_weights adds, in the order of the chain, base first
 *
 * Later additions are nearer to the chosen component, so for styles, stages and fused targets the last one
 * counts. Adding does not fail half-way: the first failure is kept and ends the load after map_weights.
 */

#include "core/mapper/loop.h"

void ckpt_rules_init(struct ckpt_rules *rules, ckpt_session *session)
{
        *rules = (struct ckpt_rules){.api = session->scope.api, .session = session};
}

void ckpt_rules_deinit(struct ckpt_rules *rules)
{
        if (!rules)
                return;
        ckpt_array_deinit(&rules->fuses);
        ckpt_array_deinit(&rules->callbacks);
        ckpt_array_deinit(&rules->skips);
        ckpt_array_deinit(&rules->styles);
        ckpt_array_deinit(&rules->stages);
}

static void keep_first(struct ckpt_rules *rules, ckpt_status status)
{
        if (rules->status == CKPT_OK)
                rules->status = status;
}

static void reject(struct ckpt_rules *rules, const char *what)
{
        const ckpt_where where = {.struct_size = sizeof(where), .hint = "correct the mapper's map_weights"};

        keep_first(rules, ckpt_session_fail(rules->session, CKPT_E_PLUGIN, &where, "%s", what));
}

/* A copy in the load's arena; running out of memory is kept like any other failure. */
static const char *copy(struct ckpt_rules *rules, const char *string)
{
        const char *copied = ckpt_arena_strdup(&rules->session->scope.arena, string);

        if (!copied)
                keep_first(rules, CKPT_E_NOMEM);
        return copied;
}

static bool is_name(const char *string)
{
        return string && string[0];
}

static const char *const *copy_sources(struct ckpt_rules *rules, const char *const *sources, uint32_t count)
{
        const char **copied = ckpt_arena_calloc(&rules->session->scope.arena, count, sizeof(*copied));

        if (!copied) {
                keep_first(rules, CKPT_E_NOMEM);
                return NULL;
        }
        for (uint32_t i = 0; i < count; i++) {
                if (!is_name(sources[i])) {
                        reject(rules, "a fused rule has a source without a name");
                        return NULL;
                }
                copied[i] = copy(rules, sources[i]);
                if (!copied[i])
                        return NULL;
        }
        return copied;
}

void ckpt_rules_api_fuse(ckpt_rules *rules, const char *target, const char *const *sources, uint32_t count)
{
        ckpt_rule_fuse *other, rule = {.n_sources = count};

        if (!is_name(target) || !sources || count == 0) {
                reject(rules, "a fused rule needs a target and at least one source");
                return;
        }
        rule.target = copy(rules, target);
        rule.sources = copy_sources(rules, sources, count);
        if (!rule.target || !rule.sources)
                return;
        other = ckpt_rules_find_target(rules, target);
        if (other) {
                ckpt_logger_write(
                        rules->session->logger, CKPT_LOG_INFO,
                        "weight mapper: the fused target '%s' is replaced: %u sources instead of %u",
                        rule.target, count, other->n_sources);
                *other = rule;
        } else {
                keep_first(rules, ckpt_array_push(&rules->fuses, rule));
        }
}

void ckpt_rules_api_callback(ckpt_rules *rules, ckpt_callback callback)
{
        if (!callback)
                reject(rules, "a callback rule has no function");
        else
                keep_first(rules, ckpt_array_push(&rules->callbacks, callback));
}

void ckpt_rules_api_skip(ckpt_rules *rules, const char *pattern, const char *rule)
{
        ckpt_rule_skip skip;

        if (!is_name(pattern) || !is_name(rule)) {
                reject(rules, "a skip rule needs a pattern and a name");
                return;
        }
        skip = (ckpt_rule_skip){copy(rules, pattern), copy(rules, rule)};
        if (skip.pattern && skip.rule)
                keep_first(rules, ckpt_array_push(&rules->skips, skip));
}

void ckpt_rules_api_style(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard)
{
        ckpt_rule_style style = {.shard = CKPT_SHARD_REPLICATED};
        const char *copied;

        if (!is_name(pattern) || !CKPT_KNOWS(shard, unit)) {
                reject(rules, "a style rule needs a pattern and a whole ckpt_shard");
                return;
        }
        style.shard.axis = shard->axis;
        style.shard.group = shard->group;
        style.shard.pad = shard->pad;
        style.shard.unit = shard->unit;
        copied = copy(rules, pattern);
        if (!copied)
                return;
        style.pattern = ckpt_pattern_of(copied);
        keep_first(rules, ckpt_array_push(&rules->styles, style));
}

void ckpt_rules_api_stage(ckpt_rules *rules, const char *pattern, uint32_t stage)
{
        const uint32_t known = CKPT_STAGE_FIRST | CKPT_STAGE_LAST | CKPT_STAGE_LAYER | CKPT_STAGE_REQUIRED;
        ckpt_rule_stage rule = {.stage = stage};

        if (!is_name(pattern) || (stage & ~known) != 0) {
                reject(rules, "a stage rule needs a pattern, and flags of CKPT_STAGE_… alone");
                return;
        }
        rule.pattern = copy(rules, pattern);
        if (rule.pattern)
                keep_first(rules, ckpt_array_push(&rules->stages, rule));
}
