/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Special modules: a mapper gives their parameters their values itself.
 */

#include <ckpt/plugin.h>

#include "unit/test_mapper_llama.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static catalog c;

static void setup(void)
{
        catalog_init(&c, NULL);
}

static void teardown(void)
{
        catalog_deinit(&c);
}

static int32_t is_moe(ckpt_mapper *m, const ckpt_module *module)
{
        (void)m;
        return strcmp(ckpt_module_last(module), "experts") == 0;
}

/* Two experts become one tensor, found below the module. */
static ckpt_status stack_experts(ckpt_mapper *m, const ckpt_module *module, const ckpt_weights *weights)
{
        const ckpt_tensor *const experts[] = {ckpt_weights_get(weights, "0.w1"),
                                              ckpt_weights_get(weights, "1.w1")};

        ckpt_module_assign(m, module, "w1", ckpt_tensor_stack(experts, 2, 0));
        return CKPT_OK;
}

START_TEST(special_modules_are_assigned)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .is_special_instance_module = is_moe,
                                                 .handle_special_instance_module = stack_experts};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        catalog_add(&c, "mlp.experts.0.w1 F32 4 2\nmlp.experts.1.w1 F32 4 2");
        catalog_engine(&c, "mlp.experts w1 BF16 2 4 2");
        ck_assert_msg(catalog_describe(&c, chain, 2) == CKPT_OK, "%s", catalog_text(&c));
        ck_assert_str_eq(catalog_type(&c, "mlp.experts.w1"), "BF16 [2, 4, 2]");
}
END_TEST

START_TEST(an_unassigned_parameter_is_missing)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .is_special_instance_module = is_moe,
                                                 .handle_special_instance_module = stack_experts};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        /* Expert 1 is missing, so the stack is NULL; nobody knows w2. */
        catalog_add(&c, "mlp.experts.0.w1 F32 4 2");
        catalog_engine(&c, "mlp.experts w1 BF16 2 4 2\nmlp.experts w2 BF16 2 4 2");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISSING, NULL, NULL,
                                          "handle_special_instance_module gave it no value"),
                          2);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
}
END_TEST

static ckpt_status assign_badly(ckpt_mapper *m, const ckpt_module *module, const ckpt_weights *weights)
{
        ckpt_module_assign(m, module, "w1", ckpt_weights_get(weights, "w1"));
        ckpt_module_assign(m, module, "w1", ckpt_weights_get(weights, "w1"));
        ckpt_module_assign(m, module, "w9", ckpt_weights_get(weights, "w1"));
        return CKPT_OK;
}

START_TEST(wrong_assignments_are_the_plugins_fault)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .is_special_instance_module = is_moe,
                                                 .handle_special_instance_module = assign_badly};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        catalog_add(&c, "mlp.experts.w1 F32 2");
        catalog_engine(&c, "mlp.experts w1 F32 2");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_E_PLUGIN);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_PLUGIN, "mlp.experts.w1", NULL, "org.test weight mapper: "), 1);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_PLUGIN, "mlp.experts.w9", NULL, "no such parameter"), 1);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
}
END_TEST

START_TEST(special_needs_a_handler)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .is_special_instance_module = is_moe};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        catalog_add(&c, "mlp.experts.w1 F32 2");
        catalog_engine(&c, "mlp.experts w1 F32 2");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_E_PLUGIN);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-special");
        TCase *special = tcase_create("special");

        tcase_add_checked_fixture(special, setup, teardown);
        tcase_add_test(special, special_modules_are_assigned);
        tcase_add_test(special, an_unassigned_parameter_is_missing);
        tcase_add_test(special, wrong_assignments_are_the_plugins_fault);
        tcase_add_test(special, special_needs_a_handler);
        suite_add_tcase(suite, special);
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
