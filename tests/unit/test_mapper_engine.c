/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load loop with an engine's model: types, shapes, and what the checkpoint lacks.
 */

#include "unit/test_mapper_llama.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static catalog c;
static const ckpt_weight_mapper *const llama[] = {&llama_mapper};

static void setup(void)
{
        catalog_init(&c, NULL);
}

static void teardown(void)
{
        catalog_deinit(&c);
}

START_TEST(an_engine_has_the_last_word_on_types)
{
        catalog_add(&c,
                    "a.weight BF16 4 2\nb.gate_proj.weight BF16 4 2\nb.up_proj.weight F32 4 2\nn.count U8 3");
        catalog_engine(&c, "a weight F32 4 2\nb.gate_up_proj weight F16 8 2\nn count I32 3");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_OK);
        ck_assert_str_eq(catalog_type(&c, "a.weight"), "F32 [4, 2]");
        ck_assert_str_eq(catalog_type(&c, "b.gate_up_proj.weight"), "F16 [8, 2]");
        ck_assert_str_eq(catalog_type(&c, "n.count"), "I32 [3]");
}
END_TEST

START_TEST(what_cannot_be_cast_is_an_error)
{
        catalog_add(&c, "a.weight I64 4\nb.weight F32 4");
        catalog_engine(&c, "a weight F32 4\nb weight I32 4");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISMATCH);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "a.weight", "a.weight",
                                          "wants F32 and the checkpoint has I64"),
                          1);
}
END_TEST

START_TEST(shapes_are_compared)
{
        catalog_add(&c,
                    "a.weight F32 4 2\nb.weight F32 4\nc.gate_proj.weight F32 2 2\nc.up_proj.weight F32 3 2");
        catalog_engine(&c, "a weight F32 2 4\nb weight F32 4 1\nc.gate_up_proj weight F32 4 2");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISMATCH);
        ck_assert_uint_eq(catalog_reason_count(&c), 3);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_MISMATCH, "a.weight", "a.weight",
                                "wants shape [2, 4] and the checkpoint gives [4, 2] (shard: replicated), "
                                "from a.weight"),
                1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "b.weight", NULL, "[4, 1]"), 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "c.gate_up_proj.weight", NULL, "concat("), 1);
}
END_TEST

START_TEST(every_missing_parameter_is_named)
{
        catalog_add(&c, "model.norm.weight F32 4\nmodel.nrom2.weight F32 4");
        catalog_engine(&c, "model.norm weight F32 4\nmodel.norm2 weight F32 4\nmodel.norm bias F32 4\n"
                           "model.mlp.gate_up_proj weight F32 8");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.norm2.weight", "model.norm2.weight",
                                          "'model.nrom2.weight'"),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.norm.bias", NULL, "(shard: replicated)"),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.mlp.gate_up_proj.weight",
                                          "model.mlp.gate_proj.weight",
                                          "gate_up_proj is made of gate_proj and up_proj"),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "model.mlp.gate_up_proj.weight",
                                          "model.mlp.up_proj.weight", NULL),
                          1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_UNUSED, NULL, "model.nrom2.weight", NULL), 1);
        ck_assert_uint_eq(catalog_reason_count(&c), 5);
}
END_TEST

START_TEST(some_sources_are_not_enough)
{
        catalog_add(&c, "a.q_proj.weight BF16 16 8\na.v_proj.weight BF16 8 8\na.q_proj.bias BF16 16");
        catalog_engine(&c, "a.qkv_proj weight BF16 32 8");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "a.qkv_proj.weight", "a.k_proj.weight", NULL),
                          1);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

START_TEST(a_fused_tensor_does_not_stand_in_for_sources)
{
        catalog_add(&c, "a.gate_up_proj.weight BF16 4 2\na.up_proj.weight BF16 2 2");
        catalog_engine(&c, "a.gate_up_proj weight BF16 4 2");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_MISSING, "a.gate_up_proj.weight", "a.gate_proj.weight", NULL), 1);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

START_TEST(a_key_needs_the_dot)
{
        catalog_add(&c, "layers.10.weight F32 1\nq.weight F32 1\nq_extra.weight F32 1");
        catalog_engine(&c, "layers.1 weight F32 1\nq weight F32 1\nq_extra weight F32 1");
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, "layers.1.weight", "layers.1.weight",
                                          "'layers.10.weight'"),
                          1);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-engine");
        TCase *engine = tcase_create("engine");

        tcase_add_checked_fixture(engine, setup, teardown);
        tcase_add_test(engine, an_engine_has_the_last_word_on_types);
        tcase_add_test(engine, what_cannot_be_cast_is_an_error);
        tcase_add_test(engine, shapes_are_compared);
        tcase_add_test(engine, every_missing_parameter_is_named);
        tcase_add_test(engine, some_sources_are_not_enough);
        tcase_add_test(engine, a_fused_tensor_does_not_stand_in_for_sources);
        tcase_add_test(engine, a_key_needs_the_dot);
        suite_add_tcase(suite, engine);
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
