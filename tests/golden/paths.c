/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "golden.h"

START_TEST(one_call)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_model *model = NULL;
        golden g;

        golden_init(&g, _i);
        options = golden_options(&g);
        ck_assert_msg(ckpt_load_dir(host, g.directory, &options, &model) == CKPT_OK, "%s %s: %s", g.model,
                      g.mapping->name, ckpt_host_error(host));
        /* The model keeps alive what it needs. */
        ckpt_host_free(host);
        golden_compare(&g, model);
        ckpt_model_unref(model);
        golden_deinit(&g);
}
END_TEST

static void check_config(const golden *g, const ckpt_config *config)
{
        const bool torch = strncmp(g->model, "torch-", 6) == 0;
        char *text = golden_config_text(g);
        const char *architecture = ckpt_config_string(config, "architecture", NULL);

        ck_assert_ptr_nonnull(architecture);
        ck_assert_ptr_nonnull(strstr(text, architecture));
        ck_assert_int_eq(ckpt_config_i64(config, "num_hidden_layers", 0),
                         golden_is_gemma(g) && !torch ? 3 : 2);
        ck_assert_int_eq(ckpt_config_i64(config, "vocab_size", 0), torch ? 61 : 509);
        free(text);
}

static void check_weights(const golden *g, const ckpt_weights *weights)
{
        ckpt_weight_info info;
        checkpoint c;

        checkpoint_init(&c, g->directory);
        ck_assert_uint_eq(ckpt_weights_count(weights), c.count);
        for (uint64_t i = 0; i < c.count; i++) {
                const checkpoint_tensor *tensor;

                ck_assert_int_eq(ckpt_weights_info(weights, i, &info), CKPT_OK);
                ck_assert_str_eq(info.name, ckpt_weights_name(weights, i));
                tensor = checkpoint_find(&c, info.name);
                ck_assert_msg(tensor != NULL, "%s: %s is not in the files", g->model, info.name);
                ck_assert_int_eq(info.dtype, tensor->dtype);
                ck_assert_uint_eq(info.rank, tensor->rank);
                ck_assert_mem_eq(info.shape, tensor->shape, info.rank * sizeof(*info.shape));
                ck_assert_uint_eq(info.offset, tensor->offset);
                ck_assert_uint_eq(info.size, tensor->size);
                ck_assert_ptr_nonnull(info.object);
        }
        ck_assert_int_eq(ckpt_weights_info(weights, c.count, &info), CKPT_ABSENT);
        checkpoint_deinit(&c);
}

/* Where a tensor lies in a torch file is not known from elsewhere; that its bytes are right is seen later. */
static void check_torch_weights(const golden *g, const ckpt_weights *weights)
{
        uint64_t count;
        golden_line *lines = golden_read_weights(g, &count);

        ck_assert_uint_eq(ckpt_weights_count(weights), count);
        for (uint64_t i = 0; i < count; i++) {
                const golden_line *line = NULL;
                ckpt_weight_info info;

                ck_assert_int_eq(ckpt_weights_info(weights, i, &info), CKPT_OK);
                for (uint64_t k = 0; k < count && !line; k++)
                        if (strcmp(lines[k].name, info.name) == 0)
                                line = &lines[k];
                ck_assert_msg(line != NULL, "%s: %s is not in the files", g->model, info.name);
                ck_assert_int_eq(info.dtype, line->dtype);
                ck_assert_uint_eq(info.rank, line->rank);
                ck_assert_mem_eq(info.shape, line->shape, info.rank * sizeof(*info.shape));
                ck_assert_ptr_nonnull(info.object);
        }
        free(lines);
}

static void check_candidates(const ckpt_load *load)
{
        int chosen[CKPT_KIND_COUNT] = {0};
        ckpt_candidate candidate;

        for (uint64_t i = 0; ckpt_load_candidate(load, i, &candidate) == CKPT_OK; i++) {
                ck_assert_ptr_nonnull(candidate.id);
                ck_assert_ptr_nonnull(candidate.reason);
                chosen[candidate.kind] += candidate.chosen && candidate.order == 0;
        }
        for (int kind = 0; kind < CKPT_KIND_COUNT; kind++)
                ck_assert_msg(chosen[kind] == 1, "%d components of kind %d were chosen", chosen[kind], kind);
}

static void check_plan(const golden *g, const ckpt_plan *plan)
{
        ckpt_plan_totals totals;
        ckpt_plan_param param;
        uint64_t bytes = 0;

        ckpt_plan_get_totals(plan, &totals);
        ck_assert_uint_eq(totals.params - totals.skipped, g->count);
        for (uint64_t i = 0; ckpt_plan_param_info(plan, i, &param) == CKPT_OK; i++) {
                const golden_line *line = golden_find(g, param.name);

                ck_assert_msg(line || param.skipped, "%s %s: %s is planned", g->model, g->mapping->name,
                              param.name);
                if (!line)
                        continue;
                ck_assert_ptr_nonnull(param.expression);
                ck_assert_int_eq(param.dtype, line->dtype);
                ck_assert_uint_eq(param.size, line->size);
                bytes += param.size;
        }
        ck_assert_uint_eq(totals.bytes_final, bytes);
        ck_assert_uint_ge(totals.arena_bytes, bytes);
}

START_TEST(one_component_at_a_time)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        ckpt_weights *weights = NULL;
        const ckpt_config *config = NULL;
        const ckpt_plan *plan = NULL;
        golden g;

        golden_init(&g, _i);
        options = golden_options(&g);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_get_config(load, &config));
        check_config(&g, config);
        GOLDEN_OK(&g, load, ckpt_load_get_weights(load, &weights));
        if (golden_model_is_torch(_i / GOLDEN_CASES))
                check_torch_weights(&g, weights);
        else
                check_weights(&g, weights);
        GOLDEN_OK(&g, load, ckpt_load_resolve(load));
        check_candidates(load);
        ck_assert_str_eq(ckpt_load_format(load), "HF");
        GOLDEN_OK(&g, load, ckpt_load_get_plan(load, &plan));
        check_plan(&g, plan);
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_host_free(host);
        golden_deinit(&g);
}
END_TEST

static ckpt_weights *take_weights(ckpt_host *host, const golden *g)
{
        const ckpt_load_options options = golden_options(g);
        ckpt_weights *weights = NULL;
        ckpt_load *load = NULL;

        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(g, load, ckpt_load_set_path(load, g->directory));
        GOLDEN_OK(g, load, ckpt_load_get_weights(load, &weights));
        ckpt_weights_ref(weights);
        ckpt_load_free(load);
        return weights;
}

/* Weights outlive the load that made them, and serve every rank; no other load sees a path. */
START_TEST(weights_serve_all_ranks)
{
        ckpt_host *host = golden_host();
        ckpt_weights *weights;
        char *text;
        golden g;

        golden_init(&g, _i * GOLDEN_CASES);
        weights = take_weights(host, &g);
        text = golden_config_text(&g);
        golden_deinit(&g);
        for (int c = 0; c < GOLDEN_CASES; c++) {
                ckpt_load *load = NULL;
                ckpt_load_options options;

                golden_init(&g, _i * GOLDEN_CASES + c);
                options = golden_options(&g);
                ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
                GOLDEN_OK(&g, load, ckpt_load_set_config_json(load, text, strlen(text)));
                GOLDEN_OK(&g, load, ckpt_load_set_weights(load, weights));
                golden_run(&g, load);
                ckpt_load_free(load);
                golden_deinit(&g);
        }
        ckpt_weights_unref(weights);
        ckpt_host_free(host);
        free(text);
}
END_TEST

void paths_add_files(TCase *tests, int model)
{
        tcase_add_loop_test(tests, one_call, model * GOLDEN_CASES, (model + 1) * GOLDEN_CASES);
        tcase_add_loop_test(tests, one_component_at_a_time, model * GOLDEN_CASES, (model + 1) * GOLDEN_CASES);
        tcase_add_loop_test(tests, weights_serve_all_ranks, model, model + 1);
}

Suite *paths_suite(const char *name)
{
        Suite *suite = suite_create(name);
        TCase *results = tcase_create("results"), *synthetic = tcase_create("synthetic");
        TCase *torch = tcase_create("torch");

        for (int model = 0; model < GOLDEN_MODELS; model++) {
                TCase *tests = tcase_create(golden_model_name(model));

                tcase_set_timeout(tests, 30);
                paths_add_files(tests, model);
                /* What is in memory was read by the tests' own reader. */
                if (!golden_model_is_torch(model))
                        paths_add_memory(tests, model);
                paths_add_engine(tests, model);
                paths_add_component(tests, model);
                suite_add_tcase(suite, tests);
        }
        tcase_set_timeout(torch, 30);
        paths_add_torch(torch);
        suite_add_tcase(suite, torch);
        paths_add_results(results);
        suite_add_tcase(suite, results);
        tcase_set_timeout(synthetic, 120);
        paths_add_synthetic(synthetic);
        suite_add_tcase(suite, synthetic);
        return suite;
}
