/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The little decoder of test_mapper_llama.h.
 */

#include "unit/test_mapper_llama.h"

static void map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"}, *const gate_up[] = {"gate_proj",
                                                                                             "up_proj"};
        static const ckpt_shard heads = {sizeof(heads), 0, CKPT_GROUP_ATTENTION_TP, 0, 4};
        static const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP),
                                row = CKPT_SHARD_ROW(CKPT_GROUP_TP);
        static const ckpt_shard vocabulary = CKPT_SHARD_VOCABULARY(CKPT_GROUP_ATTENTION_TP);

        (void)m;
        ckpt_rules_fuse(rules, "qkv_proj", qkv, 3);
        ckpt_rules_fuse(rules, "gate_up_proj", gate_up, 2);
        ckpt_rules_style(rules, "**.qkv_proj", &heads);
        ckpt_rules_style(rules, "**.o_proj", &row);
        ckpt_rules_style(rules, "**.gate_up_proj", &column);
        ckpt_rules_style(rules, "**.down_proj", &row);
        ckpt_rules_style(rules, "model.embed_tokens", &vocabulary);
        ckpt_rules_style(rules, "lm_head", &vocabulary);
        ckpt_rules_stage(rules, "model.embed_tokens", CKPT_STAGE_FIRST | CKPT_STAGE_REQUIRED);
        ckpt_rules_stage(rules, "model.layers", CKPT_STAGE_LAYER);
        ckpt_rules_stage(rules, "model.norm", CKPT_STAGE_LAST | CKPT_STAGE_REQUIRED);
        ckpt_rules_stage(rules, "lm_head", CKPT_STAGE_LAST | CKPT_STAGE_REQUIRED);
}

const ckpt_weight_mapper llama_mapper = {.struct_size = sizeof(ckpt_weight_mapper),
                                         .map_weights = map_weights};

static const char all[] = LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1");

void llama_init(catalog *c, int32_t tp_size, int32_t tp_rank)
{
        const ckpt_mapping mapping = {sizeof(mapping), tp_size, tp_rank, 1, 0, 1, 0, 0};

        catalog_init(c, &mapping);
        catalog_config(c, LLAMA_CONFIG);
        catalog_add(c, all);
}

static bool ends_so(const char *line, size_t length, const char *ending)
{
        const size_t name = strcspn(line, " "), n = strlen(ending);

        return name <= length && name >= n && strncmp(line + name - n, ending, n) == 0;
}

void llama_init_without(catalog *c, const char *ending)
{
        char rest[sizeof(all)] = "";

        for (const char *line = all; *line; line += strcspn(line, "\n") + 1) {
                const size_t length = strcspn(line, "\n");

                if (!ends_so(line, length, ending))
                        strncat(rest, line, length + 1);
        }
        catalog_init(c, NULL);
        catalog_config(c, LLAMA_CONFIG);
        catalog_add(c, rest);
}
