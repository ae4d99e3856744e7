/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Renames, collisions, and the accounting of what is left over.
 */

#include <ckpt/plugin.h>

#include "unit/test_mapper_llama.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static catalog c;
static const ckpt_weight_mapper plain = {.struct_size = sizeof(ckpt_weight_mapper)};
static const ckpt_weight_mapper *const plain_chain[] = {&plain};

static void setup(void)
{
        catalog_init(&c, NULL);
}

static void teardown(void)
{
        catalog_deinit(&c);
}

static ckpt_status describe_renamed(const ckpt_pair *pairs, uint64_t count)
{
        c.options.params_map = pairs;
        c.options.n_params_map = count;
        return catalog_describe(&c, plain_chain, 1);
}

/* ---- params_map ---- */

START_TEST(patterns_rename_as_python_does)
{
        /* Anchored at the start, all occurrences, and the first pattern that matches wins. */
        static const ckpt_pair pairs[] = {{"transformer\\.h\\.(\\d+)\\.", "model.layers.$1."},
                                          {"a", "b"},
                                          {"transformer\\.", "never."},
                                          {"x$", "y"}};

        catalog_add(&c,
                    "transformer.h.12.mlp.weight F32 1\na.a.ba F32 1\nba.a F32 1\ntransformer.wte.x F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 4), CKPT_OK);
        ck_assert_str_eq(catalog_names(&c), "model.layers.12.mlp.weight b.b.bb ba.a never.wte.x");
        ck_assert_str_eq(catalog_expression(&c, "b.b.bb"), "a.a.ba");
}
END_TEST

START_TEST(a_bad_pattern_is_named_with_its_place)
{
        static const ckpt_pair pairs[] = {{"ok", "ok"}, {"layers\\.(\\d+", "$1"}};

        catalog_add(&c, "a.b F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 2), CKPT_E_INVALID);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, NULL, NULL, "'layers\\.(\\d+'"), 1);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

START_TEST(a_bad_replacement_is_named)
{
        static const ckpt_pair pairs[] = {{"a\\.(.*)", "b.$2"}};

        catalog_add(&c, "a.b F32 1\na.c F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_E_INVALID);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, NULL, "a.b", "'b.$2'"), 1);
}
END_TEST

START_TEST(the_effort_of_a_match_is_bounded)
{
        static const ckpt_pair pairs[] = {{"(a+)+$", "b"}};

        catalog_add(&c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_E_INVALID);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, NULL, NULL, "match limit"), 1);
}
END_TEST

START_TEST(a_name_may_not_become_empty)
{
        static const ckpt_pair pairs[] = {{"a\\..*", ""}};

        catalog_add(&c, "a.b F32 1\nc.d F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_E_INVALID);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, NULL, "a.b", "empty name"), 1);
}
END_TEST

START_TEST(a_collision_names_both)
{
        static const ckpt_pair pairs[] = {{"old\\.", "new."}};

        catalog_add(&c, "new.weight F32 1\nold.weight F32 1\nold.bias F32 1");
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_E_AMBIGUOUS);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_AMBIGUOUS, NULL, "old.weight",
                                          "'new.weight' and 'old.weight' both get the name"),
                          1);
        ck_assert_uint_eq(catalog_reason_count(&c), 1);
}
END_TEST

/* ---- the mapper's rename and preprocess_weights ---- */

static const char *rename_or_drop(ckpt_mapper *m, const char *name)
{
        if (strncmp(name, "drop.", 5) == 0)
                return NULL;
        return strncmp(name, "x.", 2) == 0 ? ckpt_string_concat(m, "y.", name + 2, NULL) : name;
}

START_TEST(what_rename_drops_is_explained)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table), .rename = rename_or_drop};
        static const ckpt_weight_mapper *const chain[] = {&table, &plain};

        catalog_add(&c, "x.weight F32 1\ndrop.weight F32 1\ndrop.bias F32 1");
        ck_assert_int_eq(catalog_describe(&c, chain, 2), CKPT_OK);
        ck_assert_str_eq(catalog_names(&c), "y.weight");
        ck_assert_uint_eq(c.description.unused, 2);
        ck_assert_ptr_nonnull(
                strstr(c.log, "tensor 'drop.bias' is left out: dropped by the mapper's rename"));
}
END_TEST

/* Splits one tensor, takes another out. */
static const ckpt_weights *split_and_take(ckpt_mapper *m, const ckpt_weights *weights)
{
        const ckpt_tensor *fused = ckpt_weights_get(weights, "a.qk.weight");

        weights = ckpt_weights_set(weights, "a.qk.weight", NULL);
        weights = ckpt_weights_set(weights, "a.q.weight", ckpt_tensor_slice(fused, 0, 0, 2));
        weights = ckpt_weights_set(weights, "a.k.weight", ckpt_tensor_slice(fused, 0, 2, 4));
        weights = ckpt_weights_set(weights, "step", NULL);
        return ckpt_mapper_preprocess_weights(m->base, weights);
}

START_TEST(preprocessing_edits_the_dictionary)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .preprocess_weights = split_and_take};
        static const ckpt_weight_mapper *const chain[] = {&table};
        const int64_t at[1] = {1};

        catalog_add(&c, "step I64\na.qk.weight F32 4");
        ck_assert_int_eq(catalog_describe(&c, chain, 1), CKPT_OK);
        ck_assert_uint_eq(ckpt_model_count(c.model), 2);
        ck_assert_int_eq(catalog_at(c.description.bindings[catalog_param(&c, "a.k.weight")].value, at).index,
                         3);
        ck_assert_uint_eq(c.description.unused, 1);
        ck_assert_ptr_nonnull(
                strstr(c.log, "tensor 'step' is left out: taken out by the mapper's preprocess_weights"));
}
END_TEST

static const ckpt_weights *give_nothing(ckpt_mapper *m, const ckpt_weights *weights)
{
        (void)m;
        (void)weights;
        return NULL;
}

START_TEST(preprocessing_must_return_weights)
{
        static const ckpt_weight_mapper table = {.struct_size = sizeof(table),
                                                 .preprocess_weights = give_nothing};
        static const ckpt_weight_mapper *const chain[] = {&table};

        catalog_add(&c, "a.b F32 1");
        ck_assert_int_eq(catalog_describe(&c, chain, 1), CKPT_E_PLUGIN);
}
END_TEST

/* ---- accounting ---- */

START_TEST(what_nobody_asks_for_is_named)
{
        static const ckpt_pair pairs[] = {{"ckpt\\.", ""}};

        catalog_add(&c, "ckpt.norm.weight F32 2\nckpt.old.weight F32 2\nother.weight F32 2");
        catalog_engine(&c, "norm weight F32 2");
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_E_UNUSED);
        ck_assert_uint_eq(catalog_reason_count(&c), 2);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_UNUSED, NULL, "ckpt.old.weight", "its new name is 'old.weight'"),
                1);
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_UNUSED, NULL, "other.weight", "--ignore or --skip-module"), 1);
}
END_TEST

START_TEST(rules_explain_what_is_left_over)
{
        static const char *const skip[] = {"vision.*"}, *const ignore[] = {"**.inv_freq", "ckpt.named"};
        static const ckpt_pair pairs[] = {{"ckpt\\.", "new."}};

        catalog_add(
                &c,
                "norm.weight F32 2\nvision.tower.deep.weight F32 2\na.b.inv_freq F32 1\nckpt.named F32 1");
        catalog_engine(&c, "norm weight F32 2");
        c.options.skip_modules = skip;
        c.options.n_skip_modules = 1;
        c.options.ignore = ignore;
        c.options.n_ignore = 2;
        ck_assert_int_eq(describe_renamed(pairs, 1), CKPT_OK);
        ck_assert_uint_eq(c.description.unused, 3);
}
END_TEST

static void add_tied_rules(ckpt_mapper *m, ckpt_rules *rules)
{
        static const char *const gate_up[] = {"gate_proj", "up_proj"};

        (void)m;
        ckpt_rules_fuse(rules, "gate_up_proj", gate_up, 2);
        ckpt_rules_skip(rules, "lm_head", "tie_word_embeddings");
        ckpt_rules_skip(rules, "mtp.gate_up_proj", "no drafts");
        ckpt_rules_stage(rules, "layers", CKPT_STAGE_LAYER);
}

static const ckpt_weight_mapper tied = {.struct_size = sizeof(tied), .map_weights = add_tied_rules};
static const ckpt_weight_mapper *const tied_chain[] = {&tied};

START_TEST(rules_speak_of_modules_that_the_model_lacks)
{
        ckpt_mapping mapping = CKPT_MAPPING_INIT;

        mapping.pp_size = 2;
        catalog_deinit(&c);
        catalog_init(&c, &mapping);
        catalog_config(&c, LLAMA_CONFIG);
        catalog_add(&c, "embed.weight F32 4\nlm_head.weight F32 4\n"
                        "mtp.gate_proj.weight F32 4\nmtp.up_proj.weight F32 4\n"
                        "layers.0.mlp.gate_proj.weight F32 4\nlayers.0.mlp.up_proj.weight F32 4\n"
                        "layers.1.mlp.gate_proj.weight F32 4\nlayers.1.mlp.up_proj.weight F32 4");
        catalog_engine(&c, "embed weight F32 4\nlayers.0.mlp.gate_up_proj weight F32 8");
        ck_assert_int_eq(catalog_describe(&c, tied_chain, 1), CKPT_OK);
        ck_assert_uint_eq(c.description.unused, 1 + 2 + 2);
        ck_assert_ptr_nonnull(strstr(c.log, "tensor 'lm_head.weight' is left out: tie_word_embeddings"));
        ck_assert_ptr_nonnull(strstr(c.log, "tensor 'mtp.up_proj.weight' is left out: no drafts"));
        ck_assert_ptr_nonnull(
                strstr(c.log, "tensor 'layers.1.mlp.up_proj.weight' is left out: pipeline rank 1"));
}
END_TEST

START_TEST(a_tied_head_in_the_checkpoint_is_skipped)
{
        catalog_add(&c, "embed.weight F32 4\nlm_head.weight F32 4");
        ck_assert_int_eq(catalog_describe(&c, tied_chain, 1), CKPT_OK);
        ck_assert_str_eq(catalog_type(&c, "lm_head.weight"), "skipped: tie_word_embeddings");
        ck_assert_uint_eq(c.description.unused, 1);
}
END_TEST

START_TEST(many_tensors_are_no_burden)
{
        enum {
                N = 20000
        };
        static char lines[N * 48];
        size_t length = 0;

        catalog_engine(&c, "norm weight F32 2");
        for (int from = 0; from < N; from += 200) {
                length = 0;
                for (int i = from; i < from + 200; i++)
                        length += (size_t)sprintf(lines + length, "block.%d.weight F32 2\n", i);
                catalog_add(&c, lines);
        }
        ck_assert_int_eq(catalog_describe(&c, plain_chain, 1), CKPT_E_MISSING);
        ck_assert_uint_eq(catalog_reason_count(&c), CKPT_DIAGNOSTICS_MAX);
        ck_assert_uint_eq(c.session.diagnostics.dropped, N + 1 - CKPT_DIAGNOSTICS_MAX);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-names");
        TCase *names = tcase_create("names"), *account = tcase_create("account");

        tcase_add_checked_fixture(names, setup, teardown);
        tcase_add_test(names, patterns_rename_as_python_does);
        tcase_add_test(names, a_bad_pattern_is_named_with_its_place);
        tcase_add_test(names, a_bad_replacement_is_named);
        tcase_add_test(names, the_effort_of_a_match_is_bounded);
        tcase_add_test(names, a_name_may_not_become_empty);
        tcase_add_test(names, a_collision_names_both);
        tcase_add_test(names, what_rename_drops_is_explained);
        tcase_add_test(names, preprocessing_edits_the_dictionary);
        tcase_add_test(names, preprocessing_must_return_weights);
        suite_add_tcase(suite, names);
        tcase_add_checked_fixture(account, setup, teardown);
        tcase_add_test(account, what_nobody_asks_for_is_named);
        tcase_add_test(account, rules_explain_what_is_left_over);
        tcase_add_test(account, rules_speak_of_modules_that_the_model_lacks);
        tcase_add_test(account, a_tied_head_in_the_checkpoint_is_skipped);
        tcase_add_test(account, many_tensors_are_no_burden);
        suite_add_tcase(suite, account);
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
