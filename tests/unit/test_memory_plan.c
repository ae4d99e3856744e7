/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans of a catalogue that has no files: what would be read, for each rank exactly its part, worked out
 * here from the shapes alone. A read fails the test.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ckpt/ckpt.h>

#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "unit/test_faults_reader.h"

#include <check.h>

#define HIDDEN     256
#define WIDE       16384
#define HEADS      8
#define KV_HEADS   4
#define HEAD       32
#define LAYERS     4
#define VOCABULARY 1001

static ckpt_host *host;
static test_reader reader;
static ckpt_load *load;

static ckpt_status no_read(test_reader *unused, uint64_t call)
{
        (void)unused;
        ck_abort_msg("payload was read (call %" PRIu64 ") where only a plan was asked for", call);
}

static const ckpt_plan *make_plan(const ckpt_mapping *mapping, ckpt_plan_totals *ret_totals)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        const ckpt_plan *plan = NULL;
        ckpt_status r;

        options.mapping = *mapping;
        reader = (test_reader)TEST_READER_INIT;
        reader.on_read = no_read;
        reader.wide = WIDE;
        load = ckpt_load_free(load);
        load = test_reader_load(host, &reader, &options);
        r = ckpt_load_get_plan(load, &plan);
        expect_status(load, r, CKPT_OK);
        ckpt_plan_get_totals(plan, ret_totals);
        ck_assert_uint_eq(atomic_load(&reader.calls), 0);
        return plan;
}

/* ---- what a rank must read, in elements ---- */

/*
 * A part of every row. A gap of less than a page is read and dropped, for that is cheaper than another
 * read: then it is everything from the first to the last element of the part.
 */
static uint64_t columns_elements(uint64_t rows, uint64_t width, uint64_t ranks)
{
        const uint64_t part = width / ranks;

        return (width - part) * 2 <= 4096 ? (rows - 1) * width + part : rows * part;
}

static uint64_t attention_elements(uint64_t ranks)
{
        const uint64_t q = HEADS / ranks * HEAD * HIDDEN;
        const uint64_t kv = (KV_HEADS > ranks ? KV_HEADS / ranks : 1) * HEAD * HIDDEN;

        return q + 2 * kv + columns_elements(HIDDEN, HEADS * HEAD, ranks) + 2 * HEAD;
}

static uint64_t layer_elements(uint64_t ranks, uint64_t attention_ranks)
{
        return attention_elements(attention_ranks) + 2 * HIDDEN * WIDE / ranks +
               columns_elements(HIDDEN, WIDE, ranks) + 4 * HIDDEN;
}

/* What a rank holds of a layer. */
static uint64_t layer_final(uint64_t ranks)
{
        const uint64_t dropped =
                columns_elements(HIDDEN, HEADS * HEAD, ranks) - HIDDEN * HEADS * HEAD / ranks;

        return layer_elements(ranks, ranks) - dropped;
}

/* Rows of the embedding that the checkpoint has for this rank. */
static uint64_t embedding_rows(uint64_t ranks, uint64_t rank)
{
        const uint64_t per = (VOCABULARY + ranks - 1) / ranks, first = per * rank;

        return first >= VOCABULARY ? 0 : VOCABULARY - first < per ? VOCABULARY - first : per;
}

START_TEST(every_rank_reads_its_part)
{
        for (int32_t ranks = 1; ranks <= 8; ranks *= 2) {
                for (int32_t rank = 0; rank < ranks; rank++) {
                        ckpt_mapping mapping = CKPT_MAPPING_INIT;
                        const uint64_t layers =
                                LAYERS * layer_elements((uint64_t)ranks, (uint64_t)ranks) + HIDDEN;
                        const uint64_t padded = (VOCABULARY + (uint64_t)ranks - 1) / (uint64_t)ranks;
                        ckpt_plan_totals totals;

                        mapping.tp_size = ranks;
                        mapping.tp_rank = rank;
                        make_plan(&mapping, &totals);
                        ck_assert_uint_eq(
                                totals.bytes_read,
                                2 * (layers + embedding_rows((uint64_t)ranks, (uint64_t)rank) * HIDDEN));
                        ck_assert_uint_eq(totals.bytes_final, 2 * (LAYERS * layer_final((uint64_t)ranks) +
                                                                   HIDDEN + padded * HIDDEN));
                        /* Three sources become qkv_proj, two gate_up_proj. */
                        ck_assert_uint_eq(totals.params, TEST_READER_TENSORS - 3 * LAYERS);
                        ck_assert_uint_eq(totals.skipped, 0);
                        ck_assert_uint_eq(totals.unused, 0);
                        ck_assert_uint_ge(totals.arena_bytes, totals.bytes_final);
                        ck_assert_uint_lt(totals.arena_bytes, totals.bytes_final + totals.params * 4096);
                        ck_assert_uint_le(totals.staging_bytes, 64u << 20);
                        ck_assert_uint_eq(totals.host_peak, totals.arena_bytes + totals.staging_bytes);
                }
        }
}
END_TEST

START_TEST(attention_is_whole_under_attention_dp)
{
        ckpt_mapping mapping = CKPT_MAPPING_INIT;
        ckpt_plan_totals totals;

        mapping.tp_size = 2;
        mapping.tp_rank = 1;
        mapping.attention_dp = 1;
        make_plan(&mapping, &totals);
        ck_assert_uint_eq(totals.bytes_read,
                          2 * (LAYERS * layer_elements(2, 1) + HIDDEN + VOCABULARY * HIDDEN));
}
END_TEST

START_TEST(pipeline_ranks_own_their_layers)
{
        static const uint64_t layers[3] = {2, 1, 1};
        ckpt_mapping mapping = CKPT_MAPPING_INIT;

        mapping.pp_size = 3;
        for (mapping.pp_rank = 0; mapping.pp_rank < 3; mapping.pp_rank++) {
                /* Tied: the last rank computes with the embedding, too. */
                const uint64_t embedding = mapping.pp_rank == 1 ? 0 : VOCABULARY * HIDDEN;
                const uint64_t norm = mapping.pp_rank == 2 ? HIDDEN : 0;
                ckpt_plan_totals totals;

                make_plan(&mapping, &totals);
                ck_assert_uint_eq(totals.bytes_read,
                                  2 * (layers[mapping.pp_rank] * layer_elements(1, 1) + embedding + norm));
                ck_assert_uint_gt(totals.unused, 0);
        }
}
END_TEST

/* ---- single parameters ---- */

static ckpt_plan_param find_param(const ckpt_plan *plan, const char *name, uint64_t *ret_index)
{
        ckpt_plan_param param;

        for (uint64_t i = 0; ckpt_plan_param_info(plan, i, &param) == CKPT_OK; i++) {
                if (strcmp(param.name, name) == 0) {
                        *ret_index = i;
                        return param;
                }
        }
        ck_abort_msg("the plan has no %s", name);
}

START_TEST(expressions_and_extents)
{
        ckpt_mapping mapping = CKPT_MAPPING_INIT;
        ckpt_plan_totals totals;
        ckpt_plan_extent extent;
        ckpt_plan_param param;
        const ckpt_plan *plan;
        uint64_t index, sizes = 0;

        mapping.tp_size = 2;
        mapping.tp_rank = 1;
        plan = make_plan(&mapping, &totals);

        param = find_param(plan, "model.layers.1.self_attn.qkv_proj.weight", &index);
        ck_assert_int_eq(param.dtype, CKPT_DTYPE_BF16);
        ck_assert_uint_eq(param.rank, 2);
        ck_assert_int_eq(param.shape[0], (HEADS + 2 * KV_HEADS) * HEAD / 2);
        ck_assert_int_eq(param.shape[1], HIDDEN);
        ck_assert_ptr_nonnull(strstr(param.expression, "concat(0"));
        ck_assert_ptr_nonnull(strstr(param.expression, "model.layers.1.self_attn.q_proj.weight"));
        ck_assert_ptr_nonnull(strstr(param.expression, "128:256"));
        /* The lower half of each source is one range; all of them are copied straight into the target. */
        ck_assert_uint_eq(param.n_extents, 3);
        ck_assert_uint_eq(param.n_copies, 3);
        ck_assert_uint_eq(param.n_steps, 0);
        for (uint64_t i = 0; i < 3; i++) {
                ck_assert_int_eq(ckpt_plan_param_extent(plan, index, i, &extent), CKPT_OK);
                ck_assert_ptr_null(extent.object);
                ck_assert_uint_eq(extent.offset, extent.size);
                sizes += extent.size;
        }
        ck_assert_uint_eq(sizes, (HEADS + 2 * KV_HEADS) / 2 * HEAD * HIDDEN * 2);
        ck_assert_int_eq(ckpt_plan_param_extent(plan, index, 3, &extent), CKPT_ABSENT);

        /* Columns: a range in every row, where what lies between is worth leaving out. */
        param = find_param(plan, "model.layers.1.mlp.down_proj.weight", &index);
        ck_assert_uint_eq(param.bytes_read, HIDDEN * WIDE / 2 * 2);
        ck_assert_uint_eq(param.n_extents, HIDDEN);
        ck_assert_int_eq(ckpt_plan_param_extent(plan, index, 5, &extent), CKPT_OK);
        ck_assert_uint_eq(extent.offset, (5 * WIDE + WIDE / 2) * 2);
        ck_assert_uint_eq(extent.size, WIDE / 2 * 2);
        param = find_param(plan, "model.layers.1.self_attn.o_proj.weight", &index);
        ck_assert_uint_eq(param.n_extents, 1);

        /* Gemma's norms are more than a copy. */
        param = find_param(plan, "model.norm.weight", &index);
        ck_assert_ptr_nonnull(strstr(param.expression, "add"));
        ck_assert_uint_gt(param.n_steps, 0);
}
END_TEST

/* With files the ranges are the file's own: compared with the header as jansson reads it. */
START_TEST(extents_of_a_file)
{
        static const char *const sources[] = {"q_proj", "k_proj", "v_proj"};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        const ckpt_plan *plan = NULL;
        uint64_t found[3][2], index, payload;
        tensor_file tensors;

        checkpoint_copy("gemma3-bf16");
        tensors = tensor_file_read("model.safetensors");
        payload = checkpoint_size("model.safetensors") - tensors.size;
        options.mapping.tp_size = 2;
        options.mapping.tp_rank = 1;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, scratch_directory()), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_plan(load, &plan), CKPT_OK);
        ck_assert_uint_eq(find_param(plan, "model.layers.2.self_attn.qkv_proj.weight", &index).n_extents, 3);
        for (uint64_t i = 0; i < 3; i++) {
                ckpt_plan_extent extent;

                ck_assert_int_eq(ckpt_plan_param_extent(plan, index, i, &extent), CKPT_OK);
                ck_assert_str_eq(extent.object, "model.safetensors");
                found[i][0] = extent.offset;
                found[i][1] = extent.size;
        }
        for (unsigned s = 0; s < 3; s++) {
                char name[128];
                json_t *offsets;
                uint64_t begin, end;
                unsigned matches = 0;

                snprintf(name, sizeof(name), "model.layers.2.self_attn.%s.weight", sources[s]);
                offsets = json_object_get(json_object_get(tensors.header, name), "data_offsets");
                begin = (uint64_t)json_integer_value(json_array_get(offsets, 0));
                end = (uint64_t)json_integer_value(json_array_get(offsets, 1));
                for (unsigned i = 0; i < 3; i++)
                        matches += found[i][0] == payload + (begin + end) / 2 &&
                                   found[i][1] == (end - begin) / 2;
                ck_assert_msg(matches == 1, "%s: its lower half is not among the extents", name);
        }
        json_decref(tensors.header);
        free(tensors.data);
}
END_TEST

/* A catalogue with a layer too few has no plan, and nothing was read to find out. */
START_TEST(an_incomplete_catalogue)
{
        const ckpt_plan *plan = NULL;
        ckpt_status r;

        reader = (test_reader)TEST_READER_INIT;
        reader.on_read = no_read;
        reader.layers = 3;
        load = test_reader_load(host, &reader, NULL);
        r = ckpt_load_get_plan(load, &plan);
        expect_status(load, r, CKPT_E_MISSING);
        expect_reason(load, CKPT_E_MISSING, "whole layer 3 is missing", NULL);
        ck_assert_ptr_null(plan);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        host = stock_host();
}

static void tear_down(void)
{
        load = ckpt_load_free(load);
        host = ckpt_host_free(host);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("memory-plan");
        TCase *tcase = tcase_create("plan");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, every_rank_reads_its_part);
        tcase_add_test(tcase, attention_is_whole_under_attention_dp);
        tcase_add_test(tcase, pipeline_ranks_own_their_layers);
        tcase_add_test(tcase, expressions_and_extents);
        tcase_add_test(tcase, extents_of_a_file);
        tcase_add_test(tcase, an_incomplete_catalogue);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
