/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CUDA table against its CPU twin, bit for bit: thousands of random descriptors in one
 * call, over poisoned memory that is compared whole, guard bytes included; and tensors of
 * more than 2^31 elements. Skips aloud where no device answers.
 */

#include <string.h>

#include "../unit/test_kernels_cases.h"
#include "test_kernels_device.h"

#define DST_SIZE (INT64_C(192) << 20)
#define SRC_SIZE (INT64_C(16) << 20)
#define GUARD    4096

/* Both sides of a comparison. */
typedef struct twins {
        const ckpt_backend *cuda;
        ckpt_device *device;
        ckpt_stream *stream;
        uint8_t *src, *dst;               /* of the CPU */
        uint8_t *device_src, *device_dst; /* the same, on the device, and a guard after it */
        int64_t *index, *device_index;
        cases on_cpu, on_device;
} twins;

static void *device_copy(const twins *t, const void *from, size_t size)
{
        const ckpt_backend *const cuda = t->cuda;
        void *memory = NULL;

        OK(cuda->alloc(t->device, size, &memory));
        ck_assert_uint_eq((uintptr_t)memory % 256, 0);
        OK(cuda->copy_to_device(t->stream, memory, from, size));
        OK(cuda->stream_synchronize(t->stream));
        return memory;
}

static twins *twins_new(uint64_t seed)
{
        twins *t = calloc(1, sizeof(*t));
        const ckpt_backend *cuda;

        ck_assert_ptr_nonnull(t);
        t->cuda = cuda = cuda_table();
        OK(cuda->open(0, &t->device));
        OK(cuda->stream_new(t->device, &t->stream));
        t->src = aligned_alloc(256, SRC_SIZE);
        t->dst = aligned_alloc(256, DST_SIZE + GUARD);
        t->index = malloc(CASES_INDEX_COUNT * sizeof(*t->index));
        ck_assert(t->src != NULL && t->dst != NULL && t->index != NULL);
        cases_fill(seed, t->src, SRC_SIZE);
        cases_fill_index(seed, t->index);
        memset(t->dst, CASES_POISON, DST_SIZE + GUARD);
        t->device_src = device_copy(t, t->src, SRC_SIZE);
        t->device_dst = device_copy(t, t->dst, DST_SIZE + GUARD);
        t->device_index = device_copy(t, t->index, CASES_INDEX_COUNT * sizeof(*t->index));
        t->on_cpu = (cases){seed, t->dst, t->src, t->index, DST_SIZE, SRC_SIZE, 0};
        t->on_device = (cases){seed, t->device_dst, t->device_src, t->device_index, DST_SIZE, SRC_SIZE, 0};
        return t;
}

/* Fetches what the device wrote, compares, frees everything. */
static void twins_check_free(twins *t)
{
        const ckpt_backend *const cuda = t->cuda;
        uint8_t *got = malloc(DST_SIZE + GUARD);
        int64_t at;

        ck_assert_ptr_nonnull(got);
        OK(cuda->stream_synchronize(t->stream));
        OK(cuda->copy_to_host(t->stream, got, t->device_dst, DST_SIZE + GUARD));
        OK(cuda->stream_synchronize(t->stream));
        at = cases_first_difference(got, t->dst, DST_SIZE + GUARD);
        ck_assert_msg(at < 0, "byte %lld: the device has %#x, the CPU %#x", (long long)at,
                      got[at < 0 ? 0 : at], t->dst[at < 0 ? 0 : at]);
        cuda->free(t->device, t->device_src, SRC_SIZE);
        cuda->free(t->device, t->device_dst, DST_SIZE + GUARD);
        cuda->free(t->device, t->device_index, CASES_INDEX_COUNT * sizeof(*t->index));
        cuda->stream_free(t->stream);
        cuda->close(t->device);
        free(got);
        free(t->src);
        free(t->dst);
        free(t->index);
        free(t);
}

/* Makes up to `wanted` descriptors for each side and runs each side's in one call. */
#define TWIN_TEST(kernel, wanted, draw)                                          \
        START_TEST(kernel##_matches)                                             \
        {                                                                        \
                twins *t = twins_new((uint64_t)_i * 1000 + (wanted));            \
                const ckpt_backend *const cuda = t->cuda;                        \
                ckpt_##kernel *on_cpu = calloc((wanted), sizeof(*on_cpu));       \
                ckpt_##kernel *on_device = calloc((wanted), sizeof(*on_device)); \
                uint32_t count = 0;                                              \
                                                                                 \
                ck_assert(on_cpu != NULL && on_device != NULL);                  \
                while (count < (wanted) && draw(&t->on_cpu, &on_cpu[count]) &&   \
                       draw(&t->on_device, &on_device[count]))                   \
                        count++;                                                 \
                printf("# " #kernel ": %u descriptors in one call\n", count);    \
                ck_assert_uint_gt(count, 300);                                   \
                OK(ckpt_backend_cpu.kernel(NULL, on_cpu, count));                \
                OK(cuda->kernel(t->stream, on_device, count));                   \
                free(on_cpu);                                                    \
                free(on_device);                                                 \
                twins_check_free(t);                                             \
        }                                                                        \
        END_TEST

static bool draw_elementwise(cases *c, ckpt_elementwise *ret)
{
        return cases_elementwise(c, true, ret);
}

TWIN_TEST(strided_copy, 5000, cases_strided_copy)
TWIN_TEST(elementwise, 5000, draw_elementwise)
TWIN_TEST(transpose, 2000, cases_transpose)
TWIN_TEST(repeat_blocks, 5000, cases_repeat_blocks)
TWIN_TEST(gather_rows, 5000, cases_gather_rows)

/* Long contiguous casts at every alignment of both sides: the grouped path with its heads and tails. */
START_TEST(contiguous_casts_match)
{
        static const ckpt_dtype types[] = {CKPT_DTYPE_F32,     CKPT_DTYPE_F16,     CKPT_DTYPE_BF16,
                                           CKPT_DTYPE_F8_E4M3, CKPT_DTYPE_F8_E5M2, CKPT_DTYPE_F8_E8M0};
        twins *t = twins_new(77);
        const ckpt_backend *const cuda = t->cuda;
        const int64_t n = 40009;
        int64_t at = 64;

        for (int i = 0; i < 6 * 6 * 24; i++) {
                ckpt_elementwise d = {.src_dtype = types[i % 6],
                                      .dst_dtype = types[i / 6 % 6],
                                      .n_ops = 1,
                                      .rank = 1,
                                      .ops = {{CKPT_ELEMENTWISE_CAST, types[i / 6 % 6], 0}},
                                      .shape = {n - i},
                                      .dst_stride = {1},
                                      .src_stride = {1}};
                const int64_t to = at + i / 36 % 6 * ckpt_dtype_bits(d.dst_dtype) / 8 + (i / 36 == 23);
                const int64_t from = i / 36 / 2 * ckpt_dtype_bits(d.src_dtype) / 8 + (i / 36 == 22);

                d.dst = t->dst + to;
                d.src = t->src + from;
                OK(ckpt_backend_cpu.elementwise(NULL, &d, 1));
                d.dst = t->device_dst + to;
                d.src = t->device_src + from;
                OK(cuda->elementwise(t->stream, &d, 1));
                at += (n * 4 + 128) / 64 * 64;
                ck_assert_int_lt(at, DST_SIZE);
        }
        twins_check_free(t);
}
END_TEST

/* Both sides read the source anew after the test wrote it. */
static void send_source(const twins *t, int64_t size)
{
        const ckpt_backend *const cuda = t->cuda;

        OK(cuda->copy_to_device(t->stream, t->device_src, t->src, (uint64_t)size));
        OK(cuda->stream_synchronize(t->stream));
}

/*
 * All codes of the 8- and 16-bit types; of F32 every upper half with the lower halves about
 * which a rounding to 16 bits or fewer turns.
 */
static int64_t fill_codes(ckpt_dtype dtype, uint8_t *src)
{
        static const uint16_t low[] = {0, 1, 0x0fff, 0x1000, 0x1001, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff};
        const uint32_t size = ckpt_dtype_bits(dtype) / 8, lows = size == 4 ? sizeof(low) / sizeof(low[0]) : 1;

        for (uint32_t code = 0; code < 65536; code++)
                for (uint32_t i = 0; i < lows; i++) {
                        const uint32_t bits = size == 4 ? code << 16 | low[i] : code;

                        memcpy(src + (int64_t)(code * lows + i) * size, &bits, size);
                }
        return (int64_t)65536 * lows;
}

/* Casts, and each type's own addition, from every code to every type. */
START_TEST(all_codes_match)
{
        static const ckpt_dtype types[] = {CKPT_DTYPE_F32,         CKPT_DTYPE_F16,     CKPT_DTYPE_BF16,
                                           CKPT_DTYPE_F8_E4M3,     CKPT_DTYPE_F8_E5M2, CKPT_DTYPE_F8_E4M3FNUZ,
                                           CKPT_DTYPE_F8_E5M2FNUZ, CKPT_DTYPE_F8_E8M0};
        const ckpt_dtype from = types[_i];
        twins *t = twins_new(78);
        const ckpt_backend *const cuda = t->cuda;
        const int64_t n = fill_codes(from, t->src);
        int64_t at = 64;

        send_source(t, n * ckpt_dtype_bits(from) / 8);
        for (int i = 0; i < 16; i++) {
                const ckpt_dtype to = types[i % 8];
                const bool adds = i >= 8 && ckpt_dtype_has_arithmetic(from);
                ckpt_elementwise d = {.src_dtype = from,
                                      .dst_dtype = to,
                                      .n_ops = 2,
                                      .rank = 1,
                                      .ops = {{adds ? CKPT_ELEMENTWISE_ADD_SCALAR : CKPT_ELEMENTWISE_CAST,
                                               adds ? from : to, 0.1},
                                              {CKPT_ELEMENTWISE_CAST, to, 0}},
                                      .shape = {n},
                                      .dst_stride = {1},
                                      .src_stride = {1}};

                d.dst = t->dst + at;
                d.src = t->src;
                OK(ckpt_backend_cpu.elementwise(NULL, &d, 1));
                d.dst = t->device_dst + at;
                d.src = t->device_src;
                OK(cuda->elementwise(t->stream, &d, 1));
                at += (n * 4 + 128) / 64 * 64;
                ck_assert_int_lt(at, DST_SIZE);
        }
        twins_check_free(t);
}
END_TEST

/* Around the tiles' edges, in multiples of a word and not, aligned for words and not. */
START_TEST(transposes_at_edges_match)
{
        static const int64_t sides[] = {2, 4, 31, 32, 60, 63, 64, 66, 68, 124, 127, 128, 132, 260};
        enum {
                SIDES = sizeof(sides) / sizeof(sides[0])
        };
        twins *t = twins_new(79);
        const ckpt_backend *const cuda = t->cuda;
        const int64_t size = INT64_C(1) << _i;
        int64_t at = 64;

        for (int i = 0; i < SIDES * SIDES * 3; i++) {
                const int64_t rows = sides[i % SIDES], cols = sides[i / SIDES % SIDES];
                const int64_t pad = i / (SIDES * SIDES) * 4, shift = pad == 8 ? size : 0;
                ckpt_transpose d = {.elem_size = (uint32_t)size,
                                    .batch = size < 8 ? 2 : 1,
                                    .rows = rows,
                                    .cols = cols,
                                    .src_batch_stride = rows * (cols + pad),
                                    .src_row_stride = cols + pad,
                                    .dst_batch_stride = cols * (rows + pad),
                                    .dst_row_stride = rows + pad};

                d.dst = t->dst + at + shift;
                d.src = t->src + shift;
                OK(ckpt_backend_cpu.transpose(NULL, &d, 1));
                d.dst = t->device_dst + at + shift;
                d.src = t->device_src + shift;
                OK(cuda->transpose(t->stream, &d, 1));
                at += (d.batch * d.dst_batch_stride * size + 128) / 64 * 64;
                ck_assert_int_lt(at, DST_SIZE);
        }
        twins_check_free(t);
}
END_TEST

START_TEST(bad_descriptors_are_refused)
{
        twins *t = twins_new(5);
        const ckpt_backend *const cuda = t->cuda;
        const ckpt_strided_copy copy = {.dst = t->device_dst, .src = t->device_src, .elem_size = 3};
        const ckpt_elementwise cast = {.dst = t->device_dst,
                                       .src = t->device_src,
                                       .dst_dtype = CKPT_DTYPE_I8,
                                       .src_dtype = CKPT_DTYPE_I32,
                                       .n_ops = 1,
                                       .ops = {{CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_I8, 0}}};
        const ckpt_transpose transpose = {
                .dst = t->device_dst, .src = t->device_src, .elem_size = 2, .batch = -1};
        ckpt_device *none = NULL;

        ck_assert_int_lt(cuda->strided_copy(t->stream, &copy, 1), 0);
        ck_assert_int_lt(cuda->elementwise(t->stream, &cast, 1), 0);
        ck_assert_int_lt(cuda->transpose(t->stream, &transpose, 1), 0);
        ck_assert_int_lt(cuda->open(4096, &none), 0);
        ck_assert_ptr_null(none);
        ck_assert_ptr_nonnull(strstr(cuda->describe(cuda->open(4096, &none)), "cudaErrorInvalidDevice"));
        OK(cuda->strided_copy(t->stream, NULL, 0));
        twins_check_free(t);
}
END_TEST

START_TEST(table_calls_work)
{
        twins *t = twins_new(6);
        const ckpt_backend *const cuda = t->cuda;
        uint64_t available = 0, total = 0;
        ckpt_stream *other = NULL;
        ckpt_event *event = NULL;
        void *pinned = NULL;

        OK(cuda->memory_info(t->device, &available, &total));
        ck_assert(available > 0 && available <= total);
        OK(cuda->pinned_alloc(t->device, 1 << 20, &pinned));
        OK(cuda->stream_new(t->device, &other));
        OK(cuda->event_new(t->device, &event));
        ck_assert_int_eq(cuda->event_query(event), 1);
        OK(cuda->event_synchronize(event));

        memcpy(pinned, t->src, 1 << 20);
        OK(cuda->copy_rows_to_device(t->stream, t->device_dst + 3, 1000, pinned, 500, 77, 1000));
        OK(cuda->event_record(event, t->stream));
        OK(cuda->stream_wait_event(other, event));
        OK(cuda->fill_zero(other, t->device_dst + 7, 9));
        OK(cuda->copy_on_device(other, t->device_dst + (2 << 20), t->device_src, 12345));
        OK(cuda->copy_list_to_device(other, (ckpt_host_copy[]){{t->device_dst + (3 << 20), pinned, 4567}},
                                     1));
        OK(cuda->copy_list_to_device(other,
                                     (ckpt_host_copy[]){{t->device_dst + (4 << 20) + 1, pinned, 1 << 19},
                                                        {t->device_dst + (5 << 20), (char *)pinned + 99, 1}},
                                     2));
        OK(cuda->stream_synchronize(other));
        ck_assert_int_eq(cuda->event_query(event), 1);

        OK(ckpt_backend_cpu.copy_rows_to_device(NULL, t->dst + 3, 1000, t->src, 500, 77, 1000));
        OK(ckpt_backend_cpu.fill_zero(NULL, t->dst + 7, 9));
        OK(ckpt_backend_cpu.copy_on_device(NULL, t->dst + (2 << 20), t->src, 12345));
        memcpy(t->dst + (3 << 20), t->src, 4567);
        memcpy(t->dst + (4 << 20) + 1, t->src, 1 << 19);
        memcpy(t->dst + (5 << 20), t->src + 99, 1);

        cuda->event_free(event);
        cuda->stream_free(other);
        cuda->pinned_free(t->device, pinned, 1 << 20);
        cuda->free(t->device, NULL, 0);
        OK(cuda->host_register(t->device, t->src, SRC_SIZE, 0));
        OK(cuda->host_unregister(t->device, t->src));
        twins_check_free(t);
}
END_TEST

static Suite *kernels_suite(void)
{
        Suite *suite = suite_create("kernels-device");
        TCase *random = tcase_create("twins"), *fixed = tcase_create("table");

        tcase_set_timeout(random, 120);
        tcase_add_loop_test(random, strided_copy_matches, 0, 3);
        tcase_add_loop_test(random, elementwise_matches, 0, 3);
        tcase_add_loop_test(random, transpose_matches, 0, 2);
        tcase_add_loop_test(random, repeat_blocks_matches, 0, 2);
        tcase_add_loop_test(random, gather_rows_matches, 0, 2);
        tcase_add_test(random, contiguous_casts_match);
        tcase_add_loop_test(random, all_codes_match, 0, 8);
        tcase_add_loop_test(random, transposes_at_edges_match, 0, 5);
        tcase_add_test(fixed, bad_descriptors_are_refused);
        tcase_add_test(fixed, table_calls_work);
        suite_add_tcase(suite, random);
        suite_add_tcase(suite, fixed);
        suite_add_tcase(suite, kernels_giants());
        return suite;
}

int main(void)
{
        char why[4200];
        SRunner *runner;
        int failed;

        if (kernels_open(why, sizeof(why)) == NULL) {
                printf("1..0 # SKIP %s\n", why);
                return EXIT_SUCCESS;
        }
        runner = srunner_create(kernels_suite());
        /* A forked child cannot use the parent's CUDA context. */
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
