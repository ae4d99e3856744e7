/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host as a user has it: wrong usage, and the commands that read no payload, run on the fixtures
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "support.h"

#define PLUGINS "--plugin-dir", test_place("CKPT_TEST_PLUGINS")

START_TEST(usage)
{
        static const struct {
                const char *arguments[6];
                const char *says;
        } cases[] = {
                {{NULL}, "no command"},
                {{"frobnicate"}, "unknown command 'frobnicate'"},
                {{"plan"}, "needs a checkpoint"},
                {{"plan", "a", "b"}, "too many arguments: unexpected 'b'"},
                {{"plugins", "a"}, "too many arguments"},
                {{"plan", "a", "--explain"}, "'plan' takes no option '--explain'"},
                {{"inspect", "a", "--tp-size", "2"}, "'inspect' takes no option '--tp-size'"},
                {{"plan", "a", "--tp-size", "0"}, "'--tp-size' wants a whole number"},
                {{"plan", "a", "--tp-size", "2x"}, "'--tp-size' wants a whole number"},
                {{"plan", "a", "--tp-rank", "1"}, "'--tp-rank' is 1"},
                {{"plan", "a", "--dtype", "int8"}, "'--dtype' wants a floating-point type"},
                {{"plan", "a", "--device", "gpu"}, "'--device' wants cpu, cuda or cuda:N"},
                {{"plan", "a", "--set", "novalue"}, "'--set' wants KEY=VALUE"},
                {{"plan", "a", "--format"}, "'--format' needs a value"},
                {{"plan", "a", "--strict=yes"}, "'--strict' takes no value"},
                {{"--bogus", "plan", "a"}, "unknown or ambiguous option '--bogus'"},
        };
        struct process *p = process_run(cases[_i].arguments);

        ck_assert_int_eq(p->status, 2);
        ck_assert_str_eq(p->out, "");
        ck_assert_msg(strstr(p->err, cases[_i].says) != NULL, "'%s' is not in: %s", cases[_i].says, p->err);
        ck_assert_ptr_nonnull(strstr(p->err, "--help"));
        process_free(p);
}
END_TEST

START_TEST(usage_as_json)
{
        struct process *p = RUN("plan", "a", "--bogus", "--json");
        json_t *root = process_json(p);

        ck_assert_int_eq(p->status, 2);
        ck_assert_str_eq(string_of(root, "status"), "usage");
        ck_assert_ptr_nonnull(strstr(string_of(root, "error"), "--bogus"));
        json_decref(root);
        process_free(p);
}
END_TEST

START_TEST(help_and_version)
{
        struct process *p = RUN("--help");

        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "usage: ckpt-host"));
        process_free(p);
        p = RUN("load", "--help");
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "--export FILE"));
        ck_assert_ptr_null(strstr(p->out, "--explain"));
        process_free(p);
        p = RUN("--version");
        ck_assert_int_eq(p->status, 0);
        ck_assert_int_eq(strncmp(p->out, "ckpt-host ", 10), 0);
        process_free(p);
}
END_TEST

START_TEST(plugins)
{
        struct process *p = RUN(PLUGINS, "plugins", "--json");
        json_t *root = process_json(p), *list = json_object_get(root, "plugins");
        const json_t *gemma = find(list, "id", "org.ckpt.gemma3");
        const json_t *component;

        ck_assert_int_eq(p->status, 0);
        ck_assert_str_eq(string_of(root, "status"), "ok");
        ck_assert_ptr_nonnull(find(list, "id", "org.ckpt.hf"));
        ck_assert_ptr_nonnull(gemma);
        component = find(json_object_get(gemma, "components"), "model", "Gemma3ForCausalLM");
        ck_assert_ptr_nonnull(component);
        ck_assert_str_eq(string_of(component, "kind"), "weight mapper");
        ck_assert_str_eq(string_of(component, "format"), "HF");
        json_decref(root);
        process_free(p);

        p = RUN("plugins", PLUGINS);
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "org.ckpt.gemma3:HF/Gemma3ForCausalLM"));
        process_free(p);
}
END_TEST

START_TEST(plugins_refused)
{
        const char *directory;
        struct process *p;
        json_t *root;
        const json_t *file;

        directory = make_directory();
        write_file(in_directory("text.so"), "not a shared object\n");
        p = RUN("plugins", "--json", "--plugin-dir", directory);
        root = process_json(p);
        ck_assert_int_eq(p->status, 0);
        file = json_array_get(json_object_get(root, "plugins"), 0);
        ck_assert_ptr_nonnull(strstr(string_of(file, "path"), "text.so"));
        ck_assert_str_ne(string_of(file, "status"), "ok");
        ck_assert_uint_gt(strlen(string_of(file, "reason")), 0);
        json_decref(root);
        process_free(p);

        p = RUN("plugins", "--plugin-dir", directory);
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "refused:"));
        process_free(p);
        remove_directory();
}
END_TEST

START_TEST(plugins_no_directory)
{
        struct process *p = RUN("plugins", "--json", "--plugin-dir", "/nonexistent/one", "--plugin-dir",
                                "/nonexistent/two");
        json_t *root = process_json(p);

        ck_assert_int_eq(p->status, 1);
        ck_assert_uint_eq(json_array_size(json_object_get(root, "diagnostics")), 2);
        ck_assert_ptr_nonnull(strstr(string_of(root, "error"), "/nonexistent/one"));
        /* The log has told it, so the report does not tell it again. */
        ck_assert_ptr_nonnull(strstr(p->err, "/nonexistent/one"));
        ck_assert_ptr_null(strstr(strstr(p->err, "/nonexistent/one") + 1, "/nonexistent/one"));
        json_decref(root);
        process_free(p);
}
END_TEST

START_TEST(inspect)
{
        struct process *p = RUN(PLUGINS, "inspect", fixture("gemma3-bf16-sharded"), "--json");
        json_t *root = process_json(p);
        const json_t *config = json_object_get(root, "config");
        const json_t *tensor =
                find(json_object_get(root, "tensors"), "name", "model.layers.2.self_attn.q_proj.weight");
        json_t *shape = json_pack("[i, i]", 128, 64);

        ck_assert_int_eq(p->status, 0);
        ck_assert_str_eq(string_of(config, "architecture"), "Gemma3ForCausalLM");
        ck_assert_int_eq(json_integer_value(json_object_get(config, "hidden_size")), 64);
        ck_assert_ptr_nonnull(tensor);
        ck_assert_str_eq(string_of(tensor, "dtype"), "BF16");
        ck_assert(json_equal(json_object_get(tensor, "shape"), shape));
        ck_assert_ptr_nonnull(strstr(string_of(tensor, "object"), "model-0000"));
        ck_assert_int_eq(json_integer_value(json_object_get(tensor, "size")), 128 * 64 * 2);
        json_decref(shape);
        json_decref(root);
        process_free(p);
}
END_TEST

START_TEST(inspect_one_file)
{
        struct process *p = RUN(PLUGINS, "inspect", fixture("gemma3-bf16/model.safetensors"), "--json");
        json_t *root = process_json(p);

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert(json_is_null(json_object_get(root, "config")));
        ck_assert_ptr_nonnull(find(json_object_get(root, "tensors"), "name", "model.norm.weight"));
        json_decref(root);
        process_free(p);

        p = RUN(PLUGINS, "inspect", fixture("gemma3-bf16/model.safetensors"));
        ck_assert_ptr_nonnull(strstr(p->out, "no configuration"));
        process_free(p);
}
END_TEST

START_TEST(inspect_nothing)
{
        const char *directory;
        struct process *p;

        directory = make_directory();
        p = RUN(PLUGINS, "inspect", directory);
        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(p->err, "config.json"));
        process_free(p);
        remove_directory();
        p = RUN(PLUGINS, "inspect", "/nonexistent/checkpoint", "--json");
        ck_assert_int_eq(p->status, 1);
        json_decref(process_json(p));
        ck_assert_ptr_nonnull(strstr(p->err, "/nonexistent/checkpoint"));
        process_free(p);
}
END_TEST

START_TEST(resolve)
{
        struct process *p = RUN("resolve", PLUGINS, fixture("gemma3-bf16"), "--explain", "--json");
        json_t *root = process_json(p);
        const json_t *list = json_object_get(root, "candidates");
        const json_t *won = find(list, "id", "org.ckpt.gemma3:HF/Gemma3ForCausalLM");
        const json_t *lost = find(list, "id", "org.ckpt.gemma3:HF/Gemma3ForConditionalGeneration");

        ck_assert_int_eq(p->status, 0);
        ck_assert_str_eq(string_of(root, "format"), "HF");
        ck_assert_str_eq(string_of(root, "architecture"), "Gemma3ForCausalLM");
        ck_assert(json_is_true(json_object_get(won, "chosen")));
        ck_assert_int_eq(json_integer_value(json_object_get(won, "order")), 0);
        ck_assert(json_is_false(json_object_get(lost, "chosen")));
        ck_assert_uint_gt(strlen(string_of(lost, "reason")), 0);
        json_decref(root);
        process_free(p);

        p = RUN("resolve", PLUGINS, fixture("gemma3-bf16"));
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "org.ckpt.gemma3:HF/Gemma3ForCausalLM"));
        ck_assert_ptr_null(strstr(p->out, "Gemma3ForConditionalGeneration"));
        process_free(p);
}
END_TEST

START_TEST(strict)
{
        struct process *p = RUN(PLUGINS, "resolve", fixture("llama"));

        ck_assert_msg(p->status == 0, "%s", p->err);
        process_free(p);
        p = RUN(PLUGINS, "resolve", fixture("llama"), "--strict");
        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(p->err, "LlamaForCausalLM"));
        process_free(p);
}
END_TEST

START_TEST(plan)
{
        struct process *p =
                RUN(PLUGINS, "plan", fixture("gemma3-bf16"), "--tp-size", "2", "--tp-rank", "1", "--json");
        json_t *root = process_json(p);
        const json_t *fused =
                find(json_object_get(root, "parameters"), "name", "model.layers.0.self_attn.qkv_proj.weight");
        /* Of 4 + 2 + 2 heads of 32 rows, a rank has half: what is read is exactly what is needed. */
        const json_int_t bytes = (4 + 2 + 2) * 32 / 2 * 64 * 2;

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_ptr_nonnull(fused);
        ck_assert_int_eq(json_integer_value(json_object_get(fused, "size")), bytes);
        ck_assert_int_eq(json_integer_value(json_object_get(fused, "bytes_read")), bytes);
        ck_assert_uint_eq(json_array_size(json_object_get(fused, "extents")), 3);
        ck_assert_ptr_nonnull(strstr(string_of(fused, "expression"), "q_proj.weight"));
        ck_assert_int_gt(json_integer_value(json_object_get(json_object_get(root, "totals"), "bytes_final")),
                         bytes);
        json_decref(root);
        process_free(p);

        p = RUN(PLUGINS, "plan", fixture("gemma3-bf16"));
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "host peak"));
        process_free(p);
}
END_TEST

START_TEST(plan_skip)
{
        struct process *p =
                RUN(PLUGINS, "plan", fixture("gemma3-bf16"), "--skip-module", "model.norm", "--json");
        json_t *root = process_json(p);

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "totals"), "unused")), 1);
        json_decref(root);
        process_free(p);
}
END_TEST

START_TEST(unknown_setting)
{
        struct process *p = RUN(PLUGINS, "plan", fixture("gemma3-bf16"), "--set", "weights.no_such_key=1");

        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(p->err, "no_such_key"));
        process_free(p);
}
END_TEST

static void add_cases(Suite *suite)
{
        TCase *tcase = tcase_create("cli");

        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, usage, 0, 16);
        tcase_add_test(tcase, usage_as_json);
        tcase_add_test(tcase, help_and_version);
        tcase_add_test(tcase, plugins);
        tcase_add_test(tcase, plugins_refused);
        tcase_add_test(tcase, plugins_no_directory);
        tcase_add_test(tcase, inspect);
        tcase_add_test(tcase, inspect_one_file);
        tcase_add_test(tcase, inspect_nothing);
        tcase_add_test(tcase, resolve);
        tcase_add_test(tcase, strict);
        tcase_add_test(tcase, plan);
        tcase_add_test(tcase, plan_skip);
        tcase_add_test(tcase, unknown_setting);
        suite_add_tcase(suite, tcase);
}

int main(void)
{
        Suite *suite = suite_create("cli");
        SRunner *runner;
        int failed;

        add_cases(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
