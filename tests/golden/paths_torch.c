/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Torch files with every dtype in every layout, into an engine's model that wants each tensor as it is
 *
 * A file stands for itself: no directory, the configuration as text. Every rank of every size gets
 * whole tensors.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "paths.h"

static const char *const files[] = {
        "zip-protocol2",  "zip-protocol4",    "legacy-protocol2",
        "zip-big-endian", "legacy-protocol4", "legacy-untyped",
};

enum {
        FILES = sizeof(files) / sizeof(*files)
};

/* What the mapper must know; no tensor of these files is of a transformer. */
static const char config[] = "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
                             "\"hidden_size\": 32, \"num_attention_heads\": 4, \"num_key_value_heads\": 4,"
                             "\"num_hidden_layers\": 1, \"tie_word_embeddings\": false, \"vocab_size\": 64}";

static void torch_init(golden *g, int number)
{
        char path[sizeof(g->directory) + 8];

        *g = (golden){.model = files[number / GOLDEN_TP_CASES],
                      .mapping = golden_case_at(number % GOLDEN_TP_CASES)};
        snprintf(path, sizeof(path), "%s/torch-tensors/%s.tsv", golden_place("CKPT_TEST_FIXTURES"), g->model);
        g->lines = golden_read_lines(path, &g->count);
        snprintf(g->directory, sizeof(g->directory), "%s/torch-tensors/%s.pth",
                 golden_place("CKPT_TEST_FIXTURES"), g->model);
}

/* "i64.transposed" is the parameter `transposed` of the module `i64`. */
static ckpt_model *wanted(ckpt_host *host, const golden *g)
{
        char previous[sizeof(g->lines->name)] = "";
        ckpt_model *model = NULL;

        ck_assert_int_eq(ckpt_model_new(host, &model), CKPT_OK);
        for (uint64_t i = 0; i < g->count; i++) {
                const golden_line *line = &g->lines[i];
                char module[sizeof(line->name)], *dot;

                strcpy(module, line->name);
                dot = strchr(module, '.');
                ck_assert_ptr_nonnull(dot);
                *dot = '\0';
                if (strcmp(module, previous) != 0)
                        ck_assert_int_eq(ckpt_model_add_module(model, module, CKPT_ROLE_PLAIN, NULL),
                                         CKPT_OK);
                strcpy(previous, module);
                ck_assert_int_eq(ckpt_model_add_param_buffer(model, module, dot + 1, line->dtype, line->rank,
                                                             line->shape, NULL),
                                 CKPT_OK);
        }
        return model;
}

static void load_tensors(int number, uint64_t staging_bytes)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        ckpt_model *model;
        golden g;

        torch_init(&g, number);
        model = wanted(host, &g);
        options = golden_options(&g);
        options.staging_bytes = staging_bytes;
        options.readers = staging_bytes ? 1 : 0;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_set_config_json(load, config, strlen(config)));
        GOLDEN_OK(&g, load, ckpt_load_set_model(load, model));
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        ckpt_host_free(host);
        golden_deinit(&g);
}

START_TEST(every_dtype_in_every_layout)
{
        load_tensors(_i, 0);
}
END_TEST

/* One slot of the smallest staging there is: tensors are cut into tiles. */
START_TEST(every_layout_in_little_staging)
{
        load_tensors(_i * GOLDEN_TP_CASES, 4096);
}
END_TEST

void paths_add_torch(TCase *tests)
{
        tcase_add_loop_test(tests, every_dtype_in_every_layout, 0, FILES * GOLDEN_TP_CASES);
        tcase_add_loop_test(tests, every_layout_in_little_staging, 0, FILES);
}
