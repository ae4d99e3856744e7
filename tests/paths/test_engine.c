/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine has in its hands: its stream, its allocator, its arena, and being told when a parameter is
 * ready
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "paths/asked.h"
#include "paths/runtime.h"
#include "paths/test_engine.h"
#include "support/loading.h"
#include "support/scratch.h"

static const char *const devices[] = {"cpu", "cuda:0"};

#define POISON 0xa5

static const ckpt_mapping mapping = CKPT_MAPPING_INIT;

static ckpt_host *host;
ckpt_load *engine_load;
ckpt_model *engine_model;

void engine_begin(const ckpt_load_options *options)
{
        engine_load = odd_load(host, options, &engine_model);
}

void engine_finish(void)
{
        engine_load = ckpt_load_free(engine_load);
        engine_model = ckpt_model_unref(engine_model);
}

ckpt_load_options engine_options(int device)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.device = devices[device];
        return options;
}

uint64_t engine_arena_bytes(void)
{
        const ckpt_plan *plan = NULL;
        ckpt_plan_totals totals;

        expect_status(engine_load, ckpt_load_get_plan(engine_load, &plan), CKPT_OK);
        ckpt_plan_get_totals(plan, &totals);
        ck_assert_uint_gt(totals.arena_bytes, 0);
        return totals.arena_bytes;
}

static void *take(int device, uint64_t size)
{
        return device == ENGINE_CUDA ? runtime_memory(size)
                                     : aligned_alloc(4096, (size + 4095) / 4096 * 4096);
}

static void give_back(int device, void *memory)
{
        if (device == ENGINE_CUDA)
                ck_assert_int_eq(runtime()->free(memory), cudaSuccess);
        else
                free(memory);
}

/* All that has bytes lies in this memory. */
static void expect_inside(const void *memory, uint64_t size)
{
        for (uint64_t i = 0; i < ckpt_model_count(engine_model); i++) {
                const ckpt_param *param = ckpt_model_param_at(engine_model, i);
                const uintptr_t at = (uintptr_t)param->data, first = (uintptr_t)memory;

                ck_assert_msg(at >= first && at + param->size <= first + size, "%s lies outside",
                              param->name);
        }
}

/* ---- the stream ---- */

static void pause_for(long nanoseconds)
{
        nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

/*
 * The engine is still busy with the arena, slowly, when the load starts, which is fast: the first fill is
 * waited for, so that the second one is at its delay when there is none any more.
 */
static void keep_busy(cudaStream_t stream, void *arena, uint64_t size)
{
        const uint64_t before = runtime_counts().copies;

        runtime()->control->set_delay(150 * MILLISECOND);
        ck_assert_int_eq(runtime()->fill(arena, POISON, 256, stream), cudaSuccess);
        ck_assert_int_eq(runtime()->fill(arena, POISON, size, stream), cudaSuccess);
        while (runtime_counts().copies == before)
                pause_for(MILLISECOND);
        pause_for(20 * MILLISECOND);
        runtime()->control->set_delay(0);
        ck_assert_uint_eq(runtime_counts().copies, before + 1);
}

/* The second time the load's streams are there already. */
START_TEST(the_stream_comes_first)
{
        static const uint64_t staging[] = {0, 1};
        cudaStream_t stream = runtime_stream();

        for (unsigned round = 0; round < 4; round++) {
                ckpt_load_options options = engine_options(ENGINE_CUDA);
                uint64_t size;
                void *arena;

                options.stream = stream;
                options.staging_bytes = staging[round / 2];
                engine_begin(&options);
                size = engine_arena_bytes();
                arena = runtime_memory(size);
                ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena, size), CKPT_OK);
                keep_busy(stream, arena, size);
                expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_OK);
                /* Whatever the engine still had to write has been written. */
                ck_assert_int_eq(runtime()->stream_synchronize(stream), cudaSuccess);
                odd_expect(engine_model, &mapping, "behind the engine's work");
                engine_finish();
                give_back(ENGINE_CUDA, arena);
        }
        ck_assert_int_eq(runtime()->stream_free(stream), cudaSuccess);
}
END_TEST

/* Every copy and kernel of the load is slow, and nobody waits but the run. */
START_TEST(the_stream_goes_on_behind)
{
        cudaStream_t stream = runtime_stream();
        ckpt_load_options options = engine_options(ENGINE_CUDA);

        options.stream = stream;
        options.readers = 3;
        engine_begin(&options);
        engine_arena_bytes();
        runtime()->control->set_delay(5 * MILLISECOND);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_OK);
        runtime()->control->set_delay(0);
        for (uint64_t i = 0; i < ckpt_model_count(engine_model); i++) {
                const ckpt_param *param = ckpt_model_param_at(engine_model, i);
                void *bytes = malloc(param->size + 1);

                ck_assert_ptr_nonnull(bytes);
                ck_assert_int_eq(runtime_read(stream, bytes, param->data, param->size), 0);
                ck_assert_msg(odd_is_right(param, bytes, &mapping), "%s is wrong", param->name);
                free(bytes);
        }
        engine_finish();
        ck_assert_int_eq(runtime()->stream_free(stream), cudaSuccess);
}
END_TEST

/* ---- the allocator ---- */

typedef struct allocator {
        int device;
        bool is_empty;
        unsigned taken, given;
        void *memory, *given_memory;
        uint64_t size, given_size;
} allocator;

static void *allocate(void *context, uint64_t size)
{
        allocator *a = context;

        a->taken++;
        a->size = size;
        a->memory = a->is_empty ? NULL : take(a->device, size);
        return a->memory;
}

static void deallocate(void *context, void *memory, uint64_t size)
{
        allocator *a = context;

        a->given++;
        a->given_memory = memory;
        a->given_size = size;
}

static ckpt_load_options options_with(allocator *a)
{
        ckpt_load_options options = engine_options(a->device);

        options.allocate = allocate;
        options.deallocate = deallocate;
        options.context = a;
        return options;
}

static void expect_given(const allocator *a)
{
        ck_assert_uint_eq(a->taken, 1);
        ck_assert_uint_eq(a->given, 1);
        ck_assert_ptr_eq(a->given_memory, a->memory);
        ck_assert_uint_eq(a->given_size, a->size);
}

START_TEST(the_allocator)
{
        allocator a = {.device = _i};
        const ckpt_load_options options = options_with(&a);
        fake_cuda_counts with, without = runtime_counts();
        uint64_t size;

        engine_begin(&options);
        size = engine_arena_bytes();
        ck_assert_uint_eq(a.taken, 0);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_OK);
        ck_assert_uint_eq(a.taken, 1);
        ck_assert_uint_eq(a.size, size);
        odd_expect(engine_model, &mapping, "in the engine's memory");
        expect_inside(a.memory, a.size);
        engine_load = ckpt_load_free(engine_load);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(a.given, 0);
        odd_expect(engine_model, &mapping, "after the load and the host");
        engine_finish();
        expect_given(&a);
        /* It is the engine's to free. */
        with = runtime_counts();
        ck_assert_uint_eq(with.device_bytes, without.device_bytes + (_i == ENGINE_CUDA ? a.size : 0));
        give_back(_i, a.memory);
}
END_TEST

START_TEST(an_allocator_that_is_empty)
{
        allocator a = {.device = _i, .is_empty = true};
        const ckpt_load_options options = options_with(&a);
        ckpt_load_stats stats;

        engine_begin(&options);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_E_NOMEM);
        expect_reason(engine_load, CKPT_E_NOMEM, "the engine's allocator gave none", NULL);
        ckpt_load_get_stats(engine_load, &stats);
        ck_assert_uint_eq(stats.reads, 0);
        ck_assert_uint_eq(stats.bytes_read, 0);
        engine_finish();
        ck_assert_uint_eq(a.taken, 1);
        ck_assert_uint_eq(a.given, 0);
}
END_TEST

/* The model of a load that failed has no memory: it was given back before the run returned. */
START_TEST(a_load_that_fails_gives_back)
{
        allocator a = {.device = ENGINE_CUDA};
        const ckpt_load_options options = options_with(&a);

        engine_begin(&options);
        engine_arena_bytes();
        runtime()->control->fail_at("copy", 1, cudaErrorIllegalAddress);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_E_DEVICE);
        expect_given(&a);
        for (uint64_t i = 0; i < ckpt_model_count(engine_model); i++)
                ck_assert_ptr_null(ckpt_model_param_at(engine_model, i)->data);
        runtime()->control->reset();
        engine_finish();
        give_back(ENGINE_CUDA, a.memory);
}
END_TEST

START_TEST(half_an_allocator)
{
        allocator a = {.device = _i};
        ckpt_load_options options = options_with(&a);

        options.deallocate = NULL;
        ck_assert_int_eq(ckpt_load_new(host, &options, &engine_load), CKPT_E_INVALID);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "allocate and deallocate"));
}
END_TEST

/* ---- the arena ---- */

START_TEST(an_arena_that_comes_too_early)
{
        const ckpt_load_options options = engine_options(_i);
        void *arena = take(_i, 4096);

        engine_begin(&options);
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena, UINT64_MAX / 2), CKPT_E_INVALID);
        expect_reason(engine_load, CKPT_E_INVALID, "before the plan", NULL);
        engine_finish();
        give_back(_i, arena);
}
END_TEST

static void refuse_arenas(uint8_t *arena, uint64_t size)
{
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, NULL, size), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena, size - 1), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena + 128, size), CKPT_E_INVALID);
        ck_assert_uint_eq(count_reasons(engine_load, "the plan wants"), 3);
}

START_TEST(the_arena)
{
        allocator unused = {.device = _i};
        const ckpt_load_options options = options_with(&unused);
        const uint64_t before = runtime_counts().device_bytes;
        uint64_t size;
        uint8_t *arena;

        engine_begin(&options);
        size = engine_arena_bytes();
        arena = take(_i, size + 512);
        refuse_arenas(arena, size);
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena + 256, size), CKPT_OK);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_OK);
        odd_expect(engine_model, &mapping, "in the engine's arena");
        expect_inside(arena + 256, size);
        ck_assert_int_eq(ckpt_load_set_arena(engine_load, arena, size + 512), CKPT_E_INVALID);
        engine_finish();
        host = ckpt_host_free(host);
        ck_assert_uint_eq(unused.taken + unused.given, 0);
        ck_assert_uint_eq(runtime_counts().device_bytes, before + (_i == ENGINE_CUDA ? size + 512 : 0));
        give_back(_i, arena);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        odd_make();
        host = asked_host();
        runtime()->control->reset();
}

static void tear_down(void)
{
        engine_finish();
        host = ckpt_host_free(host);
        odd_forget();
        scratch_remove();
        ck_assert_msg(runtime_counts().misuses == 0, "%s", runtime_counts().misuse);
}

int main(void)
{
        Suite *suite = suite_create("engine");
        TCase *tcase = tcase_create("engine");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, the_stream_comes_first);
        tcase_add_test(tcase, the_stream_goes_on_behind);
        tcase_add_loop_test(tcase, the_allocator, 0, ENGINE_DEVICES);
        tcase_add_loop_test(tcase, an_allocator_that_is_empty, 0, ENGINE_DEVICES);
        tcase_add_test(tcase, a_load_that_fails_gives_back);
        tcase_add_test(tcase, half_an_allocator);
        tcase_add_loop_test(tcase, an_arena_that_comes_too_early, 0, ENGINE_DEVICES);
        tcase_add_loop_test(tcase, the_arena, 0, ENGINE_DEVICES);
        engine_add_ready(tcase);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
