/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Torch files that PyTorch made and that must be refused: refused/EXPECTED.tsv says for each under which
 * policy, with which status, and a word that the message must have.
 */

#include <ckpt/ckpt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

#define REFUSED "torch-tensors/refused/"

enum {
        REFUSALS = 36 /* lines of EXPECTED.tsv */
};

/** A line of EXPECTED.tsv. */
typedef struct refusal {
        char file[64], policy[8], status[16], word[48];
} refusal;

static const char config[] = "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
                             "\"hidden_size\": 32, \"num_attention_heads\": 4, \"num_key_value_heads\": 4,"
                             "\"num_hidden_layers\": 1, \"tie_word_embeddings\": false, \"vocab_size\": 64}";

static void read_refusals(refusal refusals[REFUSALS])
{
        FILE *file = fopen(fixture_path(REFUSED "EXPECTED.tsv"), "re");
        char line[256];
        int count = 0;

        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file)) {
                refusal *r = &refusals[count++];

                ck_assert_int_le(count, REFUSALS);
                ck_assert_int_eq(sscanf(line, "%63s %7s %15s %47s", r->file, r->policy, r->status, r->word),
                                 4);
        }
        fclose(file);
        ck_assert_int_eq(count, REFUSALS);
}

/* The engine wants one parameter, which every one of the files has or should have. */
static ckpt_model *wanted(ckpt_host *host)
{
        static const int64_t shape[] = {4, 4};
        ckpt_model *model = NULL;

        ck_assert_int_eq(ckpt_model_new(host, &model), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_module(model, "plain", CKPT_ROLE_PLAIN, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "plain", "good", CKPT_DTYPE_F32, 2, shape, NULL),
                         CKPT_OK);
        return model;
}

/* One load of one file. The diagnostics stay with *ret_load. */
static ckpt_status run(ckpt_host *host, const char *file, const char *policy, ckpt_load **ret_load,
                       ckpt_model **ret_model)
{
        const ckpt_pair setting = {"weights.pickle_policy", policy};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = wanted(host);
        ckpt_status r;

        options.settings = &setting;
        options.n_settings = 1;
        ck_assert_int_eq(ckpt_load_new(host, &options, ret_load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(*ret_load, file), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_config_json(*ret_load, config, strlen(config)), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_model(*ret_load, model), CKPT_OK);
        r = ckpt_load_run(*ret_load, ret_model);
        ckpt_model_unref(model);
        return r;
}

/* A buffer that the next call overwrites. */
static const char *refused_path(const char *file)
{
        char name[128];

        snprintf(name, sizeof(name), REFUSED "%.63s", file);
        return fixture_path(name);
}

static ckpt_status status_of(const char *name)
{
        for (ckpt_status status = -1; status > -64; status--)
                if (strcmp(ckpt_status_name(status), name) == 0)
                        return status;
        ck_abort_msg("there is no status '%s'", name);
        return 0;
}

static void expect_refused(ckpt_host *host, const refusal *w, const char *policy)
{
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;
        ckpt_status status = run(host, refused_path(w->file), policy, &load, &model);

        ck_assert_msg(status < 0 && !model, "%s is loaded under the policy %s", w->file, policy);
        expect_status(load, status, status_of(w->status));
        expect_reason(load, status, w->file, w->word, NULL);
        ckpt_load_free(load);
}

static void expect_good(ckpt_host *host)
{
        ckpt_model *model = NULL;
        ckpt_status status;
        ckpt_load *load = run_load(host, fixture_path("torch-llama-views"), NULL, &status, &model);

        expect_status(load, status, CKPT_OK);
        expect_golden(model, "torch-llama-views", "tp1-rank0");
        ckpt_model_unref(model);
        ckpt_load_free(load);
}

START_TEST(is_refused)
{
        static const char *const policies[] = {"strict", "opaque"};
        refusal refusals[REFUSALS];
        ckpt_host *host = stock_host();

        read_refusals(refusals);
        for (int i = 0; i < 2; i++)
                if (strcmp(refusals[_i].policy, "any") == 0 || strcmp(refusals[_i].policy, policies[i]) == 0)
                        expect_refused(host, &refusals[_i], policies[i]);
        expect_good(host);
        ckpt_host_free(host);
}
END_TEST

/* What one file left behind does not spoil the next. */
START_TEST(one_host_refuses_them_all)
{
        refusal refusals[REFUSALS];
        ckpt_host *host = stock_host();

        read_refusals(refusals);
        for (int i = 0; i < REFUSALS; i++)
                expect_refused(host, &refusals[i], "strict");
        expect_good(host);
        ckpt_host_free(host);
}
END_TEST

/* A class that is not known is nothing under the opaque policy, and what is beside it loads. */
START_TEST(a_namespace_may_be_passed_over)
{
        static const char *const files[] = {"namespace.pth", "namespace-legacy.pth"};
        ckpt_host *host = stock_host();

        for (int i = 0; i < 2; i++) {
                ckpt_load *load = NULL;
                ckpt_model *model = NULL;
                ckpt_status status = run(host, refused_path(files[i]), "opaque", &load, &model);

                expect_status(load, status, CKPT_OK);
                expect_golden(model, "torch-tensors/refused", "namespace");
                ckpt_model_unref(model);
                ckpt_load_free(load);
        }
        ckpt_host_free(host);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bad torch");
        TCase *tests = tcase_create("refused");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, is_refused, 0, REFUSALS);
        tcase_add_test(tests, one_host_refuses_them_all);
        tcase_add_test(tests, a_namespace_may_be_passed_over);
        suite_add_tcase(suite, tests);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
