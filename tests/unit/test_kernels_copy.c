/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Data movement on the CPU, against loops that visit one byte or one element at a time
 * and know nothing of walks. The whole destination buffer is compared, guard bytes too.
 */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "test_kernels_cases.h"

#define DST_SIZE (INT64_C(24) << 20)
#define SRC_SIZE (INT64_C(4) << 20)

typedef struct bench {
        uint8_t *src, *got, *want;
        int64_t index[CASES_INDEX_COUNT];
        cases for_got, for_want;
} bench;

static bench *bench_new(uint64_t seed)
{
        bench *b = calloc(1, sizeof(*b));

        ck_assert_ptr_nonnull(b);
        b->src = aligned_alloc(256, SRC_SIZE);
        b->got = aligned_alloc(256, DST_SIZE);
        b->want = aligned_alloc(256, DST_SIZE);
        ck_assert(b->src != NULL && b->got != NULL && b->want != NULL);
        cases_fill(seed, b->src, SRC_SIZE);
        cases_fill_index(seed, b->index);
        memset(b->got, CASES_POISON, DST_SIZE);
        memset(b->want, CASES_POISON, DST_SIZE);
        b->for_got = (cases){seed, b->got, b->src, b->index, DST_SIZE, SRC_SIZE, 0};
        b->for_want = b->for_got;
        b->for_want.dst = b->want;
        return b;
}

static void bench_check_free(bench *b)
{
        const int64_t at = cases_first_difference(b->got, b->want, DST_SIZE);

        ck_assert_msg(at < 0, "byte %lld is %#x, not %#x", (long long)at, b->got[at < 0 ? 0 : at],
                      b->want[at < 0 ? 0 : at]);
        free(b->src);
        free(b->got);
        free(b->want);
        free(b);
}

/* Every index vector in turn, by a counter that is divided anew each time. */
static void reference_strided_copy(const ckpt_strided_copy *d)
{
        int64_t total = 1;

        for (uint32_t i = 0; i < d->rank; i++)
                total *= d->dst_shape[i];
        for (int64_t n = 0; n < total; n++) {
                int64_t rest = n, dst = 0, src = 0;
                bool inside = d->src != NULL;

                for (uint32_t i = d->rank; i-- > 0;) {
                        const int64_t at = rest % d->dst_shape[i];

                        rest /= d->dst_shape[i];
                        inside = inside && at < d->src_shape[i];
                        dst += at * d->dst_stride[i];
                        src += at * d->src_stride[i];
                }
                for (int64_t k = 0; k < (int64_t)d->elem_size; k++)
                        ((uint8_t *)d->dst)[dst * d->elem_size + k] =
                                inside ? ((const uint8_t *)d->src)[src * d->elem_size + k] : 0;
        }
}

START_TEST(strided_copies)
{
        bench *b = bench_new((uint64_t)_i + 1);
        ckpt_strided_copy d;

        for (int n = 0; n < 400 && cases_strided_copy(&b->for_got, &d); n++) {
                ck_assert_int_eq(ckpt_backend_cpu.strided_copy(NULL, &d, 1), 0);
                ck_assert(cases_strided_copy(&b->for_want, &d));
                reference_strided_copy(&d);
        }
        bench_check_free(b);
}
END_TEST

START_TEST(transposes)
{
        bench *b = bench_new((uint64_t)_i + 100);
        ckpt_transpose d;

        for (int n = 0; n < 60 && cases_transpose(&b->for_got, &d); n++) {
                ck_assert_int_eq(ckpt_backend_cpu.transpose(NULL, &d, 1), 0);
                ck_assert(cases_transpose(&b->for_want, &d));
                for (int64_t i = 0; i < d.batch * d.rows * d.cols; i++) {
                        const int64_t batch = i / (d.rows * d.cols), row = i / d.cols % d.rows,
                                      col = i % d.cols;
                        const int64_t to = batch * d.dst_batch_stride + col * d.dst_row_stride + row;
                        const int64_t from = batch * d.src_batch_stride + row * d.src_row_stride + col;

                        memcpy((uint8_t *)d.dst + to * d.elem_size,
                               (const uint8_t *)d.src + from * d.elem_size, d.elem_size);
                }
        }
        bench_check_free(b);
}
END_TEST

START_TEST(block_repeats)
{
        bench *b = bench_new((uint64_t)_i + 200);
        ckpt_repeat_blocks d;

        for (int n = 0; n < 60 && cases_repeat_blocks(&b->for_got, &d); n++) {
                ck_assert_int_eq(ckpt_backend_cpu.repeat_blocks(NULL, &d, 1), 0);
                ck_assert(cases_repeat_blocks(&b->for_want, &d));
                for (int64_t row = 0; row < d.blocks * d.reps * d.block_rows; row++) {
                        const int64_t block = row / (d.reps * d.block_rows), i = row % d.block_rows;

                        memcpy((uint8_t *)d.dst + row * d.dst_pitch,
                               (const uint8_t *)d.src + (block * d.block_rows + i) * d.src_pitch,
                               (size_t)d.row_bytes);
                }
        }
        bench_check_free(b);
}
END_TEST

START_TEST(row_gathers)
{
        bench *b = bench_new((uint64_t)_i + 300);
        ckpt_gather_rows d;

        for (int n = 0; n < 60 && cases_gather_rows(&b->for_got, &d); n++) {
                ck_assert_int_eq(ckpt_backend_cpu.gather_rows(NULL, &d, 1), 0);
                ck_assert(cases_gather_rows(&b->for_want, &d));
                for (int64_t i = 0; i < d.n_rows * d.row_bytes; i++) {
                        const int64_t row = i / d.row_bytes, k = i % d.row_bytes;

                        ((uint8_t *)d.dst)[row * d.dst_pitch + k] =
                                ((const uint8_t *)d.src)[d.index[row] * d.src_pitch + k];
                }
        }
        bench_check_free(b);
}
END_TEST

/* A vocabulary of 5 rows padded to 8, by hand: the zeros are written, whatever lay there. */
START_TEST(pads_rows_with_zeros)
{
        const uint16_t src[5][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}};
        const uint16_t want[8][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}, {0, 0}, {0, 0}, {0, 0}};
        uint16_t dst[8][2];
        const ckpt_strided_copy d = {.dst = dst,
                                     .src = src,
                                     .elem_size = 2,
                                     .rank = 2,
                                     .dst_shape = {8, 2},
                                     .src_shape = {5, 2},
                                     .dst_stride = {2, 1},
                                     .src_stride = {2, 1}};

        memset(dst, CASES_POISON, sizeof(dst));
        ck_assert_int_eq(ckpt_backend_cpu.strided_copy(NULL, &d, 1), 0);
        ck_assert_mem_eq(dst, want, sizeof(want));
}
END_TEST

START_TEST(refuses_bad_copies)
{
        uint8_t memory[64] = {0};
        const ckpt_strided_copy good = {.dst = memory,
                                        .src = memory + 32,
                                        .elem_size = 1,
                                        .rank = 1,
                                        .dst_shape = {8},
                                        .src_shape = {8},
                                        .dst_stride = {1},
                                        .src_stride = {1}};
        ckpt_strided_copy bad[8];

        for (size_t i = 0; i < 8; i++)
                bad[i] = good;
        bad[0].elem_size = 3;
        bad[1].rank = CKPT_KERNEL_RANK + 1;
        bad[2].dst_shape[0] = -1;
        bad[3].src_shape[0] = 9;
        bad[4].dst_stride[0] = 0;
        bad[5].dst = NULL;
        bad[6].dst_shape[0] = INT64_MAX;
        bad[7].src_stride[0] = INT64_MAX / 2;
        ck_assert_int_eq(ckpt_backend_cpu.strided_copy(NULL, &good, 1), 0);
        for (size_t i = 0; i < 8; i++) {
                const int32_t r = ckpt_backend_cpu.strided_copy(NULL, &bad[i], 1);

                ck_assert_msg(r < 0, "descriptor %zu was taken", i);
                ck_assert_ptr_nonnull(strstr(ckpt_backend_cpu.describe(r), "descriptor"));
        }
}
END_TEST

START_TEST(refuses_bad_rows)
{
        uint8_t memory[64] = {0};
        const int64_t index[2] = {0, 1};
        const ckpt_transpose transpose = {.dst = memory,
                                          .src = memory,
                                          .elem_size = 5,
                                          .batch = 1,
                                          .rows = 2,
                                          .cols = 2,
                                          .src_row_stride = 2,
                                          .dst_row_stride = 2};
        const ckpt_repeat_blocks repeat = {.dst = memory,
                                           .src = memory,
                                           .blocks = INT64_MAX / 2,
                                           .block_rows = 4,
                                           .reps = 2,
                                           .row_bytes = 1,
                                           .src_pitch = 1,
                                           .dst_pitch = 1};
        const ckpt_gather_rows gather = {.dst = memory,
                                         .src = memory,
                                         .index = index,
                                         .n_rows = -2,
                                         .row_bytes = 1,
                                         .src_pitch = 1,
                                         .dst_pitch = 1};

        ck_assert_int_lt(ckpt_backend_cpu.transpose(NULL, &transpose, 1), 0);
        ck_assert_int_lt(ckpt_backend_cpu.repeat_blocks(NULL, &repeat, 1), 0);
        ck_assert_int_lt(ckpt_backend_cpu.gather_rows(NULL, &gather, 1), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("kernels-copy");
        TCase *random = tcase_create("random"), *fixed = tcase_create("fixed");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_set_timeout(random, 60);
        tcase_add_loop_test(random, strided_copies, 0, 4);
        tcase_add_loop_test(random, transposes, 0, 2);
        tcase_add_loop_test(random, block_repeats, 0, 2);
        tcase_add_loop_test(random, row_gathers, 0, 2);
        tcase_add_test(fixed, pads_rows_with_zeros);
        tcase_add_test(fixed, refuses_bad_copies);
        tcase_add_test(fixed, refuses_bad_rows);
        suite_add_tcase(suite, random);
        suite_add_tcase(suite, fixed);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
