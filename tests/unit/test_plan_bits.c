/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Types smaller than a byte, through planner and executor: what is described is right to the bit, and what would cut
 * a byte is refused when it is described
 */

#include <stdlib.h>
#include <string.h>

#include "core/execute/execute.h"
#include "core/op/op.h"

#include <check.h>

static ckpt_session session;
static ckpt_logger logger;
static uint8_t memory[64];

static void setup(void)
{
        ckpt_logger_init(&logger);
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, &logger, NULL), CKPT_OK);
        for (uint32_t i = 0; i < sizeof(memory); i++)
                memory[i] = (uint8_t)(37 * i + 11);
}

static void teardown(void)
{
        ckpt_session_deinit(&session);
        ckpt_logger_deinit(&logger);
}

/* Host memory for a device that cannot address it, so that reads are made. */
static const ckpt_tensor *leaf(uint32_t rank, const int64_t *shape)
{
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = memory};

        return ckpt_tensor_leaf(&session.scope, "leaf", &place, CKPT_DTYPE_F4, rank, shape, NULL);
}

static uint8_t nibble(const uint8_t *bytes, int64_t at)
{
        return at % 2 ? bytes[at / 2] >> 4 : bytes[at / 2] & 15;
}

static void load(const ckpt_tensor *tensor, uint8_t *bytes)
{
        ckpt_model_param param = {.public = {.name = "p",
                                             .dtype = tensor->dtype,
                                             .rank = tensor->rank,
                                             .shape = tensor->shape,
                                             .size = ckpt_tensor_size(tensor)}};
        ckpt_model_param *params[1] = {&param};
        ckpt_model model = {.params = {.items = params, .count = 1, .capacity = 1}};
        const ckpt_binding binding = {.value = tensor};
        const ckpt_plan_options options = {.tile_bytes = 512, .scatter = true, .memory_device = 0};
        void *data[1] = {bytes};
        ckpt_device *device = NULL;
        ckpt_plan *plan = NULL;
        ckpt_execute_counters counters = {0};
        ckpt_io_state io;
        ckpt_execute_options execute = {.backend = &ckpt_backend_cpu, .data = data, .readers = 1, .slots = 1};

        ck_assert_int_eq(ckpt_backend_cpu.open(0, &device), 0);
        execute.device = device;
        execute.host_memory = true;
        execute.ring = ckpt_ring_new(&ckpt_backend_cpu, device, true, 0);
        ck_assert_int_eq(ckpt_plan_new(&session, &model, &binding, &options, &plan), CKPT_OK);
        ckpt_io_init(&io, &session, CKPT_IO_AUTO, plan);
        ck_assert_int_eq(ckpt_execute(plan, &execute, &io, &counters), CKPT_OK);
        ckpt_ring_free(execute.ring);
        ckpt_plan_free(plan);
        ckpt_backend_cpu.close(device);
}

START_TEST(whole_rows_are_sliced_and_joined)
{
        const int64_t shape[2] = {6, 8};
        const ckpt_tensor *t = leaf(2, shape), *parts[2];
        uint8_t bytes[64];

        parts[0] = ckpt_tensor_slice(t, 1, 2, 6);
        parts[1] = ckpt_tensor_slice(t, 1, 6, 8);
        load(ckpt_tensor_concat(parts, 2, 1), bytes);
        for (int64_t row = 0; row < 6; row++)
                for (int64_t column = 0; column < 6; column++)
                        ck_assert_uint_eq(nibble(bytes, row * 6 + column),
                                          nibble(memory, row * 8 + column + 2));
}
END_TEST

START_TEST(odd_rows_move_as_a_whole)
{
        const int64_t shape[2] = {4, 3};
        uint8_t bytes[8];

        load(ckpt_tensor_slice(leaf(2, shape), 0, 2, 4), bytes);
        ck_assert_mem_eq(bytes, memory + 3, 3);
}
END_TEST

START_TEST(what_cuts_a_byte_is_refused)
{
        const int64_t odd[2] = {4, 3}, split[2] = {6, 2}, even[2] = {4, 4}, three[2] = {16, 1};

        ck_assert(ckpt_tensor_is_error(ckpt_tensor_slice(leaf(2, odd), 1, 0, 2)));
        ck_assert(ckpt_tensor_is_error(ckpt_tensor_slice(leaf(2, odd), 0, 1, 4)));
        ck_assert(ckpt_tensor_is_error(ckpt_tensor_reshape(leaf(2, odd), split, 2)));
        ck_assert(ckpt_tensor_is_error(ckpt_tensor_reshape(leaf(2, even), three, 2)));
        ck_assert(ckpt_tensor_is_error(ckpt_tensor_slice(leaf(2, even), 1, 0, 1)));
        ck_assert(ckpt_tensor_is_error(ckpt_tensor_transpose(leaf(2, even))));
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 6);
}
END_TEST

START_TEST(sizes_that_no_memory_has_are_refused)
{
        const int64_t one[1] = {1}, huge[1] = {INT64_C(1) << 50};
        const ckpt_place reader = {
                .kind = CKPT_PLACE_READER, .device = -1, .size = UINT64_MAX, .access = CKPT_ACCESS_WHOLE};
        const ckpt_place large = {.kind = CKPT_PLACE_READER, .device = -1, .size = UINT64_C(1) << 55};
        const ckpt_tensor *t = ckpt_tensor_leaf(&session.scope, "t", &reader, CKPT_DTYPE_U8, 1, one, NULL);
        ckpt_model_param param = {.public = {.name = "p",
                                             .dtype = CKPT_DTYPE_U8,
                                             .rank = 1,
                                             .shape = huge,
                                             .size = UINT64_C(1) << 50}};
        ckpt_model_param *params[1] = {&param};
        ckpt_model model = {.params = {.items = params, .count = 1, .capacity = 1}};
        const ckpt_plan_options options = {.tile_bytes = 4096, .memory_device = -1};
        ckpt_binding binding;
        ckpt_plan *plan = NULL;

        ck_assert(ckpt_tensor_is_error(t));
        binding.value = ckpt_tensor_leaf(&session.scope, "t", &large, CKPT_DTYPE_U8, 1, huge, NULL);
        binding.skipped = NULL;
        ck_assert_int_eq(ckpt_plan_new(&session, &model, &binding, &options, &plan), CKPT_E_LIMIT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("plan-bits");
        TCase *tcase = tcase_create("bits");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, whole_rows_are_sliced_and_joined);
        tcase_add_test(tcase, odd_rows_move_as_a_whole);
        tcase_add_test(tcase, what_cuts_a_byte_is_refused);
        tcase_add_test(tcase, sizes_that_no_memory_has_are_refused);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
