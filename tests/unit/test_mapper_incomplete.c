/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Derived models: every way in which a checkpoint is incomplete, or has too much.
 */

#include "unit/test_mapper_llama.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static catalog c;
static const ckpt_weight_mapper *const llama[] = {&llama_mapper};

static void teardown(void)
{
        catalog_deinit(&c);
}

static void describe_well(void)
{
        const ckpt_status r = catalog_describe(&c, llama, 1);

        ck_assert_msg(r == CKPT_OK && catalog_reason_count(&c) == 0, "status %d\n%s", r, catalog_text(&c));
}

/* Fails with this status and as many reasons. */
static void describe_badly(ckpt_status status, uint64_t reasons)
{
        const ckpt_status r = catalog_describe(&c, llama, 1);

        ck_assert_msg(r == status && catalog_reason_count(&c) == reasons, "status %d, %llu reasons\n%s", r,
                      (unsigned long long)catalog_reason_count(&c), catalog_text(&c));
}

START_TEST(too_many_ranks_are_an_error_for_each_parameter)
{
        llama_init(&c, 4, 1);
        /* k and v have two heads for four ranks; q and the mlp divide. */
        describe_badly(CKPT_E_INVALID, 4);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, "model.layers.0.self_attn.qkv_proj.weight",
                                          "model.layers.0.self_attn.k_proj.weight", "2 units of 4"),
                          1);
}
END_TEST

START_TEST(sources_of_two_dtypes_need_a_third)
{
        catalog_init(&c, NULL);
        catalog_add(&c, "a.gate_proj.weight BF16 4 2\na.up_proj.weight F32 4 2\n" LLAMA_ENDS);
        describe_badly(CKPT_E_MISMATCH, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "a.gate_up_proj.weight", NULL, "BF16 and F32"),
                          1);
        catalog_deinit(&c);

        catalog_init(&c, NULL);
        catalog_add(&c, "a.gate_proj.weight BF16 4 2\na.up_proj.weight F32 4 2\n" LLAMA_ENDS);
        c.options.dtype = CKPT_DTYPE_BF16;
        describe_well();
        ck_assert_str_eq(catalog_type(&c, "a.gate_up_proj.weight"), "BF16 [8, 2]");
}
END_TEST

START_TEST(one_missing_source_is_named_once)
{
        llama_init_without(&c, "layers.1.self_attn.k_proj.weight");
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.1.self_attn.qkv_proj.weight",
                                          "model.layers.1.self_attn.k_proj.weight",
                                          "q_proj, k_proj and v_proj"),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, NULL, NULL, "nearest: "), 1);
}
END_TEST

START_TEST(a_source_without_its_bias_is_named)
{
        llama_init(&c, 1, 0);
        catalog_add(
                &c,
                "model.layers.0.self_attn.q_proj.bias BF16 16\nmodel.layers.1.self_attn.q_proj.bias BF16 16\n"
                "model.layers.1.self_attn.k_proj.bias BF16 8\nmodel.layers.1.self_attn.v_proj.bias BF16 8");
        describe_badly(CKPT_E_MISSING, 2);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.0.self_attn.qkv_proj.bias",
                                          "model.layers.0.self_attn.v_proj.bias", NULL),
                          1);
}
END_TEST

START_TEST(a_missing_layer_is_named)
{
        catalog_init(&c, NULL);
        catalog_config(&c, "{\"num_hidden_layers\": 4}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("2"));
        describe_badly(CKPT_E_MISSING, 2);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_MISSING, "model.layers.1", NULL, "the whole layer 1 is missing"),
                1);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_MISSING, "model.layers.3", NULL, "num_hidden_layers is 4"), 1);
}
END_TEST

START_TEST(no_layer_at_all_is_one_reason)
{
        catalog_init(&c, NULL);
        catalog_config(&c, "{\"num_hidden_layers\": 40000}");
        catalog_add(&c, LLAMA_ENDS);
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers", NULL, NULL), 1);
}
END_TEST

START_TEST(a_number_of_layers_is_bounded)
{
        catalog_init(&c, NULL);
        catalog_config(&c, "{\"num_hidden_layers\": 9000000000000000000}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0"));
        describe_badly(CKPT_E_LIMIT, 1);
}
END_TEST

START_TEST(an_extra_layer_is_named)
{
        llama_init(&c, 1, 0);
        catalog_add(&c, LLAMA_LAYER("2"));
        describe_badly(CKPT_E_UNUSED, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_UNUSED, "model.layers.2", NULL, "one too many"), 1);
}
END_TEST

START_TEST(an_odd_layer_is_named)
{
        catalog_init(&c, NULL);
        catalog_config(&c, "{\"num_hidden_layers\": 3}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1") LLAMA_LAYER("2"));
        catalog_add(&c, "model.layers.0.self_attn.q_norm.weight BF16 4\n"
                        "model.layers.2.self_attn.q_norm.weight BF16 4\n"
                        "model.layers.1.self_attn.rotary_emb.inv_freq F32 2");
        describe_badly(CKPT_E_MISSING, 2);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.1.self_attn.q_norm.weight", NULL,
                                          "the other layers have it; nearest: "),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_UNUSED, "model.layers.1.self_attn.rotary_emb.inv_freq",
                                          NULL, "the other layers do not"),
                          1);
}
END_TEST

START_TEST(required_modules_are_named)
{
        llama_init_without(&c, "model.embed_tokens.weight");
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_MISSING, "model.embed_tokens", NULL, "is an index file missing?"),
                1);
        catalog_deinit(&c);

        llama_init_without(&c, "norm.weight"); /* the layers' as well: they lack it alike */
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.norm", NULL, NULL), 1);
}
END_TEST

START_TEST(an_empty_checkpoint_is_an_error)
{
        static const ckpt_weight_mapper plain = {.struct_size = sizeof(plain)};
        static const ckpt_weight_mapper *const one[] = {&plain};

        catalog_init(&c, NULL);
        ck_assert_int_eq(catalog_describe(&c, one, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, NULL, NULL, "no tensor is left"), 1);
}
END_TEST

START_TEST(every_pipeline_rank_finds_the_same_faults)
{
        ckpt_mapping mapping = CKPT_MAPPING_INIT;

        mapping.pp_size = 2;
        catalog_init(&c, &mapping);
        catalog_config(&c, LLAMA_CONFIG);
        catalog_add(&c, "model.embed_tokens.weight BF16 9 8\nmodel.norm.weight BF16 8\n" LLAMA_LAYER("0"));
        catalog_add(&c, "model.layers.1.self_attn.q_proj.weight BF16 16 8");
        /* On rank 0: lm_head, and of layer 1 k, v, four parameters less. */
        describe_badly(CKPT_E_MISSING, 1 + 2 + 4);
}
END_TEST

START_TEST(a_fused_checkpoint_is_taken_whole_alone)
{
        static const char fused[] = LLAMA_ENDS "a.qkv_proj.weight BF16 32 8";
        const ckpt_mapping two = {sizeof(two), 2, 1, 1, 0, 1, 0, 0};

        catalog_init(&c, NULL);
        catalog_add(&c, fused);
        describe_well();
        ck_assert_str_eq(catalog_type(&c, "a.qkv_proj.weight"), "BF16 [32, 8]");
        catalog_deinit(&c);

        catalog_init(&c, &two);
        catalog_add(&c, fused);
        describe_badly(CKPT_E_UNSUPPORTED, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_UNSUPPORTED, "a.qkv_proj.weight", NULL, "already fused"),
                          1);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-incomplete");
        TCase *incomplete = tcase_create("incomplete");

        tcase_add_checked_fixture(incomplete, NULL, teardown);
        tcase_add_test(incomplete, too_many_ranks_are_an_error_for_each_parameter);
        tcase_add_test(incomplete, sources_of_two_dtypes_need_a_third);
        tcase_add_test(incomplete, one_missing_source_is_named_once);
        tcase_add_test(incomplete, a_source_without_its_bias_is_named);
        tcase_add_test(incomplete, a_missing_layer_is_named);
        tcase_add_test(incomplete, no_layer_at_all_is_one_reason);
        tcase_add_test(incomplete, a_number_of_layers_is_bounded);
        tcase_add_test(incomplete, an_extra_layer_is_named);
        tcase_add_test(incomplete, an_odd_layer_is_named);
        tcase_add_test(incomplete, required_modules_are_named);
        tcase_add_test(incomplete, an_empty_checkpoint_is_an_error);
        tcase_add_test(incomplete, every_pipeline_rank_finds_the_same_faults);
        tcase_add_test(incomplete, a_fused_checkpoint_is_taken_whole_alone);
        suite_add_tcase(suite, incomplete);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
