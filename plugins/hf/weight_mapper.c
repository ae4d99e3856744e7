/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the names that transformers writes to those of an inference engine: q, k and v become one
 * projection, gate and up another; heads of k and v are repeated where there are more ranks than heads; a
 * tied lm_head is not loaded. What applies is decided once, in rules.
 */
#include "components.h"

#include <string.h>

static int64_t kv_heads(const ckpt_mapper *m)
{
        return ckpt_config_i64(m->config, "num_key_value_heads",
                               ckpt_config_i64(m->config, "num_attention_heads", 0));
}

static ckpt_status refuse_quantised(ckpt_mapper *m)
{
        const ckpt_value *block = ckpt_config_get(m->config, "quantization");
        const char *method = ckpt_value_string(ckpt_value_get(block, "method"));
        const char *algorithm = ckpt_value_string(ckpt_value_get(block, "algorithm"));
        ckpt_where where = {
                .struct_size = sizeof where,
                .object = ckpt_value_string(ckpt_value_get(block, "source")),
                .hint = "use the unquantised checkpoint of this model",
        };

        return ckpt_fail(m, CKPT_E_UNSUPPORTED, &where,
                         "the checkpoint is quantised (%s%s%s), which cannot be loaded yet",
                         method ? method : "method unknown", algorithm ? ", " : "",
                         algorithm ? algorithm : "");
}

static ckpt_status init_model_and_config(ckpt_mapper *m)
{
        int64_t heads = kv_heads(m), ranks = ckpt_mapping_group_size(m->mapping, CKPT_GROUP_ATTENTION_TP);

        if (ckpt_value_type(ckpt_config_get(m->config, "quantization")) == CKPT_VALUE_OBJECT)
                return refuse_quantised(m);
        if (heads > 0 && ranks > heads && ranks % heads != 0)
                return ckpt_fail(
                        m, CKPT_E_INVALID, NULL,
                        "%lld tensor-parallel ranks cannot share %lld key and value heads: one number must "
                        "divide the other",
                        (long long)ranks, (long long)heads);
        return ckpt_mapper_init_model_and_config(m->base);
}

/*
 * Every rank needs whole heads, so with more ranks than heads each head goes to several: [a b] to [a a b
 * b].
 */
static const ckpt_weights *duplicate_kv(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                        const ckpt_weights *weights)
{
        static const char *const parameters[] = {"weight", "bias"};
        ckpt_shard shard = CKPT_SHARD_REPLICATED;
        int64_t heads, ranks;
        size_t i;

        if (strcmp(source, "k_proj") != 0 && strcmp(source, "v_proj") != 0)
                return weights;
        heads = kv_heads(m);
        /* A module that is whole on every rank, such as a vision tower's, keeps its heads. */
        ckpt_mapper_module_style(m->top, module, &shard);
        ranks = ckpt_mapping_group_size(m->mapping, shard.group);
        if (shard.group != CKPT_GROUP_ATTENTION_TP || heads <= 0 || ranks <= heads)
                return weights;

        for (i = 0; i < sizeof parameters / sizeof *parameters; i++) {
                const ckpt_tensor *tensor = ckpt_weights_get(weights, parameters[i]);

                if (tensor)
                        weights =
                                ckpt_weights_set(weights, parameters[i],
                                                 ckpt_tensor_repeat_blocks(tensor, 0, heads, ranks / heads));
        }
        return weights;
}

static bool has_lm_head(ckpt_mapper *m)
{
        uint64_t i, count = ckpt_weights_count(m->weights);

        for (i = 0; i < count; i++) {
                const char *name = ckpt_weights_name(m->weights, i);

                /* Renaming is asked for the few that may become it. */
                if (!strstr(name, "lm_head"))
                        continue;
                name = ckpt_mapper_rename(m->top, name);
                if (name && strncmp(name, "lm_head.", 8) == 0)
                        return true;
        }
        return false;
}

/*
 * The configuration's word; without one (an embedder's configuration may not have come through the
 * config loader) Gemma's class is tied, and another checkpoint that has no lm_head must be using
 * its embedding.
 */
static bool is_tied(ckpt_mapper *m)
{
        const char *type = ckpt_config_string(m->config, "model_type", NULL);

        if (ckpt_value_type(ckpt_config_get(m->config, "tie_word_embeddings")) == CKPT_VALUE_BOOL)
                return ckpt_config_bool(m->config, "tie_word_embeddings", false);
        return (type && strncmp(type, "gemma", 5) == 0) || !has_lm_head(m);
}

static void add_styles(ckpt_mapper *m, ckpt_rules *rules)
{
        static const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP);
        static const ckpt_shard row = CKPT_SHARD_ROW(CKPT_GROUP_TP);
        static const ckpt_shard attention_row = CKPT_SHARD_ROW(CKPT_GROUP_ATTENTION_TP);
        static const ckpt_shard vocabulary = CKPT_SHARD_VOCABULARY(CKPT_GROUP_ATTENTION_TP);
        ckpt_shard heads = CKPT_SHARD_COLUMN(CKPT_GROUP_ATTENTION_TP);

        heads.unit = ckpt_config_i64(m->config, "head_dim", 1);
        ckpt_rules_style(rules, "**.qkv_proj", &heads);
        ckpt_rules_style(rules, "**.o_proj", &attention_row);
        ckpt_rules_style(rules, "**.gate_up_proj", &column);
        ckpt_rules_style(rules, "**.down_proj", &row);
        ckpt_rules_style(rules, "**.embed_tokens", &vocabulary);
        ckpt_rules_style(rules, "lm_head", &vocabulary);
}

/* A tied head computes with the embedding, so the last rank needs that too. */
static void add_stages(ckpt_rules *rules, bool tied)
{
        uint32_t embedding = CKPT_STAGE_FIRST | CKPT_STAGE_REQUIRED, head = CKPT_STAGE_LAST;

        if (tied)
                embedding |= CKPT_STAGE_LAST;
        else
                head |= CKPT_STAGE_REQUIRED;
        ckpt_rules_stage(rules, "model.embed_tokens", embedding);
        ckpt_rules_stage(rules, "model.layers", CKPT_STAGE_LAYER);
        ckpt_rules_stage(rules, "model.norm", CKPT_STAGE_LAST | CKPT_STAGE_REQUIRED);
        ckpt_rules_stage(rules, "lm_head", head);
}

static void map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"};
        static const char *const gate_up[] = {"gate_proj", "up_proj"};
        bool tied = is_tied(m);

        ckpt_rules_fuse(rules, "qkv_proj", qkv, 3);
        ckpt_rules_fuse(rules, "gate_up_proj", gate_up, 2);
        ckpt_rules_callback(rules, duplicate_kv);
        if (tied)
                ckpt_rules_skip(rules, "lm_head", "tie_word_embeddings");
        /* A pointer to the next layer's norm in the engine, not a parameter of its own. */
        ckpt_rules_skip(rules, "**.next_layer_layernorm", "next_layer_layernorm");
        add_styles(m, rules);
        add_stages(rules, tied);
}

const ckpt_weight_mapper hf_weight_mapper = {
        .struct_size = sizeof hf_weight_mapper,
        .init_model_and_config = init_model_and_config,
        .map_weights = map_weights,
};
