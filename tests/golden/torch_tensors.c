/* SPDX-License-Identifier: Apache-2.0 */
#include "torch_tensors.h"

#include <stdio.h>
#include <string.h>

static const char *const files[TORCH_TENSORS_FILES] = {
        "zip-protocol2",  "zip-protocol4",    "legacy-protocol2",
        "zip-big-endian", "legacy-protocol4", "legacy-untyped",
};

/* What the mapper must know; no tensor of these files is of a transformer. */
const char torch_tensors_config[] =
        "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
        "\"hidden_size\": 32, \"num_attention_heads\": 4, \"num_key_value_heads\": 4,"
        "\"num_hidden_layers\": 1, \"tie_word_embeddings\": false, \"vocab_size\": 64}";

void torch_tensors_init(golden *g, int number)
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
ckpt_model *torch_tensors_wanted(ckpt_host *host, const golden *g)
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
