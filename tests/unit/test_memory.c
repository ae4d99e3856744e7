/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors that are large against the memory that may be used for them, and offsets beyond 32 bits
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <ckpt/ckpt.h>

#include "support/loading.h"
#include "support/resources.h"
#include "support/scratch.h"
#include "unit/test_memory_files.h"

#include <check.h>

#define MIB     (UINT64_C(1) << 20)
#define STAGING (64 * MIB)
/* Stacks, descriptors, the plan: what a load takes beside staging memory and final tensors. */
#define BESIDE  (8 * MIB)

static const char plain_config[] =
        "{\"architectures\": [\"LlamaForCausalLM\"], \"num_hidden_layers\": 1, \"hidden_size\": 256,"
        " \"num_attention_heads\": 8, \"num_key_value_heads\": 4, \"head_dim\": 32}";

static ckpt_host *host;
static ckpt_load *load;
static ckpt_model *model;

/*
 * One parameter that an engine wants; everything else in the files is to be ignored if its name begins
 * with "filler.".
 */
static void load_one(const char *module, ckpt_dtype dtype, int64_t rows, int64_t columns,
                     const ckpt_load_options *given)
{
        static const char *const ignore[] = {"filler.*"};
        const int64_t shape[2] = {rows, columns};
        ckpt_load_options options = *given;
        ckpt_model *wanted = NULL;
        ckpt_status r;

        options.ignore = ignore;
        options.n_ignore = 1;
        scratch_write_text("config.json", plain_config);
        ck_assert_int_eq(ckpt_model_new(host, &wanted), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_module(wanted, module, CKPT_ROLE_LINEAR, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(wanted, module, "weight", dtype, 2, shape, NULL),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, scratch_directory()), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_model(load, wanted), CKPT_OK);
        r = ckpt_load_run(load, &model);
        ckpt_model_unref(wanted);
        expect_status(load, r, CKPT_OK);
}

static void forget(void)
{
        model = ckpt_model_unref(model);
        load = ckpt_load_free(load);
}

/* ---- one large tensor ---- */

#define BIG_COLUMNS 16384
#define PLACES      200

/* Elements whose values are written: both ends, round numbers, and some in between. */
static uint64_t place(uint64_t i, uint64_t count)
{
        if (i < 2)
                return i == 0 ? 0 : count - 1;
        return i < 100 ? (i * (count / 100)) / 4096 * 4096 + i % 3 : i * UINT64_C(2654435761) % count;
}

static void check_places(const uint16_t *values, uint64_t count)
{
        uint16_t *expected = calloc(count, sizeof(*expected));

        ck_assert_ptr_nonnull(expected);
        for (uint64_t i = 0; i < PLACES; i++)
                expected[place(i, count)] = bf16_of(some_float(place(i, count)));
        ck_assert_msg(memcmp(values, expected, count * sizeof(*expected)) == 0,
                      "the cast tensor is wrong somewhere");
        free(expected);
}

static const ckpt_io ways[] = {CKPT_IO_AUTO, CKPT_IO_BUFFERED, CKPT_IO_DIRECT};

#define WAYS 3

static void check_zeros(const uint8_t *bytes, uint64_t size)
{
        ck_assert_msg(bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0, "the tensor is not zero");
}

START_TEST(a_large_tensor_is_cast_in_little_memory)
{
        /* A gigabyte; less where a sanitizer makes everything slow, for its sizes are not looked at there. */
        const int64_t rows = resources_sanitized() ? 2048 : 16384;
        sparse_tensor big = {
                .name = "big.weight", .dtype = "F32", .shape = {rows, BIG_COLUMNS}, .element = 4};
        const uint64_t count = (uint64_t)rows * BIG_COLUMNS;
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        uint64_t before, peak;
        ckpt_load_stats stats;

        sparse_make("model.safetensors", &big, 1);
        for (uint64_t i = 0; i < PLACES; i++) {
                const float value = some_float(place(i, count));

                sparse_write("model.safetensors", big.offset + place(i, count) * 4, &value, sizeof(value));
        }
        options.staging_bytes = STAGING;
        resources_reset_peak();
        before = resources_peak();
        load_one("big", CKPT_DTYPE_BF16, rows, BIG_COLUMNS, &options);
        peak = resources_peak();
        ckpt_load_get_stats(load, &stats);
        ck_assert_uint_eq(stats.bytes_read, big.size);
        ck_assert_uint_eq(stats.bytes_final, big.size / 2);
        ck_assert_uint_le(stats.host_peak, big.size / 2 + STAGING + 4096);
        printf("# %llu MiB became %llu MiB with %llu MiB beside it\n", (unsigned long long)(big.size / MIB),
               (unsigned long long)(stats.bytes_final / MIB),
               (unsigned long long)((peak - before - stats.bytes_final) / MIB));
        fflush(stdout);
        if (!resources_sanitized())
                ck_assert_uint_le(peak, before + stats.bytes_final + STAGING + BESIDE);
        check_places(ckpt_model_find(model, "big.weight")->data, count);
        forget();
}
END_TEST

/*
 * The bound is the user's: with little staging memory there are more and smaller tiles, and the same
 * result.
 */
START_TEST(staging_memory_is_bounded)
{
        static const uint64_t bounds[] = {64 << 10, 1 << 20, 16 << 20};
        sparse_tensor tensor = {.name = "big.weight", .dtype = "F32", .shape = {4096, 4096}, .element = 4};
        const uint64_t count = 4096 * 4096;

        sparse_make("model.safetensors", &tensor, 1);
        for (uint64_t i = 0; i < PLACES; i++) {
                const float value = some_float(place(i, count));

                sparse_write("model.safetensors", tensor.offset + place(i, count) * 4, &value, sizeof(value));
        }
        for (unsigned i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
                ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
                ckpt_plan_totals totals;
                const ckpt_plan *plan = NULL;

                options.staging_bytes = bounds[i];
                options.readers = 4;
                load_one("big", CKPT_DTYPE_BF16, 4096, 4096, &options);
                ck_assert_int_eq(ckpt_load_get_plan(load, &plan), CKPT_OK);
                ckpt_plan_get_totals(plan, &totals);
                ck_assert_uint_gt(totals.staging_bytes, 0);
                ck_assert_uint_le(totals.staging_bytes, bounds[i]);
                check_places(ckpt_model_find(model, "big.weight")->data, count);
                forget();
        }
}
END_TEST

/*
 * The whole address space has room for the final tensor and 64 MiB: staging memory, stacks, and nothing of
 * the checkpoint's size.
 */
START_TEST(the_address_space_is_bounded)
{
        sparse_tensor big = {
                .name = "big.weight", .dtype = "F32", .shape = {8192, BIG_COLUMNS}, .element = 4};
        const uint64_t count = 8192 * BIG_COLUMNS;
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        struct rlimit limit;
        rlim_t before;

        if (resources_sanitized())
                return;
        sparse_make("model.safetensors", &big, 1);
        ck_assert_uint_eq(big.size, 512 * MIB);
        options.staging_bytes = 16 * MIB;
        options.readers = 2;
        options.io = ways[_i];
        ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
        before = limit.rlim_cur;
        limit.rlim_cur = resources_mapped() + big.size / 2 + 64 * MIB;
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        ck_assert_msg(mmap(NULL, big.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
                      "the limit is none");
        load_one("big", CKPT_DTYPE_BF16, 8192, BIG_COLUMNS, &options);
        limit.rlim_cur = before;
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        check_zeros(ckpt_model_find(model, "big.weight")->data, count * 2);
        forget();
}
END_TEST

/* ---- sources far from each other ---- */

#define HIDDEN 256

static void fill(const char *file, const sparse_tensor *tensor, uint64_t seed)
{
        const uint64_t count = tensor->size / 4;
        float *values = malloc(tensor->size);

        ck_assert_ptr_nonnull(values);
        for (uint64_t i = 0; i < count; i++)
                values[i] = some_float(seed + i);
        sparse_write(file, tensor->offset, values, tensor->size);
        free(values);
}

/* A rank's rows of one source, in BF16, behind what is there already. */
static uint16_t *append(uint16_t *at, uint64_t seed, uint64_t rows, uint64_t ranks, uint64_t rank)
{
        const uint64_t per = rows / ranks * HIDDEN;

        for (uint64_t i = 0; i < per; i++)
                *at++ = bf16_of(some_float(seed + rank * per + i));
        return at;
}

START_TEST(fused_sources_at_opposite_ends_of_two_files)
{
        sparse_tensor first[] = {
                {.name = "attn.q_proj.weight", .dtype = "F32", .shape = {256, HIDDEN}, .element = 4},
                {.name = "filler.a", .dtype = "U8", .shape = {512 << 20, 0}, .element = 1},
                {.name = "attn.v_proj.weight", .dtype = "F32", .shape = {128, HIDDEN}, .element = 4},
        };
        sparse_tensor second[] = {
                {.name = "filler.b", .dtype = "U8", .shape = {(512 << 20) + 3, 0}, .element = 1},
                {.name = "attn.k_proj.weight", .dtype = "F32", .shape = {128, HIDDEN}, .element = 4},
        };
        uint16_t expected[512 * HIDDEN / 2];

        sparse_make("a.safetensors", first, 3);
        sparse_make("b.safetensors", second, 2);
        fill("a.safetensors", &first[0], 1000);
        fill("a.safetensors", &first[2], 200000);
        fill("b.safetensors", &second[1], 300000);
        for (int32_t rank = 0; rank < 2; rank++) {
                ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
                uint16_t *at = expected;
                ckpt_load_stats stats;

                options.mapping.tp_size = 2;
                options.mapping.tp_rank = rank;
                load_one("attn.qkv_proj", CKPT_DTYPE_BF16, 256, HIDDEN, &options);
                at = append(at, 1000, 256, 2, (uint64_t)rank);
                at = append(at, 300000, 128, 2, (uint64_t)rank);
                at = append(at, 200000, 128, 2, (uint64_t)rank);
                ck_assert_uint_eq((uint64_t)(at - expected) * 2, sizeof(expected));
                ck_assert_mem_eq(ckpt_model_find(model, "attn.qkv_proj.weight")->data, expected,
                                 sizeof(expected));
                ckpt_load_get_stats(load, &stats);
                ck_assert_uint_eq(stats.bytes_read, sizeof(expected) * 2);
                forget();
        }
}
END_TEST

START_TEST(offsets_beyond_four_gigabytes)
{
        sparse_tensor tensors[] = {
                {.name = "filler.a", .dtype = "U8", .shape = {(INT64_C(1) << 32) - 1000, 0}, .element = 1},
                {.name = "far.weight", .dtype = "F32", .shape = {1024, HIDDEN}, .element = 4},
                {.name = "filler.b", .dtype = "U8", .shape = {INT64_C(5) << 30, 0}, .element = 1},
                {.name = "attn.k_proj.weight", .dtype = "F32", .shape = {128, HIDDEN}, .element = 4},
                {.name = "attn.q_proj.weight", .dtype = "F32", .shape = {256, HIDDEN}, .element = 4},
                {.name = "attn.v_proj.weight", .dtype = "F32", .shape = {128, HIDDEN}, .element = 4},
        };
        static const char *const skip[] = {"attn", "far"};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        uint16_t *expected = malloc(1024 * HIDDEN * 2), *at;

        ck_assert_ptr_nonnull(expected);
        sparse_make("model.safetensors", tensors, 6);
        ck_assert_uint_gt(tensors[5].offset, UINT64_C(9) << 30);
        fill("model.safetensors", &tensors[1], 7);
        fill("model.safetensors", &tensors[3], 300000);
        fill("model.safetensors", &tensors[4], 400000);
        fill("model.safetensors", &tensors[5], 500000);

        /* One that straddles 2^32, and three far beyond it. */
        options.skip_modules = skip;
        options.n_skip_modules = 1;
        load_one("far", CKPT_DTYPE_BF16, 1024, HIDDEN, &options);
        append(expected, 7, 1024, 1, 0);
        ck_assert_mem_eq(ckpt_model_find(model, "far.weight")->data, expected, 1024 * HIDDEN * 2);
        forget();
        options.skip_modules = skip + 1;
        load_one("attn.qkv_proj", CKPT_DTYPE_BF16, 512, HIDDEN, &options);
        at = append(expected, 400000, 256, 1, 0);
        at = append(at, 300000, 128, 1, 0);
        append(at, 500000, 128, 1, 0);
        ck_assert_mem_eq(ckpt_model_find(model, "attn.qkv_proj.weight")->data, expected, 512 * HIDDEN * 2);
        forget();
        free(expected);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        host = stock_host();
}

static void tear_down(void)
{
        forget();
        host = ckpt_host_free(host);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("memory");
        TCase *tcase = tcase_create("memory");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, a_large_tensor_is_cast_in_little_memory);
        tcase_add_test(tcase, staging_memory_is_bounded);
        tcase_add_loop_test(tcase, the_address_space_is_bounded, 0, WAYS);
        tcase_add_test(tcase, fused_sources_at_opposite_ends_of_two_files);
        tcase_add_test(tcase, offsets_beyond_four_gigabytes);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
