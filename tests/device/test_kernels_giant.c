/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tensors past 2^31 elements: the source repeats a pattern of odd length, so that a part
 * tells what the whole must be.
 */

#include <string.h>

#include "../unit/test_kernels_cases.h"
#include "test_kernels_device.h"

#define BIG     (INT64_C(2147483648) + 1000003)
#define PATTERN ((INT64_C(37) << 20) + 5)

typedef struct giant {
        const ckpt_backend *cuda;
        ckpt_device *device;
        ckpt_stream *stream;
        uint8_t *pattern, *want, *got; /* of the host; want and got: 2 * PATTERN bytes */
        uint8_t *src, *dst;            /* BIG and 2 * BIG bytes of the device */
} giant;

/* False where the device has too little free memory. */
static bool giant_init(giant *g)
{
        const ckpt_backend *const cuda = g->cuda = cuda_table();
        uint64_t available = 0, total = 0;

        OK(cuda->open(0, &g->device));
        OK(cuda->memory_info(g->device, &available, &total));
        if (available < UINT64_C(24) << 30) {
                printf("# skipped: %.1f GiB free on the device, a tensor past 2^31 elements wants 24\n",
                       (double)available / 0x1p30);
                cuda->close(g->device);
                return false;
        }
        OK(cuda->stream_new(g->device, &g->stream));
        g->pattern = malloc(PATTERN);
        g->want = malloc(2 * PATTERN);
        g->got = malloc(2 * PATTERN);
        ck_assert(g->pattern != NULL && g->want != NULL && g->got != NULL);
        cases_fill(99, g->pattern, PATTERN);
        OK(cuda->alloc(g->device, BIG, (void **)&g->src));
        OK(cuda->alloc(g->device, 2 * BIG, (void **)&g->dst));
        for (int64_t at = 0; at < BIG; at += PATTERN)
                OK(cuda->copy_to_device(g->stream, g->src + at, g->pattern,
                                        (uint64_t)(BIG - at < PATTERN ? BIG - at : PATTERN)));
        OK(cuda->fill_zero(g->stream, g->dst, 2 * BIG));
        OK(cuda->stream_synchronize(g->stream));
        return true;
}

static void giant_deinit(giant *g)
{
        g->cuda->free(g->device, g->src, BIG);
        g->cuda->free(g->device, g->dst, 2 * BIG);
        g->cuda->stream_free(g->stream);
        g->cuda->close(g->device);
        free(g->pattern);
        free(g->want);
        free(g->got);
}

/* The destination from `start` on is `want`, repeated every `period` bytes, for `size` bytes. */
static void giant_compare(giant *g, int64_t start, int64_t period, int64_t size)
{
        const ckpt_backend *const cuda = g->cuda;

        for (int64_t at = 0; at < size; at += period) {
                const int64_t n = size - at < period ? size - at : period;
                int64_t differs;

                OK(cuda->copy_to_host(g->stream, g->got, g->dst + start + at, (uint64_t)n));
                OK(cuda->stream_synchronize(g->stream));
                differs = cases_first_difference(g->got, g->want, n);
                ck_assert_msg(differs < 0, "byte %lld is %#x, not %#x", (long long)(at + differs),
                              g->got[differs < 0 ? 0 : differs], g->want[differs < 0 ? 0 : differs]);
        }
}

START_TEST(giant_cast)
{
        giant g;
        ckpt_elementwise d = {.dst_dtype = CKPT_DTYPE_BF16,
                              .src_dtype = CKPT_DTYPE_F8_E4M3,
                              .n_ops = 1,
                              .rank = 1,
                              .ops = {{CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_BF16, 0}},
                              .dst_stride = {1},
                              .src_stride = {1}};
        const ckpt_backend *cuda;

        if (!giant_init(&g))
                return;
        cuda = g.cuda;
        d.src = g.pattern;
        d.dst = g.want;
        d.shape[0] = PATTERN;
        OK(ckpt_backend_cpu.elementwise(NULL, &d, 1));
        d.src = g.src;
        d.dst = g.dst;
        d.shape[0] = BIG;
        OK(cuda->elementwise(g.stream, &d, 1));
        giant_compare(&g, 0, 2 * PATTERN, 2 * BIG);
        giant_deinit(&g);
}
END_TEST

/* The element-by-element path: a source that stands still. */
START_TEST(giant_strided_cast)
{
        giant g;
        const uint16_t value = 0x4248;
        ckpt_elementwise d = {.dst_dtype = CKPT_DTYPE_F8_E5M2,
                              .src_dtype = CKPT_DTYPE_F16,
                              .n_ops = 1,
                              .rank = 1,
                              .ops = {{CKPT_ELEMENTWISE_CAST, CKPT_DTYPE_F8_E5M2, 0}},
                              .dst_stride = {1}};
        const ckpt_backend *cuda;

        if (!giant_init(&g))
                return;
        cuda = g.cuda;
        d.src = &value;
        d.dst = g.want;
        d.shape[0] = PATTERN;
        OK(ckpt_backend_cpu.elementwise(NULL, &d, 1));
        OK(cuda->copy_to_device(g.stream, g.src, &value, sizeof(value)));
        d.src = g.src;
        d.dst = g.dst;
        d.shape[0] = BIG;
        OK(cuda->elementwise(g.stream, &d, 1));
        giant_compare(&g, 0, PATTERN, BIG);
        giant_deinit(&g);
}
END_TEST

START_TEST(giant_copies)
{
        giant g;
        ckpt_strided_copy d = {.elem_size = 1,
                               .rank = 1,
                               .dst_shape = {BIG},
                               .src_shape = {BIG},
                               .dst_stride = {1},
                               .src_stride = {1}};
        const ckpt_backend *cuda;

        if (!giant_init(&g))
                return;
        cuda = g.cuda;
        /* Bytes, since the addresses differ by an odd number. */
        d.dst = g.dst + 1;
        d.src = g.src;
        memcpy(g.want, g.pattern, PATTERN);
        OK(cuda->strided_copy(g.stream, &d, 1));
        giant_compare(&g, 1, PATTERN, BIG);
        /* Backwards: the pattern's end comes first. */
        d.dst = g.dst;
        d.src = g.src + BIG - 1;
        d.src_stride[0] = -1;
        for (int64_t i = 0; i < PATTERN; i++)
                g.want[i] = g.pattern[(BIG - 1 - i) % PATTERN];
        OK(cuda->strided_copy(g.stream, &d, 1));
        giant_compare(&g, 0, PATTERN, BIG);
        giant_deinit(&g);
}
END_TEST

/* Element by element, and with four and two elements to a word. */
START_TEST(giant_transpose)
{
        static const struct {
                int64_t rows, cols;
                uint32_t size;
        } shapes[] = {{70001, 30691, 1}, {70004, 30684, 1}, {35002, 30684, 2}};
        const int64_t rows = shapes[_i].rows, cols = shapes[_i].cols, size = shapes[_i].size;
        giant g;
        ckpt_transpose d = {.elem_size = shapes[_i].size,
                            .batch = 1,
                            .rows = rows,
                            .cols = cols,
                            .src_row_stride = cols,
                            .dst_row_stride = rows};
        const ckpt_backend *cuda;

        ck_assert(rows * cols * size > INT64_C(1) << 31 && rows * cols * size < BIG);
        if (!giant_init(&g))
                return;
        cuda = g.cuda;
        d.src = g.src;
        d.dst = g.dst;
        OK(cuda->transpose(g.stream, &d, 1));
        for (int64_t col = 0; col < cols; col += col < cols - 200 ? 101 : 1) {
                for (int64_t i = 0; i < rows * size; i++)
                        g.want[i] = g.pattern[((i / size * cols + col) * size + i % size) % PATTERN];
                giant_compare(&g, col * rows * size, rows * size, rows * size);
        }
        giant_deinit(&g);
}
END_TEST

TCase *kernels_giants(void)
{
        TCase *giants = tcase_create("giants");

        tcase_set_timeout(giants, 240);
        tcase_add_test(giants, giant_cast);
        tcase_add_test(giants, giant_strided_cast);
        tcase_add_test(giants, giant_copies);
        tcase_add_loop_test(giants, giant_transpose, 0, 3);
        return giants;
}
