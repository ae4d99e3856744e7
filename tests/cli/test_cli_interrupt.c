/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C, with a weight loader that gives the test time to press it
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "support.h"

#define PLUGINS "--plugin-dir", test_place("CKPT_TEST_PLUGINS")

static const char slow_config[] =
        "{\"architectures\": [\"SlowForCausalLM\"], \"model_type\": \"slow\", \"dtype\": \"float32\","
        " \"hidden_size\": 64, \"num_hidden_layers\": 1, \"num_attention_heads\": 1, \"head_dim\": 64,"
        " \"num_key_value_heads\": 1, \"intermediate_size\": 64, \"vocab_size\": 64,"
        " \"tie_word_embeddings\": false}";

static struct process *start_slow(const char *directory, const char *hold)
{
        char setting[64];

        snprintf(setting, sizeof(setting), "weights.hold=%s", hold);
        write_file(in_directory("config.json"), slow_config);
        return START(PLUGINS, "--plugin-dir", test_place("CKPT_TEST_CLI_PLUGINS"), "--weight-loader",
                     "org.ckpt.test.slow", "--set", setting, "load", directory, "--json", "--export",
                     in_directory("out.safetensors"));
}

START_TEST(slow_load)
{
        struct process *p;

        p = start_slow(make_directory(), "0");
        process_finish(p);
        ck_assert_msg(p->status == 0, "%s", p->err);
        process_free(p);
        ck_assert_uint_eq(empty_directory(), 2);
        remove_directory();
}
END_TEST

START_TEST(interrupt)
{
        const int signals[] = {SIGINT, SIGTERM};
        struct process *p;
        json_t *root;

        p = start_slow(make_directory(), "300");
        ck_assert_msg(process_await(p, "reading slowly"), "it never read");
        ck_assert_int_eq(kill(p->pid, signals[_i]), 0);
        process_finish(p);
        ck_assert_msg(p->status == 130, "%d %s", p->status, p->err);
        root = process_json(p);
        ck_assert_str_eq(string_of(root, "status"), "cancelled");
        json_decref(root);
        process_free(p);
        /* Only the configuration: no result, no part of one. */
        ck_assert_uint_eq(empty_directory(), 1);
        remove_directory();
}
END_TEST

START_TEST(interrupt_twice)
{
        struct process *p;

        p = start_slow(make_directory(), "600000");
        ck_assert_msg(process_await(p, "reading slowly"), "it never read");
        ck_assert_int_eq(kill(p->pid, SIGINT), 0);
        ck_assert_int_eq(kill(p->pid, SIGTERM), 0);
        process_finish(p);
        ck_assert_int_eq(p->status, 130);
        process_free(p);
        remove_directory();
}
END_TEST

static void add_cases(Suite *suite)
{
        TCase *tcase = tcase_create("cli-interrupt");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, slow_load);
        tcase_add_loop_test(tcase, interrupt, 0, 2);
        tcase_add_test(tcase, interrupt_twice);
        suite_add_tcase(suite, tcase);
}

int main(void)
{
        Suite *suite = suite_create("cli-interrupt");
        SRunner *runner;
        int failed;

        add_cases(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
