/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Derived models: what is made of a checkpoint's names, and every way in which a checkpoint is incomplete.
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

START_TEST(parameters_follow_the_names)
{
        llama_init(&c, 1, 0);
        describe_well();
        ck_assert_str_eq(catalog_names(&c),
                         "model.embed_tokens.weight model.norm.weight lm_head.weight "
                         "model.layers.0.input_layernorm.weight model.layers.0.self_attn.qkv_proj.weight "
                         "model.layers.0.self_attn.o_proj.weight model.layers.0.mlp.gate_up_proj.weight "
                         "model.layers.0.mlp.down_proj.weight "
                         "model.layers.1.input_layernorm.weight model.layers.1.self_attn.qkv_proj.weight "
                         "model.layers.1.self_attn.o_proj.weight model.layers.1.mlp.gate_up_proj.weight "
                         "model.layers.1.mlp.down_proj.weight");
        ck_assert_str_eq(catalog_type(&c, "model.layers.1.self_attn.qkv_proj.weight"), "BF16 [32, 8]");
        ck_assert_str_eq(catalog_type(&c, "model.layers.0.mlp.gate_up_proj.weight"), "BF16 [24, 8]");
        ck_assert_str_eq(catalog_expression(&c, "model.norm.weight"), "model.norm.weight");
        ck_assert_uint_eq(c.description.unused, 0);
}
END_TEST

START_TEST(modules_have_roles)
{
        static const struct {
                const char *name;
                int32_t role;
        } expected[] = {{"model.embed_tokens", CKPT_ROLE_EMBEDDING},
                        {"lm_head", CKPT_ROLE_EMBEDDING},
                        {"model.norm", CKPT_ROLE_PLAIN},
                        {"model.layers.0.self_attn.qkv_proj", CKPT_ROLE_FUSED},
                        {"model.layers.0.self_attn.o_proj", CKPT_ROLE_LINEAR}};

        llama_init(&c, 1, 0);
        describe_well();
        for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
                uint64_t index;

                ck_assert(ckpt_map_find(&c.model->module_index, expected[i].name, &index));
                ck_assert_int_eq(c.model->modules.items[index]->role, expected[i].role);
        }
}
END_TEST

/* Which source a row of the fused projection comes from, and which of its rows. */
static void check_row(const ckpt_tensor *tensor, int64_t row, const char *source, int64_t from)
{
        const int64_t at[2] = {row, 3};
        const catalog_element e = catalog_at(tensor, at);

        ck_assert_str_eq(ckpt_weights_name(c.store, (uint64_t)e.source), source);
        ck_assert_int_eq(e.index, from * 8 + 3);
}

START_TEST(sources_are_sharded_one_by_one)
{
        for (int32_t rank = 0; rank < 2; rank++) {
                const ckpt_tensor *tensor;

                llama_init(&c, 2, rank);
                describe_well();
                tensor = c.description.bindings[catalog_param(&c, "model.layers.0.self_attn.qkv_proj.weight")].value;
                ck_assert_str_eq(catalog_type(&c, "model.layers.0.self_attn.qkv_proj.weight"), "BF16 [16, 8]");
                for (int64_t i = 0; i < 8; i++)
                        check_row(tensor, i, "model.layers.0.self_attn.q_proj.weight", rank * 8 + i);
                for (int64_t i = 0; i < 4; i++) {
                        check_row(tensor, 8 + i, "model.layers.0.self_attn.k_proj.weight", rank * 4 + i);
                        check_row(tensor, 12 + i, "model.layers.0.self_attn.v_proj.weight", rank * 4 + i);
                }
                ck_assert_str_eq(catalog_type(&c, "model.layers.0.self_attn.o_proj.weight"), "BF16 [8, 8]");
                ck_assert_str_eq(catalog_type(&c, "model.embed_tokens.weight"), "BF16 [5, 8]");
                ck_assert_str_eq(catalog_type(&c, "model.norm.weight"), "BF16 [8]");
                if (rank == 0)
                        catalog_deinit(&c);
        }
}
END_TEST

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

START_TEST(dtype_replaces_floats_alone)
{
        llama_init(&c, 1, 0);
        catalog_add(&c, "model.positions.table I64 4\nmodel.flags.mask BOOL 4\nmodel.extra.weight F32 4");
        c.options.dtype = CKPT_DTYPE_F16;
        describe_well();
        ck_assert_str_eq(catalog_type(&c, "model.norm.weight"), "F16 [8]");
        ck_assert_str_eq(catalog_type(&c, "model.layers.0.self_attn.qkv_proj.weight"), "F16 [32, 8]");
        ck_assert_str_eq(catalog_type(&c, "model.extra.weight"), "F16 [4]");
        ck_assert_str_eq(catalog_type(&c, "model.positions.table"), "I64 [4]");
        ck_assert_str_eq(catalog_type(&c, "model.flags.mask"), "BOOL [4]");
}
END_TEST

START_TEST(sources_of_two_dtypes_need_a_third)
{
        catalog_init(&c, NULL);
        catalog_add(&c, "a.gate_proj.weight BF16 4 2\na.up_proj.weight F32 4 2\n" LLAMA_ENDS);
        describe_badly(CKPT_E_MISMATCH, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "a.gate_up_proj.weight", NULL, "BF16 and F32"), 1);
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
                                          "model.layers.1.self_attn.k_proj.weight", "q_proj, k_proj and v_proj"),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, NULL, NULL, "nearest: "), 1);
}
END_TEST

START_TEST(a_source_without_its_bias_is_named)
{
        llama_init(&c, 1, 0);
        catalog_add(&c, "model.layers.0.self_attn.q_proj.bias BF16 16\nmodel.layers.1.self_attn.q_proj.bias BF16 16\n"
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
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.1", NULL, "the whole layer 1 is missing"), 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.3", NULL, "num_hidden_layers is 4"), 1);
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

START_TEST(a_skipped_layer_is_no_fault)
{
        static const char *const skip[] = {"model.layers.2"};

        llama_init(&c, 1, 0);
        catalog_add(&c, LLAMA_LAYER("2"));
        c.options.skip_modules = skip;
        c.options.n_skip_modules = 1;
        describe_well();
        ck_assert_str_eq(catalog_type(&c, "model.layers.2.mlp.down_proj.weight"), "skipped: skip_modules");
        ck_assert_uint_eq(c.description.unused, 8);
        ck_assert_str_eq(ckpt_model_find(c.model, "model.layers.2.mlp.down_proj.weight")->skipped, "skip_modules");
}
END_TEST

START_TEST(an_odd_layer_is_named)
{
        catalog_init(&c, NULL);
        catalog_config(&c, "{\"num_hidden_layers\": 3}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1") LLAMA_LAYER("2"));
        catalog_add(&c, "model.layers.0.self_attn.q_norm.weight BF16 4\nmodel.layers.2.self_attn.q_norm.weight BF16 4\n"
                        "model.layers.1.self_attn.rotary_emb.inv_freq F32 2");
        describe_badly(CKPT_E_MISSING, 2);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.layers.1.self_attn.q_norm.weight", NULL,
                                          "the other layers have it; nearest: "),
                          1);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_UNUSED, "model.layers.1.self_attn.rotary_emb.inv_freq", NULL, "the other layers do not"),
                1);
}
END_TEST

START_TEST(what_is_ignored_is_no_parameter)
{
        static const char *const ignore[] = {"**.inv_freq"};

        llama_init(&c, 1, 0);
        catalog_add(&c, "model.layers.1.self_attn.rotary_emb.inv_freq F32 2");
        c.options.ignore = ignore;
        c.options.n_ignore = 1;
        describe_well();
        ck_assert(!catalog_has(&c, "model.layers.1.self_attn.rotary_emb.inv_freq"));
        ck_assert_uint_eq(c.description.unused, 1);
}
END_TEST

START_TEST(nothing_is_checked_without_a_number_of_layers)
{
        catalog_init(&c, NULL);
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("5") "model.layers.5.odd.weight BF16 1");
        describe_well();
}
END_TEST

START_TEST(required_modules_are_named)
{
        llama_init_without(&c, "model.embed_tokens.weight");
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.embed_tokens", NULL, "is an index file missing?"), 1);
        catalog_deinit(&c);

        llama_init_without(&c, "norm.weight"); /* the layers' as well: they lack it alike */
        describe_badly(CKPT_E_MISSING, 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.norm", NULL, NULL), 1);
}
END_TEST

START_TEST(a_skipped_module_is_not_required)
{
        static const char *const skip[] = {"lm_head"};

        llama_init_without(&c, "lm_head.weight");
        c.options.skip_modules = skip;
        c.options.n_skip_modules = 1;
        describe_well();
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

START_TEST(a_name_without_a_module_belongs_to_the_root)
{
        static const ckpt_weight_mapper plain = {.struct_size = sizeof(plain)};
        static const ckpt_weight_mapper *const one[] = {&plain};

        catalog_init(&c, NULL);
        catalog_add(&c, "logit_scale F32\ntext.weight F32 2\nproj F32 2 2");
        ck_assert_int_eq(catalog_describe(&c, one, 1), CKPT_OK);
        ck_assert_str_eq(catalog_type(&c, "logit_scale"), "F32 []");
        ck_assert_str_eq(catalog_type(&c, "proj"), "F32 [2, 2]");
        ck_assert_uint_eq(ckpt_model_count(c.model), 3);
}
END_TEST

START_TEST(pipeline_ranks_share_the_layers)
{
        ckpt_mapping mapping = CKPT_MAPPING_INIT;

        mapping.pp_size = 2;
        catalog_init(&c, &mapping);
        catalog_config(&c, "{\"num_hidden_layers\": 3}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1") LLAMA_LAYER("2"));
        describe_well();
        ck_assert_uint_eq(ckpt_model_count(c.model), 1 + 2 * 5);
        ck_assert(catalog_has(&c, "model.embed_tokens.weight") && catalog_has(&c, "model.layers.1.mlp.down_proj.weight"));
        ck_assert(!catalog_has(&c, "model.layers.2.mlp.down_proj.weight") && !catalog_has(&c, "lm_head.weight"));
        ck_assert_uint_eq(c.description.unused, 2 + 8);
        catalog_deinit(&c);

        mapping.pp_rank = 1;
        catalog_init(&c, &mapping);
        catalog_config(&c, "{\"num_hidden_layers\": 3}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1") LLAMA_LAYER("2"));
        describe_well();
        ck_assert_str_eq(catalog_names(&c), "model.norm.weight lm_head.weight model.layers.2.input_layernorm.weight "
                                            "model.layers.2.self_attn.qkv_proj.weight model.layers.2.self_attn.o_proj.weight "
                                            "model.layers.2.mlp.gate_up_proj.weight model.layers.2.mlp.down_proj.weight");
        ck_assert_uint_eq(c.description.unused, 1 + 2 * 8);
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
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_UNSUPPORTED, "a.qkv_proj.weight", NULL, "already fused"), 1);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-derive");
        TCase *good = tcase_create("good"), *bad = tcase_create("bad");

        tcase_add_checked_fixture(good, NULL, teardown);
        tcase_add_test(good, parameters_follow_the_names);
        tcase_add_test(good, modules_have_roles);
        tcase_add_test(good, sources_are_sharded_one_by_one);
        tcase_add_test(good, dtype_replaces_floats_alone);
        tcase_add_test(good, a_skipped_layer_is_no_fault);
        tcase_add_test(good, what_is_ignored_is_no_parameter);
        tcase_add_test(good, nothing_is_checked_without_a_number_of_layers);
        tcase_add_test(good, a_skipped_module_is_not_required);
        tcase_add_test(good, a_name_without_a_module_belongs_to_the_root);
        tcase_add_test(good, pipeline_ranks_share_the_layers);
        suite_add_tcase(suite, good);
        tcase_add_checked_fixture(bad, NULL, teardown);
        tcase_add_test(bad, too_many_ranks_are_an_error_for_each_parameter);
        tcase_add_test(bad, sources_of_two_dtypes_need_a_third);
        tcase_add_test(bad, one_missing_source_is_named_once);
        tcase_add_test(bad, a_source_without_its_bias_is_named);
        tcase_add_test(bad, a_missing_layer_is_named);
        tcase_add_test(bad, no_layer_at_all_is_one_reason);
        tcase_add_test(bad, a_number_of_layers_is_bounded);
        tcase_add_test(bad, an_extra_layer_is_named);
        tcase_add_test(bad, an_odd_layer_is_named);
        tcase_add_test(bad, required_modules_are_named);
        tcase_add_test(bad, an_empty_checkpoint_is_an_error);
        tcase_add_test(bad, every_pipeline_rank_finds_the_same_faults);
        tcase_add_test(bad, a_fused_checkpoint_is_taken_whole_alone);
        suite_add_tcase(suite, bad);
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
