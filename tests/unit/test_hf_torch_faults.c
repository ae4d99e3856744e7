/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torch files in a bad world: the n-th read fails, or the n-th allocation (the linker sends them here, by
 * --wrap), for n = 1, 2, … until a file loads untouched.
 */
#include "support/torch_reading.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the failure; below zero when none is wanted. */
static long until = -1;

static bool fails(void)
{
        return until >= 0 && until-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
        return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
        return fails() ? NULL : __real_realloc(old, size);
}

/* Names and strides of every kind, in both policies' reach; the archive's pickle is deflated. */
static const struct torch_parts parts = {
        .pickle = "#8004 " T_OD "( 'w' " T_TENSOR(
                "<Float:1:8>", "1", "2 3",
                "1 2") "MEMOIZE "
                       "'v' " T_TENSOR(
                               "<Half:0:3>", "0", "3",
                               "1") "'p' @torch._utils:_rebuild_parameter ( h0 NEWTRUE " T_OD
                                    "t R 'x' @some:thing ( ] ( 1 2 3 e t R "
                                    "'b' LONG1 #0affffffffffffffffff7f 's' EMPTY_SET ( 1 ADDITEMS u } "
                                    "'_metadata' " T_OD "s b .",
        .storages = "1=8*4 0=3*2",
        .deflate = "data.pkl",
};

struct faulty {
        const struct torch_file *file;
        long until;
};

static int read_faulty(void *context, uint64_t offset, void *buffer, size_t size)
{
        struct faulty *faulty = context;

        if (faulty->until-- == 0)
                return -1;
        ck_assert_uint_le(offset, faulty->file->bytes.size);
        ck_assert_uint_le(size, faulty->file->bytes.size - offset);
        memcpy(buffer, faulty->file->bytes.at + offset, size);
        return 0;
}

static const struct hf_torch_options options = {.policy = HF_TORCH_OPAQUE, .verify = true};

static void write_file(struct torch_file *file, bool legacy)
{
        (legacy ? torch_write_legacy : torch_write_zip)(&parts, file);
}

START_TEST(test_reads)
{
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        long n = 0;

        write_file(&file, _i);
        for (;; n++) {
                struct faulty faulty = {&file, n};
                const struct hf_input input = {read_faulty, &faulty, file.bytes.size};

                if (hf_torch_open(&input, &options, &torch, &error) == 0)
                        break;
                ck_assert_int_eq(error.reason, HF_BAD_READ);
        }
        ck_assert_int_gt(n, 3);
        ck_assert_uint_eq(torch.n_tensors, 3);
        hf_torch_deinit(&torch);
        torch_file_free(&file);
}
END_TEST

START_TEST(test_allocations)
{
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        long n = 0;
        int r = -1;

        write_file(&file, _i);
        for (; r < 0; n++) {
                until = n;
                r = torch_open_bytes(file.bytes.at, file.bytes.size, &options, &torch, &error);
                until = -1;
                if (r < 0)
                        ck_assert_msg(error.reason == HF_BAD_MEMORY, "allocation %ld: reason %d: %s", n,
                                      error.reason, error.message);
        }
        ck_assert_int_gt(n, 5);
        ck_assert_uint_eq(torch.n_tensors, 3);
        hf_torch_deinit(&torch);
        torch_file_free(&file);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-faults");
        TCase *tests = tcase_create("faults");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_reads, 0, 2);
        tcase_add_loop_test(tests, test_allocations, 0, 2);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
