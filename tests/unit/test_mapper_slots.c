/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load loop with mappers that override its slots.
 */

#include <ckpt/plugin.h>

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

static const ckpt_tensor *add_one(ckpt_mapper *m, const ckpt_module *module, const ckpt_weights *weights,
                                  const char *name)
{
        const ckpt_tensor *tensor = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);

        return strstr(ckpt_module_last(module), "norm") ? ckpt_tensor_add_scalar(tensor, 1) : tensor;
}

START_TEST(copies_can_be_changed)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table), .handle_manual_copy = add_one};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        catalog_add(&c, LLAMA_ENDS);
        c.options.dtype = CKPT_DTYPE_F32;
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_OK);
        /* In the checkpoint's dtype, then cast. */
        ck_assert_ptr_eq(c.description.bindings[catalog_param(&c, "model.norm.weight")].value->op,
                         &ckpt_op_cast);
        ck_assert_ptr_eq(c.description.bindings[catalog_param(&c, "model.norm.weight")].value->inputs[0]->op,
                         &ckpt_op_add_scalar);
}
END_TEST

/*
 * Repeats k and v, as more ranks than heads need it; records the order of the calls in the embedder's data.
 */
static const ckpt_weights *repeat_kv(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                     const ckpt_weights *weights)
{
        catalog *own = m->data;

        ck_assert_str_eq(ckpt_module_last(module), "qkv_proj");
        snprintf(own->log + strlen(own->log), sizeof(own->log) - strlen(own->log), "%s ", source);
        if (strcmp(source, "q_proj") == 0)
                return weights;
        return ckpt_weights_set(weights, "weight",
                                ckpt_tensor_repeat_blocks(ckpt_weights_get(weights, "weight"), 0, 2, 2));
}

static const ckpt_weights *look_on(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                   const ckpt_weights *weights)
{
        catalog *own = m->data;

        (void)module;
        (void)source;
        ck_assert_uint_eq(ckpt_weights_count(weights), 1);
        strcat(own->log, "then ");
        return weights;
}

static void add_callbacks(ckpt_mapper *m, ckpt_rules *rules)
{
        (void)m;
        ckpt_rules_callback(rules, repeat_kv);
        ckpt_rules_callback(rules, look_on);
}

START_TEST(callbacks_run_in_order_on_each_source)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table), .map_weights = add_callbacks};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};
        const ckpt_mapping mapping = {sizeof(mapping), 4, 3, 1, 0, 1, 0, 0};

        catalog_deinit(&c);
        catalog_init(&c, &mapping);
        c.logger.sink = NULL;
        catalog_add(&c, LLAMA_ENDS
                    "a.q_proj.weight BF16 16 8\na.k_proj.weight BF16 8 8\na.v_proj.weight BF16 8 8");
        ck_assert_msg(catalog_describe(&c, chain, 2) == CKPT_OK, "%s", catalog_text(&c));
        ck_assert_str_eq(c.log, "q_proj then k_proj then v_proj then ");
        /* One head each of q, k and v. */
        ck_assert_str_eq(catalog_type(&c, "a.qkv_proj.weight"), "BF16 [12, 8]");
}
END_TEST

static const ckpt_weights *give_nothing(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                        const ckpt_weights *weights)
{
        (void)m;
        (void)module;
        (void)weights;
        return strcmp(source, "up_proj") == 0 ? NULL : weights;
}

static void add_bad_callback(ckpt_mapper *m, ckpt_rules *rules)
{
        (void)m;
        ckpt_rules_callback(rules, give_nothing);
}

START_TEST(a_callback_must_return_weights)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .map_weights = add_bad_callback};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};

        catalog_add(&c, LLAMA_ENDS "a.gate_proj.weight F32 2\na.up_proj.weight F32 2");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_E_PLUGIN);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

/* ---- styles, skips, faults ---- */

static const char *skip_more(ckpt_mapper *m, const ckpt_module *module)
{
        /* Overrules its base for one module, and adds one. */
        if (strcmp(ckpt_module_name(module), "a.keep") == 0)
                return NULL;
        return strcmp(ckpt_module_last(module), "drop") == 0
                       ? "mine"
                       : ckpt_mapper_should_skip_module(m->base, module);
}

static void skip_a(ckpt_mapper *m, ckpt_rules *rules)
{
        (void)m;
        ckpt_rules_skip(rules, "a.*", "all of a");
}

START_TEST(a_skip_can_be_overruled_by_the_mapper)
{
        static const ckpt_weight_mapper base = {.struct_size = sizeof(base), .map_weights = skip_a};
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .should_skip_module = skip_more};
        static const ckpt_weight_mapper *const chain[] = {&table, &base};
        static const char *const skip[] = {"b"};

        catalog_add(&c, "a.keep.w F32 1\na.other.w F32 1\nx.drop.w F32 1\nb.w F32 1\nb.c.w F32 1");
        c.options.skip_modules = skip;
        c.options.n_skip_modules = 1;
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_OK);
        ck_assert_str_eq(catalog_type(&c, "a.keep.w"), "F32 [1]");
        ck_assert_str_eq(catalog_type(&c, "a.other.w"), "skipped: all of a");
        ck_assert_str_eq(catalog_type(&c, "x.drop.w"), "skipped: mine");
        ck_assert_str_eq(catalog_type(&c, "b.w"), "skipped: skip_modules");
        ck_assert_str_eq(catalog_type(&c, "b.c.w"), "skipped: skip_modules");
}
END_TEST

static void later_style(ckpt_mapper *m, ckpt_rules *rules)
{
        static const ckpt_shard whole = CKPT_SHARD_REPLICATED;

        (void)m;
        ckpt_rules_style(rules, "vision.**", &whole);
}

START_TEST(the_last_style_wins)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table), .map_weights = later_style};
        static const ckpt_weight_mapper *const chain[] = {&table, &llama_mapper};
        const ckpt_mapping mapping = {sizeof(mapping), 2, 1, 1, 0, 1, 0, 0};

        catalog_deinit(&c);
        catalog_init(&c, &mapping);
        catalog_add(&c, LLAMA_ENDS "vision.a.down_proj.weight F32 8 8\ntext.a.down_proj.weight F32 8 8\n"
                                   "text.a.down_proj.bias F32 8");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_OK);
        ck_assert_str_eq(catalog_type(&c, "vision.a.down_proj.weight"), "F32 [8, 8]");
        ck_assert_str_eq(catalog_type(&c, "text.a.down_proj.weight"), "F32 [8, 4]");
        ck_assert_str_eq(catalog_type(&c, "text.a.down_proj.bias"), "F32 [8]");
}
END_TEST

static const ckpt_tensor *fail_quietly(ckpt_mapper *m, const ckpt_module *module, const ckpt_weights *weights,
                                       const char *name)
{
        const ckpt_where where = {.struct_size = sizeof(where), .hint = "try another"};

        ckpt_fail(m, CKPT_E_UNSUPPORTED, &where, "'%s' is not for me", ckpt_module_name(module));
        return ckpt_weights_get(weights, name);
}

START_TEST(a_recorded_fault_fails_a_loop_that_went_well)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .handle_manual_copy = fail_quietly};
        static const ckpt_weight_mapper *const chain[] = {&table};

        catalog_add(&c, "a.w F32 1\nb.w F32 1");
        ck_assert_int_eq(catalog_describe(&c, chain, 1), CKPT_E_UNSUPPORTED);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
}
END_TEST

START_TEST(an_operation_that_cannot_be_is_one_reason)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table), .handle_manual_copy = add_one};
        static const ckpt_weight_mapper *const chain[] = {&table};

        catalog_add(&c, "a.norm.weight I32 4"); /* no arithmetic on integers */
        ck_assert_int_lt(catalog_describe(&c, chain, 1), CKPT_OK);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

static ckpt_status derive_more(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model_builder *builder)
{
        ckpt_model_add_param(builder, "alias", "weight", CKPT_ROLE_PLAIN);
        ckpt_model_add_param(builder, "a", "weight", CKPT_ROLE_PLAIN);
        return ckpt_mapper_derive_model(m->base, weights, builder);
}

static const ckpt_tensor *copy_alias(ckpt_mapper *m, const ckpt_module *module, const ckpt_weights *weights,
                                     const char *name)
{
        const bool alias = strcmp(ckpt_module_name(module), "alias") == 0;

        return alias ? ckpt_weights_get(m->weights, "a.weight")
                     : ckpt_mapper_handle_manual_copy(m->base, module, weights, name);
}

START_TEST(a_mapper_may_derive_more)
{
        static const ckpt_weight_mapper table = {
                .struct_size = sizeof(table), .derive_model = derive_more, .handle_manual_copy = copy_alias};
        static const ckpt_weight_mapper *const chain[] = {&table};

        catalog_add(&c, "a.weight F32 4");
        ck_assert_msg(catalog_describe(&c, chain, 1) == CKPT_OK, "%s", catalog_text(&c));
        ck_assert_str_eq(catalog_names(&c), "alias.weight a.weight");
        ck_assert_str_eq(catalog_expression(&c, "alias.weight"), "a.weight");
}
END_TEST

START_TEST(a_loop_can_be_cancelled)
{
        catalog_add(&c, LLAMA_ENDS);
        atomic_store(&c.session.cancelled, true);
        ck_assert_int_eq(catalog_describe(&c, llama, 1), CKPT_E_CANCELLED);
        ck_assert_uint_eq(catalog_reason_count(&c), 0);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-slots");
        TCase *slots = tcase_create("slots");

        tcase_add_checked_fixture(slots, setup, teardown);
        tcase_add_test(slots, copies_can_be_changed);
        tcase_add_test(slots, callbacks_run_in_order_on_each_source);
        tcase_add_test(slots, a_callback_must_return_weights);
        tcase_add_test(slots, a_skip_can_be_overruled_by_the_mapper);
        tcase_add_test(slots, the_last_style_wins);
        tcase_add_test(slots, a_recorded_fault_fails_a_loop_that_went_well);
        tcase_add_test(slots, an_operation_that_cannot_be_is_one_reason);
        tcase_add_test(slots, a_mapper_may_derive_more);
        tcase_add_test(slots, a_loop_can_be_cancelled);
        suite_add_tcase(suite, slots);
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
