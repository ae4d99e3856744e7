/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Derived models: what is made of a checkpoint's names.
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
                tensor = c.description.bindings[catalog_param(&c, "model.layers.0.self_attn.qkv_proj.weight")]
                                 .value;
                ck_assert_str_eq(catalog_type(&c, "model.layers.0.self_attn.qkv_proj.weight"),
                                 "BF16 [16, 8]");
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
        ck_assert_str_eq(ckpt_model_find(c.model, "model.layers.2.mlp.down_proj.weight")->skipped,
                         "skip_modules");
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

START_TEST(a_skipped_module_is_not_required)
{
        static const char *const skip[] = {"lm_head"};

        llama_init_without(&c, "lm_head.weight");
        c.options.skip_modules = skip;
        c.options.n_skip_modules = 1;
        describe_well();
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
        ck_assert(catalog_has(&c, "model.embed_tokens.weight") &&
                  catalog_has(&c, "model.layers.1.mlp.down_proj.weight"));
        ck_assert(!catalog_has(&c, "model.layers.2.mlp.down_proj.weight") &&
                  !catalog_has(&c, "lm_head.weight"));
        ck_assert_uint_eq(c.description.unused, 2 + 8);
        catalog_deinit(&c);

        mapping.pp_rank = 1;
        catalog_init(&c, &mapping);
        catalog_config(&c, "{\"num_hidden_layers\": 3}");
        catalog_add(&c, LLAMA_ENDS LLAMA_LAYER("0") LLAMA_LAYER("1") LLAMA_LAYER("2"));
        describe_well();
        ck_assert_str_eq(catalog_names(&c),
                         "model.norm.weight lm_head.weight model.layers.2.input_layernorm.weight "
                         "model.layers.2.self_attn.qkv_proj.weight model.layers.2.self_attn.o_proj.weight "
                         "model.layers.2.mlp.gate_up_proj.weight model.layers.2.mlp.down_proj.weight");
        ck_assert_uint_eq(c.description.unused, 1 + 2 * 8);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-derive");
        TCase *derive = tcase_create("derive");

        tcase_add_checked_fixture(derive, NULL, teardown);
        tcase_add_test(derive, parameters_follow_the_names);
        tcase_add_test(derive, modules_have_roles);
        tcase_add_test(derive, sources_are_sharded_one_by_one);
        tcase_add_test(derive, dtype_replaces_floats_alone);
        tcase_add_test(derive, a_skipped_layer_is_no_fault);
        tcase_add_test(derive, what_is_ignored_is_no_parameter);
        tcase_add_test(derive, nothing_is_checked_without_a_number_of_layers);
        tcase_add_test(derive, a_skipped_module_is_not_required);
        tcase_add_test(derive, a_name_without_a_module_belongs_to_the_root);
        tcase_add_test(derive, pipeline_ranks_share_the_layers);
        suite_add_tcase(suite, derive);
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
