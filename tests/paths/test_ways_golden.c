/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixtures by every way that payload takes, on the CPU and on the fake CUDA runtime: what PyTorch made of
 * them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"
#include "golden/torch_tensors.h"
#include "paths/ways.h"
#include "support/checkpoint.h"
#include "support/scratch.h"

static const char *const devices[] = {"cpu", "cuda:0"};

#define DEVICES 2

static const char *device;

const char *golden_device(void)
{
        return device;
}

static void run_by(const golden *g, const way *w, ckpt_load *load, ckpt_model *wanted, const char *config)
{
        GOLDEN_OK(g, load, ckpt_load_set_path(load, g->directory));
        if (config)
                GOLDEN_OK(g, load, ckpt_load_set_config_json(load, config, strlen(config)));
        if (wanted)
                GOLDEN_OK(g, load, ckpt_load_set_model(load, wanted));
        golden_run(g, load);
        way_check(w, load, false);
}

static void load_by(ckpt_host *host, const golden *g, const way *w, bool tensors)
{
        ckpt_model *wanted = tensors ? torch_tensors_wanted(host, g) : NULL;
        ckpt_load_options options = golden_options(g);
        ckpt_load *load = NULL;

        way_set(w, &options);
        way_prepare(w);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        run_by(g, w, load, wanted, tensors ? torch_tensors_config : NULL);
        ckpt_load_free(load);
        ckpt_model_unref(wanted);
}

/* On one host, so that loads have what others left behind. */
static void load_by_all(const golden *g, bool tensors)
{
        ckpt_host *host = golden_host();

        for (unsigned d = 0; d < DEVICES; d++) {
                device = devices[d];
                for (unsigned i = 0; i < WAYS; i++)
                        load_by(host, g, &ways[i], tensors);
        }
        ckpt_host_free(host);
}

/* ---- whole models ---- */

/* Models by number in golden.c, and one mapping of each: whole, and every rank of four. */
static const struct {
        const char *model, *mapping;
} cases[] = {
        {"gemma3-bf16-sharded", "tp1-rank0"},  {"gemma3-bf16-sharded", "tp4-rank0"},
        {"gemma3-bf16-sharded", "tp4-rank1"},  {"gemma3-bf16-sharded", "tp4-rank2"},
        {"gemma3-bf16-sharded", "tp4-rank3"},  {"gemma3-fp32", "tp2-rank1"},
        {"gemma3-kv1", "tp4-rank3"},           {"gemma3-vlm-old", "tp1-rank0"},
        {"torch-llama-views", "tp1-rank0"},    {"torch-llama-views-legacy", "tp2-rank0"},
        {"torch-gemma3-sharded", "tp2-rank1"},
};

#define CASES (int)(sizeof(cases) / sizeof(*cases))

static int number_of(int which)
{
        for (int i = 0; i < GOLDEN_MODELS * GOLDEN_CASES; i++)
                if (strcmp(golden_model_name(i / GOLDEN_CASES), cases[which].model) == 0 &&
                    strcmp(golden_case_at(i % GOLDEN_CASES)->name, cases[which].mapping) == 0)
                        return i;
        ck_abort_msg("there is no golden %s %s", cases[which].model, cases[which].mapping);
}

START_TEST(models)
{
        golden g;

        golden_init(&g, number_of(_i));
        /* A copy that is the test's own: the fixtures' pages are not to be dropped from under other tests. */
        checkpoint_copy(g.model);
        snprintf(g.directory, sizeof(g.directory), "%s", scratch_directory());
        load_by_all(&g, false);
        golden_deinit(&g);
}
END_TEST

/* ---- every dtype in every layout, both byte orders ---- */

START_TEST(tensors)
{
        golden g;

        torch_tensors_init(&g, _i * GOLDEN_TP_CASES);
        checkpoint_copy("torch-tensors");
        snprintf(g.directory, sizeof(g.directory), "%s/%s.pth", scratch_directory(), g.model);
        load_by_all(&g, true);
        golden_deinit(&g);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("ways-golden");
        TCase *tcase = tcase_create("ways");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, scratch_new, scratch_remove);
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, models, 0, CASES);
        tcase_add_loop_test(tcase, tensors, 0, TORCH_TENSORS_FILES);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
