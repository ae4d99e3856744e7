/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints whose tensors are too few, too many or not what the model wants
 */
#include "test_bad_input.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_layer_is_missing)
{
        for (unsigned layer = 0; layer < 3; layer++) {
                char prefix[64], module[64], what[64];
                tensor_file tensors;

                snprintf(prefix, sizeof(prefix), "model.layers.%u.", layer);
                snprintf(module, sizeof(module), "model.layers.%u'", layer);
                snprintf(what, sizeof(what), "whole layer %u is missing", layer);
                checkpoint_copy("gemma3-bf16");
                tensors = tensor_file_read(SINGLE);
                tensor_file_drop_prefix(&tensors, prefix);
                tensor_file_write(&tensors, SINGLE);
                attempt_fails(CKPT_E_MISSING);
                expect_reason(bad.load, CKPT_E_MISSING, module, what, "num_hidden_layers is 3",
                              "complete the checkpoint", NULL);
                ck_assert_uint_eq(count_reasons(bad.load, ""), 1);
        }
}
END_TEST

START_TEST(a_source_of_a_fused_target_is_missing)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.layers.1.self_attn.k_proj.weight");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.1.self_attn.k_proj.weight",
                      "model.layers.1.self_attn.qkv_proj.weight", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 1);
}
END_TEST

/* One bias too few: q, k and v have biases together or not at all. */
START_TEST(a_bias_of_a_fused_target_is_missing)
{
        checkpoint_copy("qwen2");
        checkpoint_drop("model.layers.0.self_attn.v_proj.bias");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.0.self_attn.v_proj.bias", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 1);
}
END_TEST

START_TEST(a_norm_is_missing)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.layers.2.post_attention_layernorm.weight");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.2.post_attention_layernorm.weight",
                      "the other layers have it", "nearest", NULL);

        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.norm.weight");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.norm", NULL);
}
END_TEST

START_TEST(the_embedding_is_missing)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.embed_tokens.weight");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.embed_tokens", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 1);
}
END_TEST

START_TEST(an_untied_head_is_missing)
{
        checkpoint_copy("llama");
        checkpoint_drop("lm_head.weight");
        attempt_fails(CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "lm_head", NULL);
}
END_TEST

/* Missing on another pipeline rank is missing all the same: all ranks find the same faults. */
START_TEST(another_ranks_layer_is_missing)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.layers.2.mlp.up_proj.weight");
        options.mapping.pp_size = 2;
        for (options.mapping.pp_rank = 0; options.mapping.pp_rank < 2; options.mapping.pp_rank++) {
                attempt(&options);
                expect_status(bad.load, bad.status, CKPT_E_MISSING);
                expect_reason(bad.load, CKPT_E_MISSING, "model.layers.2.mlp.up_proj.weight", NULL);
        }
}
END_TEST

START_TEST(left_over_in_a_layer)
{
        static const int64_t shape[] = {64};
        static const char *const ignore[] = {"model.layers.1.self_attn.rotary.inv_freq"};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        tensor_file tensors;

        checkpoint_copy("gemma3-bf16");
        tensors = tensor_file_read(SINGLE);
        tensor_file_add(&tensors, ignore[0], "F32", shape, 1, 256);
        tensor_file_write(&tensors, SINGLE);
        attempt_fails(CKPT_E_UNUSED);
        expect_reason(bad.load, CKPT_E_UNUSED, ignore[0], "layer 1", "the other layers do not", "ignore",
                      NULL);

        options.ignore = ignore;
        options.n_ignore = 1;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_OK);
        expect_golden(bad.model, "gemma3-bf16", "tp1-rank0");
}
END_TEST

START_TEST(a_layer_too_many)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_set_config("num_hidden_layers", json_integer(2));
        attempt_fails(CKPT_E_UNUSED);
        expect_reason(bad.load, CKPT_E_UNUSED, "layer 2 is one too many", "num_hidden_layers is 2", NULL);
}
END_TEST

START_TEST(every_fault_is_reported)
{
        tensor_file tensors;

        checkpoint_copy("gemma3-bf16");
        tensors = tensor_file_read(SINGLE);
        tensor_file_drop(&tensors, "model.embed_tokens.weight");
        tensor_file_drop(&tensors, "model.layers.0.self_attn.k_proj.weight");
        tensor_file_drop(&tensors, "model.layers.0.self_attn.v_proj.weight");
        tensor_file_drop(&tensors, "model.layers.1.input_layernorm.weight");
        tensor_file_drop(&tensors, "model.layers.2.mlp.up_proj.weight");
        tensor_file_drop(&tensors, "model.norm.weight");
        tensor_file_write(&tensors, SINGLE);
        attempt(NULL);
        expect_status(bad.load, bad.status, CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.embed_tokens", NULL);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.0.self_attn.k_proj.weight", NULL);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.0.self_attn.v_proj.weight", NULL);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.1.input_layernorm.weight", NULL);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.2.mlp.up_proj.weight", NULL);
        expect_reason(bad.load, CKPT_E_MISSING, "model.norm", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 6);
        /* Asking again gives the same answer, and no reason twice. */
        {
                const ckpt_plan *plan = NULL;

                ck_assert_int_eq(ckpt_load_get_plan(bad.load, &plan), ckpt_load_run(bad.load, NULL));
                ck_assert_uint_eq(count_reasons(bad.load, ""), 6);
        }
}
END_TEST

/* ---- against an engine's model ---- */

/* What an engine would ask for instead of what the fixture gives. */
typedef struct wish {
        const char *param;
        ckpt_dtype dtype;
        int64_t rows; /* 0: as the fixture */
        bool drop;
} wish;

static uint32_t parse_shape(char *text, int64_t *shape)
{
        uint32_t rank = 0;
        char *rest = NULL;

        for (char *dim = strtok_r(text, ",", &rest); dim; dim = strtok_r(NULL, ",", &rest))
                shape[rank++] = strtoll(dim, NULL, 10);
        return rank;
}

static void add_wanted(ckpt_model *model, char *line, const wish *wishes, unsigned n_wishes)
{
        char *rest = NULL, *name = strtok_r(line, "\t", &rest), *dot = strrchr(name, '.');
        int64_t shape[8];
        ckpt_dtype dtype = CKPT_DTYPE_BF16;
        uint32_t rank;

        ck_assert_str_eq(strtok_r(NULL, "\t", &rest), "BF16");
        rank = parse_shape(strtok_r(NULL, "\t", &rest), shape);
        for (unsigned i = 0; i < n_wishes; i++) {
                if (strcmp(wishes[i].param, name) != 0)
                        continue;
                if (wishes[i].drop)
                        return;
                dtype = wishes[i].dtype ? wishes[i].dtype : dtype;
                shape[0] = wishes[i].rows ? wishes[i].rows : shape[0];
        }
        *dot = '\0';
        ck_assert_int_eq(ckpt_model_add_module(model, name, CKPT_ROLE_LINEAR, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, name, dot + 1, dtype, rank, shape, NULL),
                         CKPT_OK);
}

static ckpt_model *engine_model(const wish *wishes, unsigned n_wishes)
{
        char path[1024], line[1024];
        ckpt_model *model = NULL;
        FILE *file;

        snprintf(path, sizeof(path), "%s/expected/tp1-rank0.tsv", fixture_path("gemma3-bf16"));
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(ckpt_model_new(bad.host, &model), CKPT_OK);
        while (fgets(line, sizeof(line), file))
                add_wanted(model, line, wishes, n_wishes);
        fclose(file);
        return model;
}

static void attempt_with(const wish *wishes, unsigned n_wishes)
{
        ckpt_model *model = engine_model(wishes, n_wishes);

        ck_assert_int_eq(ckpt_load_new(bad.host, NULL, &bad.load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(bad.load, fixture_path("gemma3-bf16")), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_model(bad.load, model), CKPT_OK);
        bad.status = ckpt_load_run(bad.load, &bad.model);
        ckpt_model_unref(model);
}

START_TEST(an_engines_model_as_it_should_be)
{
        attempt_with(NULL, 0);
        expect_status(bad.load, bad.status, CKPT_OK);
        expect_golden(bad.model, "gemma3-bf16", "tp1-rank0");
}
END_TEST

START_TEST(wrong_shapes_for_an_engine)
{
        static const wish wishes[] = {
                {.param = "model.layers.0.self_attn.qkv_proj.weight", .rows = 192},
                {.param = "model.layers.1.mlp.down_proj.weight", .rows = 65},
                {.param = "model.norm.weight", .rows = 32},
        };

        attempt_with(wishes, 3);
        expect_status(bad.load, bad.status, CKPT_E_MISMATCH);
        expect_reason(bad.load, CKPT_E_MISMATCH, "model.layers.0.self_attn.qkv_proj.weight",
                      "wants shape [192, 64]", "gives [256, 64]", "q_proj", NULL);
        expect_reason(bad.load, CKPT_E_MISMATCH, "model.layers.1.mlp.down_proj.weight", "[65, 64]",
                      "[64, 64]", NULL);
        expect_reason(bad.load, CKPT_E_MISMATCH, "model.norm.weight", "[32]", "[64]", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 3);
}
END_TEST

START_TEST(wrong_dtypes_for_an_engine)
{
        static const wish wishes[] = {
                {.param = "model.layers.0.mlp.down_proj.weight", .dtype = CKPT_DTYPE_I64},
                {.param = "model.layers.0.mlp.gate_up_proj.weight", .dtype = CKPT_DTYPE_F32},
                {.param = "model.layers.1.mlp.gate_up_proj.weight", .dtype = CKPT_DTYPE_BOOL},
        };

        attempt_with(wishes, 3);
        expect_status(bad.load, bad.status, CKPT_E_MISMATCH);
        expect_reason(bad.load, CKPT_E_MISMATCH, "model.layers.0.mlp.down_proj.weight", "wants I64",
                      "has BF16", NULL);
        expect_reason(bad.load, CKPT_E_MISMATCH, "model.layers.1.mlp.gate_up_proj.weight", "wants BOOL",
                      NULL);
        /* A float can become another float, and is no fault. */
        ck_assert_uint_eq(count_reasons(bad.load, "model.layers.0.mlp.gate_up_proj"), 0);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 2);
}
END_TEST

START_TEST(an_engine_that_wants_less)
{
        static const wish wishes[] = {{.param = "model.layers.1.mlp.down_proj.weight", .drop = true},
                                      {.param = "model.layers.0.self_attn.qkv_proj.weight", .drop = true}};

        attempt_with(wishes, 2);
        expect_status(bad.load, bad.status, CKPT_E_UNUSED);
        expect_reason(bad.load, CKPT_E_UNUSED, "model.layers.1.mlp.down_proj.weight",
                      "no parameter and no rule", "--ignore", NULL);
        expect_reason(bad.load, CKPT_E_UNUSED, "model.layers.0.self_attn.q_proj.weight", NULL);
        expect_reason(bad.load, CKPT_E_UNUSED, "model.layers.0.self_attn.k_proj.weight", NULL);
        expect_reason(bad.load, CKPT_E_UNUSED, "model.layers.0.self_attn.v_proj.weight", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, ""), 4);
}
END_TEST

START_TEST(an_engine_that_wants_more)
{
        static const int64_t shape[] = {64};
        ckpt_model *model = engine_model(NULL, 0);

        ck_assert_int_eq(
                ckpt_model_add_module(model, "model.layers.1.self_attn.sinks", CKPT_ROLE_PLAIN, NULL),
                CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "model.layers.1.self_attn.sinks", "weight",
                                                     CKPT_DTYPE_BF16, 1, shape, NULL),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_load_new(bad.host, NULL, &bad.load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(bad.load, fixture_path("gemma3-bf16")), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_model(bad.load, model), CKPT_OK);
        bad.status = ckpt_load_run(bad.load, &bad.model);
        ckpt_model_unref(model);
        expect_status(bad.load, bad.status, CKPT_E_MISSING);
        expect_reason(bad.load, CKPT_E_MISSING, "model.layers.1.self_attn.sinks.weight", "no such tensor",
                      "nearest", "shard", NULL);
}
END_TEST

TCase *bad_tensors_case(void)
{
        TCase *tcase = bad_input_case("tensors");

        tcase_add_test(tcase, a_layer_is_missing);
        tcase_add_test(tcase, a_source_of_a_fused_target_is_missing);
        tcase_add_test(tcase, a_bias_of_a_fused_target_is_missing);
        tcase_add_test(tcase, a_norm_is_missing);
        tcase_add_test(tcase, the_embedding_is_missing);
        tcase_add_test(tcase, an_untied_head_is_missing);
        tcase_add_test(tcase, another_ranks_layer_is_missing);
        tcase_add_test(tcase, left_over_in_a_layer);
        tcase_add_test(tcase, a_layer_too_many);
        tcase_add_test(tcase, every_fault_is_reported);
        tcase_add_test(tcase, an_engines_model_as_it_should_be);
        tcase_add_test(tcase, wrong_shapes_for_an_engine);
        tcase_add_test(tcase, wrong_dtypes_for_an_engine);
        tcase_add_test(tcase, an_engine_that_wants_less);
        tcase_add_test(tcase, an_engine_that_wants_more);
        return tcase;
}
