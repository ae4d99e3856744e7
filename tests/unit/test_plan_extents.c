/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a plan says that it reads: rows that lie apart are one extent, in however many pieces they are read
 */

#include <stdlib.h>

#include "core/op/op.h"
#include "core/plan/plan.h"

#include <check.h>

#define ROWS   1001
#define WIDTH  512
#define PITCH  16384
#define BLOCKS (PITCH / WIDTH)

static ckpt_session session;
static ckpt_logger logger;
static uint8_t memory[1]; /* never read */

static void setup(void)
{
        ckpt_logger_init(&logger);
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, &logger, NULL), CKPT_OK);
}

static void teardown(void)
{
        ckpt_session_deinit(&session);
        ckpt_logger_deinit(&logger);
}

static const ckpt_tensor *matrix(void)
{
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = memory};
        const int64_t shape[2] = {ROWS, PITCH};

        return ckpt_tensor_leaf(&session.scope, "matrix", &place, CKPT_DTYPE_U8, 2, shape, NULL);
}

static const ckpt_tensor *column(const ckpt_tensor *of, int64_t block)
{
        return ckpt_tensor_slice(of, 1, block * WIDTH, (block + 1) * WIDTH);
}

/* Tiles of a few rows. */
static ckpt_plan *plan_of(const ckpt_tensor *tensor)
{
        ckpt_model_param param = {.public = {.name = "p",
                                             .dtype = tensor->dtype,
                                             .rank = tensor->rank,
                                             .shape = tensor->shape,
                                             .size = ckpt_tensor_size(tensor)}};
        ckpt_model_param *params[1] = {&param};
        ckpt_model model = {.params = {.items = params, .count = 1, .capacity = 1}};
        const ckpt_binding binding = {.value = tensor};
        const ckpt_plan_options options = {.tile_bytes = 8 * WIDTH, .memory_device = 0};
        ckpt_plan *plan = NULL;

        ck_assert_int_eq(ckpt_plan_new(&session, &model, &binding, &options, &plan), CKPT_OK);
        ck_assert_uint_gt(plan->tiles.count, 100);
        return plan;
}

/* Row by row, `width` bytes from the start of the column on. */
static void expect_rows(const ckpt_plan *plan, uint64_t first, uint64_t width)
{
        const ckpt_target *target = &plan->targets.items[0];

        ck_assert_uint_eq(target->n_ranges, ROWS);
        for (uint64_t i = 0; i < ROWS; i++) {
                const ckpt_extent *extent;
                uint64_t row;

                ckpt_plan_find_range(plan, target, i, &extent, &row);
                ck_assert_uint_lt(row, extent->rows);
                ck_assert_uint_eq(extent->size, width);
                ck_assert_uint_eq(extent->offset + row * extent->pitch, first + i * PITCH);
        }
}

START_TEST(a_column_is_one_extent)
{
        ckpt_plan *plan = plan_of(column(matrix(), 3));

        ck_assert_uint_eq(plan->targets.items[0].n_extents, 1);
        expect_rows(plan, UINT64_C(3) * WIDTH, WIDTH);
        ckpt_plan_free(plan);
}
END_TEST

/* Each row of the one goes on where the other's ends. */
START_TEST(neighbouring_columns_are_merged)
{
        const ckpt_tensor *all = matrix();
        const ckpt_tensor *parts[2] = {column(all, 6), column(all, 5)};
        ckpt_plan *plan = plan_of(ckpt_tensor_concat(parts, 2, 0));

        expect_rows(plan, UINT64_C(5) * WIDTH, UINT64_C(2) * WIDTH);
        ckpt_plan_free(plan);
}
END_TEST

START_TEST(columns_apart_are_ranges_of_both)
{
        const ckpt_tensor *all = matrix();
        const ckpt_tensor *parts[2] = {column(all, BLOCKS - 1), column(all, 1)};
        ckpt_plan *plan = plan_of(ckpt_tensor_concat(parts, 2, 0));
        const ckpt_target *target = &plan->targets.items[0];
        uint64_t end = 0;

        ck_assert_uint_eq(target->n_ranges, UINT64_C(2) * ROWS);
        for (uint64_t i = 0; i < target->n_ranges; i++) {
                const ckpt_extent *extent;
                uint64_t row, offset;

                ckpt_plan_find_range(plan, target, i, &extent, &row);
                offset = extent->offset + row * extent->pitch;
                ck_assert(i == 0 || offset > end);
                ck_assert_uint_eq(offset % PITCH, (i % 2 ? BLOCKS - 1 : UINT64_C(1)) * WIDTH);
                end = offset + extent->size;
        }
        ckpt_plan_free(plan);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("plan-extents");
        TCase *tcase = tcase_create("extents");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_column_is_one_extent);
        tcase_add_test(tcase, neighbouring_columns_are_merged);
        tcase_add_test(tcase, columns_apart_are_ranges_of_both);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
