/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A format that nobody here has heard of: the plugin of tests/bad-plugins/toy.c, dropped beside the
 * stock ones, loads its checkpoints through the public calls alone
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "plugins/plugins_support.h"
#include "support/scratch.h"

static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void add_plugins(void)
{
        char stock[4096];

        snprintf(stock, sizeof(stock), "%s/hf.so", test_place("CKPT_TEST_PLUGINS"));
        ck_assert_msg(ckpt_host_add_plugin_file(host, stock) == CKPT_OK, "%s", ckpt_host_error(host));
        copy_plugin("toy", "toy");
        ck_assert_msg(ckpt_host_add_plugin_dir(host, scratch_directory()) == CKPT_OK, "%s",
                      ckpt_host_error(host));
}

static void write_checkpoint(void)
{
        scratch_write_text("toy.txt", "ToyForCausalLM\ntoy.model.embed_tokens.weight 4\nmodel.norm.weight 2\n"
                                      "toy.lm_head.weight 2\n");
        scratch_write("toy.bin", numbers, sizeof(numbers));
}

static void expect_values(const ckpt_model *model, const char *name, const float *values, uint64_t count)
{
        const ckpt_param *const param = ckpt_model_find(model, name);

        ck_assert_msg(param != NULL, "there is no %s", name);
        ck_assert_int_eq(param->dtype, CKPT_DTYPE_F32);
        ck_assert_uint_eq(param->size, count * sizeof(float));
        ck_assert_int_eq(memcmp(param->data, values, param->size), 0);
}

START_TEST(toy_checkpoint_is_loaded)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        const ckpt_pair setting = {"weights.offset", "4"};
        ckpt_model *model = NULL;
        const float *const from = numbers + (_i ? 1 : 0);

        add_plugins();
        write_checkpoint();
        options.settings = &setting;
        options.n_settings = _i ? 1 : 0;
        ck_assert_msg(ckpt_load_dir(host, scratch_directory(), &options, &model) == CKPT_OK, "%s",
                      ckpt_host_error(host));
        ck_assert_uint_eq(ckpt_model_count(model), 3);
        expect_values(model, "model.embed_tokens.weight", from, 4);
        expect_values(model, "model.norm.weight", from + 4, 2);
        expect_values(model, "lm_head.weight", from + 6, 2);
        ckpt_model_unref(model);
}
END_TEST

static ckpt_load *new_load(void)
{
        ckpt_load *load = NULL;

        ck_assert_int_eq(ckpt_load_new(host, NULL, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, scratch_directory()), CKPT_OK);
        return load;
}

/* An option is set after the load was made, if there is one of that name; the last value counts. */
START_TEST(toy_weight_loader_is_given_an_option)
{
        ckpt_diagnostic diagnostic;
        ckpt_model *model = NULL;
        ckpt_load *load;

        add_plugins();
        write_checkpoint();
        load = new_load();
        ck_assert_int_eq(ckpt_load_set_weights_option(load, "nothing", "true"), CKPT_ABSENT);
        ck_assert_int_eq(ckpt_load_set_weights_option(load, "offset", "8"), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_weights_option(load, "offset", "4"), CKPT_OK);
        ck_assert_uint_eq(ckpt_load_diagnostic_count(load), 0);
        ck_assert_int_eq(ckpt_load_run(load, &model), CKPT_OK);
        expect_values(model, "model.embed_tokens.weight", numbers + 1, 4);
        ckpt_model_unref(model);

        ck_assert_int_eq(ckpt_load_set_weights_option(load, "offset", "0"), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_load_diagnostic(load, 0, &diagnostic), CKPT_OK);
        ck_assert_ptr_nonnull(strstr(diagnostic.text, "given after it had been made"));
        ckpt_load_free(load);
}
END_TEST

START_TEST(toy_option_is_judged)
{
        ckpt_diagnostic diagnostic;
        ckpt_weights *weights = NULL;
        ckpt_load *load;

        add_plugins();
        write_checkpoint();
        load = new_load();
        ck_assert_int_eq(ckpt_load_set_weights_option(load, "offset", NULL), CKPT_E_INVALID);
        ckpt_load_free(load);

        load = new_load();
        ck_assert_int_eq(ckpt_load_set_weights_option(load, "offset", "four"), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_weights(load, &weights), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_load_diagnostic(load, 0, &diagnostic), CKPT_OK);
        ck_assert_ptr_nonnull(strstr(diagnostic.text, "the setting 'weights.offset' is 'four'"));
        ckpt_load_free(load);
}
END_TEST

START_TEST(toy_checkpoint_needs_its_plugin)
{
        ckpt_model *model = NULL;

        write_checkpoint();
        ck_assert_int_eq(ckpt_load_dir(host, scratch_directory(), NULL, &model), CKPT_E_NOT_FOUND);
        ck_assert_msg(strstr(ckpt_host_error(host), "there is no config loader for format 'HF'") != NULL,
                      "%s", ckpt_host_error(host));
        ck_assert_ptr_null(model);
}
END_TEST

START_TEST(toy_reasons_name_the_plugin)
{
        ckpt_model *model = NULL;

        add_plugins();
        scratch_write_text("toy.txt", "ToyForCausalLM\nno-number\n");
        scratch_write_text("toy.bin", "");
        ck_assert_int_eq(ckpt_load_dir(host, scratch_directory(), NULL, &model), CKPT_E_CORRUPT);
        ck_assert_msg(strstr(ckpt_host_error(host),
                             "test.toy weight loader: toy.txt: 'no-number' is not NAME COUNT") != NULL,
                      "%s", ckpt_host_error(host));
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("toy");
        TCase *const t = tcase_create("toy");

        tcase_add_checked_fixture(t, plugins_setup, plugins_teardown);
        tcase_add_loop_test(t, toy_checkpoint_is_loaded, 0, 2);
        tcase_add_test(t, toy_weight_loader_is_given_an_option);
        tcase_add_test(t, toy_option_is_judged);
        tcase_add_test(t, toy_checkpoint_needs_its_plugin);
        tcase_add_test(t, toy_reasons_name_the_plugin);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *const runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
