/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are unlike others: thousands of tiny tensors, more than four gigabytes, ranges that do not meet
 */
#include "paths/test_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/plan.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "unit/test_memory_files.h"

const char *const files_devices[FILES_DEVICES] = {"cpu", "cuda:0"};

ckpt_host *files_host;

void *files_read(const ckpt_model *model, const char *name)
{
        const ckpt_param *param = ckpt_model_find(model, name);
        void *bytes = param ? malloc(param->size + 1) : NULL;

        ck_assert_msg(bytes != NULL, "there is no %s", name);
        ck_assert_int_eq(ckpt_model_read(model, param, 0, bytes, param->size), CKPT_OK);
        return bytes;
}

static uint8_t byte_at(uint64_t seed, uint64_t at)
{
        const uint64_t mixed = (at + seed * 1000003 + 1) * UINT64_C(0x9e3779b97f4a7c15);

        return (uint8_t)((mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
}

/* ---- tiny tensors ---- */

enum {
        TINY = 3000
};

/* Names in lines of eight; sizes from one byte to some hundred. */
static char tiny_names[TINY][24];
static sparse_tensor tiny[TINY];
static asked tiny_params[TINY];

static void make_tiny(void)
{
        uint8_t bytes[256];

        for (unsigned i = 0; i < TINY; i++) {
                snprintf(tiny_names[i], sizeof(tiny_names[i]), "t%u.weight", i);
                tiny[i] = (sparse_tensor){
                        .name = tiny_names[i], .dtype = "U8", .shape = {1 + i * 37 % 200, 0}, .element = 1};
        }
        sparse_make("tiny.safetensors", tiny, TINY);
        for (unsigned i = 0; i < TINY; i++) {
                for (uint64_t k = 0; k < tiny[i].size; k++)
                        bytes[k] = byte_at(i, k);
                sparse_write("tiny.safetensors", tiny[i].offset, bytes, tiny[i].size);
                *strchr(tiny_names[i], '.') = '\0';
                tiny_params[i] =
                        (asked){tiny_names[i], CKPT_ROLE_PLAIN, CKPT_DTYPE_U8, 1, {tiny[i].shape[0], 0}};
        }
}

static void expect_tiny(const ckpt_model *model)
{
        for (unsigned i = 0; i < TINY; i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                uint8_t bytes[256], expected[256];

                for (uint64_t k = 0; k < tiny[i].size; k++)
                        expected[k] = byte_at(i, k);
                ck_assert_int_eq(ckpt_model_read(model, param, 0, bytes, param->size), CKPT_OK);
                ck_assert_msg(param->size == tiny[i].size && memcmp(bytes, expected, param->size) == 0,
                              "%s is wrong", param->name);
        }
}

/* A few reads and copies for all of them; a launch takes dozens. */
START_TEST(thousands_of_tiny_tensors)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        ckpt_load_stats stats;
        ckpt_load *load;

        make_tiny();
        options.device = files_devices[_i];
        load = asked_load(files_host, "tiny.safetensors", &options, tiny_params, TINY, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        expect_tiny(model);
        ckpt_load_get_stats(load, &stats);
        printf("# %u tensors on %s: %" PRIu64 " reads, %" PRIu64 " copies, %" PRIu64 " launches\n", TINY,
               options.device, stats.reads, stats.copies, stats.kernels);
        fflush(stdout);
        ck_assert_uint_le(stats.reads, 4);
        ck_assert_uint_le(stats.copies, 4);
        ck_assert_uint_le(stats.kernels, TINY / 50);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}
END_TEST

/* ---- more than four gigabytes ---- */

#define FOUR_GIB (UINT64_C(1) << 32)

enum {
        FAR_FILLER,
        FAR_COLUMNS,
        FAR_MORE,
        FAR_ROWS,
        FAR_LAST,
        FAR_TENSORS
};

/* The first lies on both sides of four gigabytes, the others beyond, the last to the file's end. */
static sparse_tensor far_tensors[FAR_TENSORS] = {
        [FAR_FILLER] = {.name = "filler.a",
                        .dtype = "U8",
                        .shape = {(INT64_C(1) << 32) - 1000001, 0},
                        .element = 1},
        [FAR_COLUMNS] = {.name = "columns_far.weight", .dtype = "BF16", .shape = {4096, 256}, .element = 2},
        [FAR_MORE] = {.name = "filler.b", .dtype = "U8", .shape = {(INT64_C(1) << 30) + 5, 0}, .element = 1},
        [FAR_ROWS] = {.name = "rows_far.weight", .dtype = "BF16", .shape = {1024, 256}, .element = 2},
        [FAR_LAST] = {.name = "last.weight", .dtype = "U8", .shape = {70001, 0}, .element = 1},
};

static void make_far(void)
{
        sparse_make("far.safetensors", far_tensors, FAR_TENSORS);
        ck_assert_uint_lt(far_tensors[FAR_COLUMNS].offset, FOUR_GIB);
        ck_assert_uint_gt(far_tensors[FAR_COLUMNS].offset + far_tensors[FAR_COLUMNS].size, FOUR_GIB);
        for (unsigned i = 0; i < FAR_TENSORS; i++) {
                uint8_t *bytes;

                if (i == FAR_FILLER || i == FAR_MORE)
                        continue;
                bytes = malloc(far_tensors[i].size);
                ck_assert_ptr_nonnull(bytes);
                for (uint64_t k = 0; k < far_tensors[i].size; k++)
                        bytes[k] = byte_at(i, k);
                sparse_write("far.safetensors", far_tensors[i].offset, bytes, far_tensors[i].size);
                free(bytes);
        }
}

/* Rows of `width` bytes, of which there is a part. */
static void expect_far(const ckpt_model *model, const char *name, unsigned tensor, uint64_t first_row,
                       uint64_t first_byte, uint64_t width, uint64_t part)
{
        const uint64_t size = ckpt_model_find(model, name)->size;
        uint8_t *bytes = files_read(model, name);
        uint64_t wrong = 0;

        for (uint64_t i = 0; i < size; i++)
                wrong += bytes[i] != byte_at(tensor, (first_row + i / part) * width + first_byte + i % part);
        ck_assert_msg(wrong == 0, "%" PRIu64 " bytes of %s on %s are wrong", wrong, name,
                      ckpt_model_device(model));
        free(bytes);
}

static void load_far(const way *w, const char *device, int32_t size, int32_t rank)
{
        const uint64_t n = (uint64_t)size, r = (uint64_t)rank;
        const asked params[] = {
                {"columns_far", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, 2, {4096 / size, 256}},
                {"rows_far", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, 2, {1024, 256 / size}},
                {"last", CKPT_ROLE_PLAIN, CKPT_DTYPE_U8, 1, {70001, 0}},
        };
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        ckpt_load *load;

        options.device = device;
        options.mapping.tp_size = size;
        options.mapping.tp_rank = rank;
        way_set(w, &options);
        way_prepare(w);
        load = asked_load(files_host, "far.safetensors", &options, params, 3, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        expect_far(model, "columns_far.weight", FAR_COLUMNS, 4096 / n * r, 0, 512, 512);
        expect_far(model, "rows_far.weight", FAR_ROWS, 0, 512 / n * r, 512, 512 / n);
        expect_far(model, "last.weight", FAR_LAST, 0, 0, 70001, 70001);
        way_check(w, load, size == 1);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}

START_TEST(beyond_four_gigabytes)
{
        static const way cold[] = {
                {"buffered, cold", CKPT_IO_BUFFERED, WAY_COLD, 0, 0, true, false},
                {"auto, cold", CKPT_IO_AUTO, WAY_COLD, 0, 0, false, true},
                {"direct, cold, 1 MiB", CKPT_IO_DIRECT, WAY_COLD, 4, 1 << 20, false, true},
        };

        make_far();
        for (unsigned i = 0; i < 3; i++) {
                load_far(&cold[i], files_devices[_i], 1, 0);
                load_far(&cold[i], files_devices[_i], 4, 1);
                load_far(&cold[i], files_devices[_i], 4, 3);
        }
}
END_TEST

/* ---- ranges that do not meet ---- */

enum {
        PAIRS = 300,
        APART = 4 * PAIRS + 1
};

static char apart_names[APART][24];
static sparse_tensor apart[APART];
static asked apart_params[2 * PAIRS];

/*
 * By turns a short range and one that is worth a direct read, too far from each other to be one. A turn is a
 * whole number of blocks long, and the first tensor is as long as it takes for every long range to begin at a
 * block's last byte and to end behind one's first: it touches two blocks more than it fills.
 */
static void lay_apart(void)
{
        static const int64_t sizes[] = {4200, 9001, 20482, 11373};
        uint64_t at;

        for (unsigned i = 0; i < APART; i++) {
                snprintf(apart_names[i], sizeof(apart_names[i]), i % 2 ? "n%u.weight" : "filler.n%u", i);
                apart[i] = (sparse_tensor){.name = apart_names[i],
                                           .dtype = "U8",
                                           .shape = {i > 0 ? sizes[(i - 1) % 4] : CKPT_BLOCK_BYTES, 0},
                                           .element = 1};
        }
        for (unsigned round = 0; round < 4; round++) {
                sparse_make("apart.safetensors", apart, APART);
                at = apart[3].offset % CKPT_BLOCK_BYTES;
                apart[0].shape[0] += (int64_t)(2 * CKPT_BLOCK_BYTES - 1 - at) % CKPT_BLOCK_BYTES;
        }
        ck_assert_uint_eq(at, CKPT_BLOCK_BYTES - 1);
}

static void make_apart(void)
{
        lay_apart();
        for (unsigned i = 1; i < APART; i += 2) {
                const uint8_t ends[] = {byte_at(i, 0), byte_at(i, 1)};

                sparse_write("apart.safetensors", apart[i].offset, &ends[0], 1);
                sparse_write("apart.safetensors", apart[i].offset + apart[i].size - 1, &ends[1], 1);
                *strchr(apart_names[i], '.') = '\0';
                apart_params[i / 2] =
                        (asked){apart_names[i], CKPT_ROLE_PLAIN, CKPT_DTYPE_U8, 1, {apart[i].shape[0], 0}};
        }
}

/* Their ends, and the zeros between. */
static void expect_apart(const ckpt_model *model)
{
        for (unsigned i = 0; i < 2 * PAIRS; i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                uint8_t *bytes = files_read(model, param->name);
                uint8_t *expected = calloc(1, param->size);

                ck_assert_ptr_nonnull(expected);
                expected[0] = byte_at(2 * i + 1, 0);
                expected[param->size - 1] = byte_at(2 * i + 1, 1);
                ck_assert_msg(memcmp(bytes, expected, param->size) == 0, "%s is wrong", param->name);
                free(expected);
                free(bytes);
        }
}

static void load_apart(const char *device, uint64_t staging_bytes)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        const ckpt_plan *plan = NULL;
        ckpt_plan_totals totals;
        ckpt_model *model = NULL;
        ckpt_load *load;

        options.device = device;
        options.readers = 2;
        options.staging_bytes = staging_bytes;
        options.io = CKPT_IO_DIRECT;
        load = asked_load(files_host, "apart.safetensors", &options, apart_params, 2 * PAIRS, &model);
        expect_status(load, ckpt_load_get_plan(load, &plan), CKPT_OK);
        ckpt_plan_get_totals(plan, &totals);
        ck_assert_msg(totals.staging_bytes <= staging_bytes,
                      "%" PRIu64 " bytes of staging memory, not %" PRIu64, totals.staging_bytes,
                      staging_bytes);
        /* What fits into no slot is read by one reader at a time. */
        ck_assert_uint_eq(plan->oversize, 0);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        expect_apart(model);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}

/* Whatever lies beside what in a slot: it is not larger than it may be. */
START_TEST(ranges_apart_fit_their_slots)
{
        make_apart();
        for (uint64_t staging = 512 << 10; staging <= 8 << 20; staging *= 2)
                load_apart(files_devices[_i], staging);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        files_host = asked_host();
}

static void tear_down(void)
{
        files_host = ckpt_host_free(files_host);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("files");
        TCase *tcase = tcase_create("files"), *torch = tcase_create("torch");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_checked_fixture(torch, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_set_timeout(torch, 60);
        tcase_add_loop_test(tcase, thousands_of_tiny_tensors, 0, FILES_DEVICES);
        tcase_add_loop_test(tcase, beyond_four_gigabytes, 0, FILES_DEVICES);
        tcase_add_loop_test(tcase, ranges_apart_fit_their_slots, 0, FILES_DEVICES);
        files_add_torch(torch);
        suite_add_tcase(suite, tcase);
        suite_add_tcase(suite, torch);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
