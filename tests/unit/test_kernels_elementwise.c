/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elementwise arithmetic on the CPU, against a reference that shares nothing with it. All
 * codes of the narrow types; random bits of the wide ones.
 */

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cpu/cpu.h>

#include "test_kernels_cases.h"
#include "test_kernels_reference.h"

#define COUNT 65536

static const ckpt_dtype floats[] = {CKPT_DTYPE_F8_E5M2,     CKPT_DTYPE_F8_E4M3,     CKPT_DTYPE_F8_E8M0,
                                    CKPT_DTYPE_F8_E4M3FNUZ, CKPT_DTYPE_F8_E5M2FNUZ, CKPT_DTYPE_F16,
                                    CKPT_DTYPE_BF16,        CKPT_DTYPE_F32,         CKPT_DTYPE_F64};

static void run_one(ckpt_elementwise *d, const void *src, void *dst, int64_t n)
{
        d->src = src;
        d->dst = dst;
        d->rank = 1;
        d->shape[0] = n;
        d->src_stride[0] = d->dst_stride[0] = 1;
        ck_assert_int_eq(ckpt_backend_cpu.elementwise(NULL, d, 1), 0);
}

static void compare(const ckpt_elementwise *d, int64_t n)
{
        const size_t from = ckpt_dtype_bits(d->src_dtype) / 8, to = ckpt_dtype_bits(d->dst_dtype) / 8;

        for (int64_t i = 0; i < n; i++) {
                const uint64_t in = reference_load(d->src_dtype, (const uint8_t *)d->src + (size_t)i * from);
                const uint64_t got = reference_load(d->dst_dtype, (const uint8_t *)d->dst + (size_t)i * to);
                const uint64_t want = reference_chain(d, in);

                if (got == want)
                        continue;
                ck_abort_msg("%s %#llx to %s, %u operations: %#llx, not %#llx", ckpt_dtype_name(d->src_dtype),
                             (unsigned long long)in, ckpt_dtype_name(d->dst_dtype), d->n_ops,
                             (unsigned long long)got, (unsigned long long)want);
        }
}

/* All codes of an 8- or 16-bit type, random bits of a wider one, a third of those near 1. */
static void fill(ckpt_dtype dtype, uint8_t *src)
{
        const uint32_t size = ckpt_dtype_bits(dtype) / 8;
        cases c = {.state = (uint64_t)dtype};

        for (uint32_t i = 0; i < COUNT; i++) {
                uint64_t bits = size <= 2 ? i : cases_random(&c);

                if (size == 8 && i % 3 != 0) {
                        const double spread = ldexp((double)(bits >> 11), (int)(bits % 300) - 210);

                        memcpy(&bits, &spread, sizeof(bits));
                        bits &= i % 3 == 1 ? ~UINT64_C(0xfffffff) : UINT64_MAX; /* many ties */
                } else if (size == 4 && i % 3 == 1) {
                        bits &= 0xffff8000u;
                }
                memcpy(src + (size_t)i * size, &bits, size);
        }
}

START_TEST(casts_between_floats)
{
        uint8_t *src = malloc(COUNT * 8), *dst = malloc(COUNT * 8);
        const ckpt_dtype from = floats[_i];

        ck_assert(src != NULL && dst != NULL);
        fill(from, src);
        for (size_t k = 0; k < sizeof(floats) / sizeof(floats[0]); k++) {
                ckpt_elementwise d = {.src_dtype = from,
                                      .dst_dtype = floats[k],
                                      .n_ops = 1,
                                      .ops = {{CKPT_ELEMENTWISE_CAST, floats[k], 0}}};

                run_one(&d, src, dst, COUNT);
                compare(&d, COUNT);
        }
        free(src);
        free(dst);
}
END_TEST

START_TEST(scalars)
{
        static const ckpt_dtype types[] = {CKPT_DTYPE_F16, CKPT_DTYPE_BF16, CKPT_DTYPE_F32, CKPT_DTYPE_F64};
        static const double values[] = {1.0, 0.1, -3.3, 1e-3, 65504.0, 0.0};
        uint8_t *src = malloc(COUNT * 8), *dst = malloc(COUNT * 8);
        const ckpt_dtype type = types[_i];

        ck_assert(src != NULL && dst != NULL);
        fill(type, src);
        for (size_t k = 0; k < 12; k++) {
                ckpt_elementwise d = {
                        .src_dtype = type,
                        .dst_dtype = type,
                        .n_ops = 1,
                        .ops = {{k % 2 ? CKPT_ELEMENTWISE_ADD_SCALAR : CKPT_ELEMENTWISE_MUL_SCALAR, type,
                                 values[k / 2]}}};

                run_one(&d, src, dst, COUNT);
                compare(&d, COUNT);
        }
        free(src);
        free(dst);
}
END_TEST

/* The 16-bit types get the correctly rounded result, the others at most one unit beside it. */
START_TEST(negative_exponentials)
{
        static const ckpt_dtype types[] = {CKPT_DTYPE_F16, CKPT_DTYPE_BF16, CKPT_DTYPE_F32, CKPT_DTYPE_F64};
        const ckpt_dtype type = types[_i];
        const uint32_t size = ckpt_dtype_bits(type) / 8;
        uint8_t *src = malloc(COUNT * 8), *dst = malloc(COUNT * 8);
        ckpt_elementwise d = {.src_dtype = type,
                              .dst_dtype = type,
                              .n_ops = 1,
                              .ops = {{CKPT_ELEMENTWISE_NEG_EXP, type, 0}}};

        ck_assert(src != NULL && dst != NULL);
        fill(type, src);
        for (uint32_t i = 0; i < COUNT && size > 2; i++) {
                const double x = (i % 2 ? 1.0 : size == 4 ? 52.0 : 380.0) * ((double)i / 16384 - 2);
                const uint64_t bits = reference_encode(type, x);

                memcpy(src + (size_t)i * size, &bits, size);
        }
        run_one(&d, src, dst, COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
                const double x = reference_decode(type, reference_load(type, src + (size_t)i * size));
                const uint64_t got = reference_load(type, dst + (size_t)i * size);
                const uint64_t want = reference_encode(type, (double)-expl((long double)x));
                const int64_t apart = (int64_t)(got - want);

                if (apart == 0 || (size > 2 && apart >= -1 && apart <= 1))
                        continue;
                ck_abort_msg("-exp(%a) of %s is %#llx, not %#llx", x, ckpt_dtype_name(type),
                             (unsigned long long)got, (unsigned long long)want);
        }
        free(src);
        free(dst);
}
END_TEST

/* Values that PyTorch gives, and that a reader can check by hand. */
START_TEST(known_values)
{
        static const struct {
                double x;
                ckpt_dtype to;
                uint64_t bits;
        } known[] = {
                {1 + 0x1p-8, CKPT_DTYPE_BF16, 0x3f80},
                {1 + 0x3p-8, CKPT_DTYPE_BF16, 0x3f82},
                {3.4028234663852886e38, CKPT_DTYPE_BF16, 0x7f80},
                {0x1p-134, CKPT_DTYPE_BF16, 0},
                {65519.0, CKPT_DTYPE_F16, 0x7bff},
                {65520.0, CKPT_DTYPE_F16, 0x7c00},
                {0x1p-25, CKPT_DTYPE_F16, 0},
                {-0x1.8p-25, CKPT_DTYPE_F16, 0x8001},
                {448.0, CKPT_DTYPE_F8_E4M3, 0x7e},
                {-1000.0, CKPT_DTYPE_F8_E4M3, 0xfe},
                {INFINITY, CKPT_DTYPE_F8_E4M3, 0x7e},
                {0x1p-10, CKPT_DTYPE_F8_E4M3, 0},
                {61439.0, CKPT_DTYPE_F8_E5M2, 0x7b},
                {61440.0, CKPT_DTYPE_F8_E5M2, 0x7c},
                {248.0, CKPT_DTYPE_F8_E4M3FNUZ, 0x80},
                {-0.0, CKPT_DTYPE_F8_E5M2FNUZ, 0},
                {1.5, CKPT_DTYPE_F8_E8M0, 0x80},
                {-1.0, CKPT_DTYPE_F8_E8M0, 0x7f},
                {0.0, CKPT_DTYPE_F8_E8M0, 0},
                {INFINITY, CKPT_DTYPE_F8_E8M0, 0xff},
                {NAN, CKPT_DTYPE_F32, 0x7fc00000},
                {-NAN, CKPT_DTYPE_F16, 0x7e00},
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                uint64_t got = 0;
                ckpt_elementwise d = {.src_dtype = CKPT_DTYPE_F64,
                                      .dst_dtype = known[i].to,
                                      .n_ops = 1,
                                      .ops = {{CKPT_ELEMENTWISE_CAST, known[i].to, 0}}};

                run_one(&d, &known[i].x, &got, 1);
                ck_assert_msg(got == known[i].bits, "%a to %s: %#llx, not %#llx", known[i].x,
                              ckpt_dtype_name(known[i].to), (unsigned long long)got,
                              (unsigned long long)known[i].bits);
        }
}
END_TEST

/* A cast to the type at hand is no arithmetic: it keeps a NaN's bits. */
START_TEST(copies_keep_bits)
{
        const uint16_t src[3] = {0x7f81, 0xffc1, 0x1234};
        uint16_t dst[3];
        ckpt_elementwise d = {.src_dtype = CKPT_DTYPE_BF16,
                              .dst_dtype = CKPT_DTYPE_BF16,
                              .n_ops = 1,
                              .ops = {{CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_BF16, 0}}};

        run_one(&d, src, dst, 3);
        ck_assert_mem_eq(src, dst, sizeof(src));
        d.n_ops = 0;
        memset(dst, 0, sizeof(dst));
        run_one(&d, src, dst, 3);
        ck_assert_mem_eq(src, dst, sizeof(src));
}
END_TEST

static void reference_walk(const ckpt_elementwise *d)
{
        const int64_t from = ckpt_dtype_bits(d->src_dtype) / 8, to = ckpt_dtype_bits(d->dst_dtype) / 8;
        int64_t total = 1;

        for (uint32_t i = 0; i < d->rank; i++)
                total *= d->shape[i];
        for (int64_t n = 0; n < total; n++) {
                int64_t rest = n, dst = 0, src = 0;
                uint64_t bits;

                for (uint32_t i = d->rank; i-- > 0;) {
                        dst += rest % d->shape[i] * d->dst_stride[i];
                        src += rest % d->shape[i] * d->src_stride[i];
                        rest /= d->shape[i];
                }
                bits = reference_chain(d, reference_load(d->src_dtype, (const uint8_t *)d->src + src * from));
                memcpy((uint8_t *)d->dst + dst * to, &bits, (size_t)to);
        }
}

START_TEST(random_chains)
{
        const int64_t src_size = 4 << 20, dst_size = 24 << 20;
        uint8_t *src = aligned_alloc(256, (size_t)src_size);
        uint8_t *got = aligned_alloc(256, (size_t)dst_size), *want = aligned_alloc(256, (size_t)dst_size);
        cases a = {(uint64_t)_i + 7, got, src, NULL, dst_size, src_size, 0}, b = a;
        ckpt_elementwise d;
        int64_t at;

        ck_assert(src != NULL && got != NULL && want != NULL);
        b.dst = want;
        cases_fill((uint64_t)_i, src, (size_t)src_size);
        memset(got, CASES_POISON, (size_t)dst_size);
        memset(want, CASES_POISON, (size_t)dst_size);
        for (int n = 0; n < 300 && cases_elementwise(&a, false, &d); n++) {
                ck_assert_int_eq(ckpt_backend_cpu.elementwise(NULL, &d, 1), 0);
                ck_assert(cases_elementwise(&b, false, &d));
                reference_walk(&d);
        }
        at = cases_first_difference(got, want, dst_size);
        ck_assert_msg(at < 0, "byte %lld is %#x, not %#x", (long long)at, got[at < 0 ? 0 : at],
                      want[at < 0 ? 0 : at]);
        free(src);
        free(got);
        free(want);
}
END_TEST

/* The routine for wide vectors and the one for any processor. */
START_TEST(vectors_change_no_bit)
{
        uint8_t src[CKPT_CPU_BLOCK * 8], wide[CKPT_CPU_BLOCK * 8], plain[CKPT_CPU_BLOCK * 8];
        const int64_t size = sizeof(wide);

        for (uint64_t seed = 1; seed < 3000; seed++) {
                cases c = {seed, wide, src, NULL, INT64_C(1) << 40, INT64_C(1) << 40, 0};
                ckpt_elementwise d;
                ckpt_walk walk;
                ckpt_chain chain;

                ck_assert(cases_elementwise(&c, true, &d));
                d.src = src;
                d.dst = wide;
                if (ckpt_walk_elementwise(&d, &walk, &chain) <= 0 || chain.domain == CKPT_DOMAIN_BITS)
                        continue;
                cases_fill(seed, src, sizeof(src));
                memset(wide, CASES_POISON, sizeof(wide));
                memset(plain, CASES_POISON, sizeof(plain));
                ckpt_cpu_chain_best()(&chain, src, wide, CKPT_CPU_BLOCK - seed % 9);
                ckpt_cpu_chain_run_plain(&chain, src, plain, CKPT_CPU_BLOCK - seed % 9);
                ck_assert_mem_eq(wide, plain, (size_t)size);
        }
}
END_TEST

START_TEST(refuses_bad_chains)
{
        static const struct {
                ckpt_dtype from, to;
                ckpt_elementwise_kind kind;
                ckpt_dtype op;
        } bad[] = {
                {CKPT_DTYPE_I32, CKPT_DTYPE_I16, CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_I16},
                {CKPT_DTYPE_I32, CKPT_DTYPE_F32, CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_F32},
                {CKPT_DTYPE_BOOL, CKPT_DTYPE_U8, CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_U8},
                {CKPT_DTYPE_F4, CKPT_DTYPE_F4, CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_F4},
                {CKPT_DTYPE_F8_E4M3, CKPT_DTYPE_F8_E4M3, CKPT_ELEMENTWISE_ADD_SCALAR, CKPT_DTYPE_F8_E4M3},
                {CKPT_DTYPE_F32, CKPT_DTYPE_BF16, CKPT_ELEMENTWISE_ADD_SCALAR, CKPT_DTYPE_BF16},
                {CKPT_DTYPE_F32, CKPT_DTYPE_BF16, CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_F16},
                {CKPT_DTYPE_F32, CKPT_DTYPE_F32, 9, CKPT_DTYPE_F32},
                {99, 99, CKPT_ELEMENTWISE_CAST, 99},
        };
        uint64_t memory[4] = {0};

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                const ckpt_elementwise d = {.dst = memory,
                                            .src = memory + 2,
                                            .dst_dtype = bad[i].to,
                                            .src_dtype = bad[i].from,
                                            .n_ops = 1,
                                            .ops = {{bad[i].kind, bad[i].op, 1}}};

                ck_assert_msg(ckpt_backend_cpu.elementwise(NULL, &d, 1) < 0, "descriptor %zu was taken", i);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("kernels-elementwise");
        TCase *all = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_set_timeout(all, 60);
        tcase_add_loop_test(all, casts_between_floats, 0, sizeof(floats) / sizeof(floats[0]));
        tcase_add_loop_test(all, scalars, 0, 4);
        tcase_add_loop_test(all, negative_exponentials, 0, 4);
        tcase_add_test(all, known_values);
        tcase_add_test(all, copies_keep_bits);
        tcase_add_loop_test(all, random_chains, 0, 3);
        tcase_add_test(all, vectors_change_no_bit);
        tcase_add_test(all, refuses_bad_chains);
        suite_add_tcase(suite, all);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
