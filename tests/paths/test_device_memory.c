/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the device and pinned memory: too little is found before anything is read, and what one load made
 * serves the next
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths/asked.h"
#include "paths/odd.h"
#include "paths/runtime.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "support/timeline.h"
#include "unit/test_memory_files.h"

#include <check.h>

#define MIB        (UINT64_C(1) << 20)
#define PINNED_MAX (128 * MIB)

static const ckpt_mapping mapping = CKPT_MAPPING_INIT;

static ckpt_host *host;
static char path[512];

/* What the library is told of the machine; 0: the truth. */
static long processors;

long __real_sysconf(int name);
long __wrap_sysconf(int name);

long __wrap_sysconf(int name)
{
        return processors > 0 && name == _SC_NPROCESSORS_ONLN ? processors : __real_sysconf(name);
}

static ckpt_load_options device_options(void)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.device = "cuda:0";
        /* One: of several it depends on their pace which slots of whom are used. */
        options.readers = 1;
        return options;
}

/* ---- too little memory ---- */

static ckpt_plan_totals totals_of(ckpt_load *load)
{
        const ckpt_plan *plan = NULL;
        ckpt_plan_totals totals;

        expect_status(load, ckpt_load_get_plan(load, &plan), CKPT_OK);
        ckpt_plan_get_totals(plan, &totals);
        return totals;
}

static void expect_nothing_was_read(const ckpt_load *load)
{
        ckpt_load_stats stats;

        ckpt_load_get_stats(load, &stats);
        ck_assert_uint_eq(stats.reads, 0);
        ck_assert_uint_eq(stats.bytes_read + stats.bytes_buffered + stats.bytes_direct, 0);
        ck_assert_uint_eq(stats.copies + stats.kernels, 0);
}

/* The host loads as ever when there is memory again. */
static void expect_good(void)
{
        const ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load *load = odd_load(host, &options, &model);

        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        odd_expect(model, &mapping, "with memory");
        ckpt_load_free(load);
        ckpt_model_unref(model);
}

static void run_with(bool arena_fits, ckpt_status wanted, const char *word, const char *second)
{
        const ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load *load = odd_load(host, &options, &model);
        const ckpt_plan_totals totals = totals_of(load);
        fake_cuda_counts counts;

        ck_assert_uint_eq(totals.device_peak, totals.arena_bytes + totals.staging_bytes);
        runtime()->control->set_memory(arena_fits ? totals.device_peak - 1 : totals.arena_bytes - 1);
        expect_status(load, ckpt_load_run(load, NULL), wanted);
        expect_reason(load, wanted, word, second, NULL);
        expect_nothing_was_read(load);
        for (uint64_t i = 0; i < ckpt_model_count(model); i++)
                ck_assert_ptr_null(ckpt_model_param_at(model, i)->data);
        counts = runtime_counts();
        ck_assert_uint_eq(counts.device_bytes, 0);
        ck_assert_uint_eq(counts.copies + counts.kernels, 0);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        runtime()->control->set_memory(0);
        expect_good();
}

START_TEST(no_room_for_the_arena)
{
        run_with(false, CKPT_E_NOMEM, "bytes for the final tensors cannot be had", "cuda:0");
}
END_TEST

START_TEST(no_room_for_staging)
{
        run_with(true, CKPT_E_DEVICE, "staging memory", "cuda");
}
END_TEST

/* Just enough is enough. */
START_TEST(what_the_plan_says)
{
        const ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load *load = odd_load(host, &options, &model);
        const ckpt_plan_totals totals = totals_of(load);

        runtime()->control->set_memory(totals.device_peak);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        ck_assert_uint_eq(runtime_counts().device_peak, totals.device_peak);
        runtime()->control->set_memory(0);
        odd_expect(model, &mapping, "in just enough memory");
        ckpt_load_free(load);
        ckpt_model_unref(model);
}
END_TEST

/* ---- pinned memory ---- */

static uint64_t pinned_bytes(void)
{
        const fake_cuda_counts counts = runtime_counts();

        return counts.pinned_bytes + counts.registered_bytes;
}

/* How often pinned memory was asked for while it loads. */
static uint64_t count_pinning(const char *call)
{
        uint64_t calls;

        runtime()->control->fail_at(call, UINT64_MAX, cudaErrorUnknown);
        expect_good();
        calls = runtime()->control->calls();
        runtime()->control->fail_at(NULL, 0, cudaSuccess);
        return calls;
}

/* The first load that copies pins, and no later one. */
START_TEST(slots_are_pinned_once)
{
        uint64_t pinned = 0;

        ck_assert_uint_eq(pinned_bytes(), 0);
        for (unsigned i = 0; i < 8; i++)
                pinned += count_pinning("cudaHostRegister");
        ck_assert_uint_eq(pinned, 1);
        ck_assert_uint_gt(pinned_bytes(), 0);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
        ck_assert_uint_eq(count_pinning("cudaHostAlloc"), 0);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(pinned_bytes(), 0);
        ck_assert_uint_eq(runtime_counts().device_bytes, 0);
        ck_assert_uint_eq(runtime_counts().streams + runtime_counts().events, 0);
}
END_TEST

/* ---- many readers ---- */

#define COLUMNS 16384

/* Of the tensor in the file, which is all zeros. */
static int64_t rows;

static void make_large(const char *name, uint64_t bytes)
{
        sparse_tensor large = {.name = name, .dtype = "U8", .element = 1};

        rows = (int64_t)(bytes / COLUMNS);
        large.shape[0] = rows;
        large.shape[1] = COLUMNS;
        sparse_make("large.safetensors", &large, 1);
}

static ckpt_load *begin_large(const char *module, int32_t ranks, const ckpt_load_options *options,
                              ckpt_model **ret_model)
{
        const asked large = {module, CKPT_ROLE_LINEAR, CKPT_DTYPE_U8, 2, {rows, COLUMNS / ranks}};

        return asked_load(host, "large.safetensors", options, &large, 1, ret_model);
}

/* With 16 readers, which work with more pinned memory than is kept. */
static void run_large(unsigned count)
{
        ckpt_load_options options = device_options();
        ckpt_model *models[2];
        ckpt_load *loads[2];

        options.readers = 16;
        options.staging_bytes = 256 * MIB;
        for (unsigned i = 0; i < count; i++) {
                loads[i] = begin_large("big", 1, &options, &models[i]);
                ck_assert_int_eq(ckpt_load_start(loads[i]), CKPT_OK);
        }
        for (unsigned i = 0; i < count; i++) {
                expect_status(loads[i], ckpt_load_wait(loads[i], NULL), CKPT_OK);
                ckpt_load_free(loads[i]);
                ckpt_model_unref(models[i]);
        }
}

START_TEST(what_is_kept_is_bounded)
{
        make_large("big.weight", 192 * MIB);
        /* So that every reader has its part. */
        runtime()->control->set_delay(5000000);
        run_large(1);
        printf("# %" PRIu64 " MiB of pinned memory are kept\n", pinned_bytes() / MIB);
        fflush(stdout);
        ck_assert_uint_gt(pinned_bytes(), 0);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
        run_large(2);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(pinned_bytes(), 0);
}
END_TEST

static ckpt_load_stats run_on_large_machine(const char *module, int32_t ranks)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        ckpt_load *load;

        options.device = "cuda:0";
        options.mapping.tp_size = ranks;
        load = begin_large(module, ranks, &options, &model);
        processors = 64;
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        processors = 0;
        ckpt_load_get_stats(load, &stats);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        return stats;
}

static void expect_pinning_fails(void)
{
        ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load *load;

        options.readers = 4;
        load = begin_large("big", 1, &options, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_E_DEVICE);
        expect_reason(load, CKPT_E_DEVICE, "pinning memory", "cudaErrorUnknown", NULL);
        ck_assert_uint_eq(ckpt_load_diagnostic_count(load), 1);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}

/* The slots of ten readers are pinned together, and once. */
START_TEST(readers_pin_together)
{
        uint64_t calls;

        make_large("big.weight", 40 * MIB);
        runtime()->control->fail_at("cudaHostRegister", UINT64_MAX, cudaErrorUnknown);
        ck_assert_uint_eq(run_on_large_machine("big", 1).readers, 10);
        calls = runtime()->control->calls();
        ck_assert_uint_eq(calls, 1);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
        ck_assert_uint_eq(run_on_large_machine("big", 1).readers, 10);
        ck_assert_uint_eq(runtime()->control->calls(), 1);
}
END_TEST

/* No more slots than its chunks fill: each goes round once. */
START_TEST(a_small_load_pins_little)
{
        make_large("big.weight", 8 * MIB);
        run_on_large_machine("big", 1);
        ck_assert_uint_ge(pinned_bytes(), 8 * MIB);
        ck_assert_uint_le(pinned_bytes(), 12 * MIB);
}
END_TEST

START_TEST(nothing_is_copied_unpinned)
{
        make_large("big.weight", 100 * MIB);
        runtime()->control->set_delay(2000000);
        run_on_large_machine("big", 1);
        runtime()->control->set_delay(0);
        ck_assert_uint_gt(runtime_counts().copies, 0);
        ck_assert_uint_eq(runtime_counts().pageable_copies, 0);
        runtime()->control->fail_at("cudaHostRegister", 1, cudaErrorUnknown);
        host = ckpt_host_free(host);
        host = asked_host();
        expect_pinning_fails();
        expect_good();
}
END_TEST

START_TEST(rows_have_more_readers)
{
        make_large("rows_big.weight", 40 * MIB);
        ck_assert_uint_eq(run_on_large_machine("rows_big", 1).readers, 10);
        ck_assert_uint_eq(run_on_large_machine("rows_big", 2).readers, 14);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
        ck_assert_uint_eq(run_on_large_machine("rows_big", 1).readers, 10);
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
}
END_TEST

/* ---- a ring that is made beside the plan ---- */

START_TEST(a_large_ring_is_made_beside_the_plan)
{
        ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        json_int_t track;
        ckpt_load *load;
        json_t *root;

        make_large("big.weight", 40 * MIB);
        options.trace = path;
        load = begin_large("big", 1, &options, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        ckpt_load_get_stats(load, &stats);
        ck_assert_uint_ge(stats.host_peak, pinned_bytes());
        ckpt_load_free(load);
        ckpt_model_unref(model);
        root = timeline_read(path);
        track = timeline_track(root, "ring");
        ck_assert_int_gt(track, 0);
        ck_assert_uint_eq(timeline_count(root, track, "make pages"), 1);
        ck_assert_uint_eq(timeline_count(root, track, "pin pages"), 1);
        ck_assert_uint_eq(timeline_count(root, 0, "pin pages"), 1);
        json_decref(root);
}
END_TEST

/* Rows have other readers, and fewer slots than were prepared. */
START_TEST(what_was_prepared_counts)
{
        ckpt_load_stats stats;

        make_large("rows_big.weight", 512 * MIB);
        runtime()->control->fail_at("cudaHostRegister", UINT64_MAX, cudaErrorUnknown);
        stats = run_on_large_machine("rows_big", 2);
        ck_assert_uint_eq(stats.readers, 14);
        ck_assert_uint_eq(runtime()->control->calls(), 1);
        ck_assert_uint_gt(pinned_bytes(), stats.ring_bytes);
        ck_assert_uint_ge(stats.host_peak, pinned_bytes());
        ck_assert_uint_le(pinned_bytes(), PINNED_MAX);
}
END_TEST

/* It is begun before it turns out that the model does not fit; it may be pinned by then, or not. */
START_TEST(what_was_prepared_in_vain_is_freed)
{
        const ckpt_load_options options = device_options();
        ckpt_model *model = NULL;
        ckpt_load *load;

        make_large("big.weight", 100 * MIB);
        runtime()->control->fail_at("cudaHostRegister", UINT64_MAX, cudaErrorUnknown);
        runtime()->control->set_memory(50 * MIB);
        load = begin_large("big", 1, &options, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_E_NOMEM);
        ck_assert_uint_le(runtime()->control->calls(), 1);
        ck_assert_uint_eq(pinned_bytes(), 0);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        runtime()->control->set_memory(0);
        runtime()->control->fail_at(NULL, 0, cudaSuccess);
        expect_good();
}
END_TEST

static void set_up(void)
{
        scratch_new();
        snprintf(path, sizeof(path), "%s", scratch_path("trace.json"));
        odd_make();
        host = asked_host();
        runtime()->control->reset();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        odd_forget();
        scratch_remove();
        ck_assert_msg(runtime_counts().misuses == 0, "%s", runtime_counts().misuse);
}

int main(void)
{
        Suite *suite = suite_create("device-memory");
        TCase *tcase = tcase_create("memory");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, no_room_for_the_arena);
        tcase_add_test(tcase, no_room_for_staging);
        tcase_add_test(tcase, what_the_plan_says);
        tcase_add_test(tcase, slots_are_pinned_once);
        tcase_add_test(tcase, what_is_kept_is_bounded);
        tcase_add_test(tcase, readers_pin_together);
        tcase_add_test(tcase, a_small_load_pins_little);
        tcase_add_test(tcase, nothing_is_copied_unpinned);
        tcase_add_test(tcase, rows_have_more_readers);
        tcase_add_test(tcase, a_large_ring_is_made_beside_the_plan);
        tcase_add_test(tcase, what_was_prepared_counts);
        tcase_add_test(tcase, what_was_prepared_in_vain_is_freed);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
