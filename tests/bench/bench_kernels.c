/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast the kernels are, as bytes read and written a second, beside the same table's
 * copy_on_device. Medians of several samples, each of several passes.
 *
 *     bench-kernels [cpu|cuda] [MiB of source]
 *
 * `cuda` finds its library as the device tests do (CKPT_CUDA_BACKEND).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../device/test_kernels_open.h"

#define SAMPLES 15

typedef struct bench {
        const ckpt_backend *backend;
        ckpt_device *device;
        ckpt_stream *stream;
        uint8_t *src, *dst;
        uint64_t size; /* of each */
        int passes;
        double copy_rate;
} bench;

/** A line of the table, and what its pass needs to know. */
typedef struct table_row {
        const char *name;
        int32_t (*run)(const bench *b, const struct table_row *row, uint64_t *ret_bytes);
        ckpt_dtype from, to;
        ckpt_elementwise_kind kind;
        uint32_t elem_size;
} table_row;

static double now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int32_t pass_copy(const bench *b, const table_row *row, uint64_t *ret_bytes)
{
        (void)row;
        *ret_bytes = 2 * b->size;
        return b->backend->copy_on_device(b->stream, b->dst, b->src, b->size);
}

static int32_t pass_flat(const bench *b, const table_row *row, uint64_t *ret_bytes)
{
        const int64_t n = (int64_t)b->size / 2;
        const ckpt_strided_copy d = {.dst = b->dst,
                                     .src = b->src,
                                     .elem_size = 2,
                                     .rank = 1,
                                     .dst_shape = {n},
                                     .src_shape = {n},
                                     .dst_stride = {1},
                                     .src_stride = {1}};

        (void)row;
        *ret_bytes = 2 * b->size;
        return b->backend->strided_copy(b->stream, &d, 1);
}

/* A column shard: half of every row of 8192 bfloat16. */
static int32_t pass_columns(const bench *b, const table_row *row, uint64_t *ret_bytes)
{
        const int64_t rows = (int64_t)b->size / 16384;
        const ckpt_strided_copy d = {.dst = b->dst,
                                     .src = b->src,
                                     .elem_size = 2,
                                     .rank = 2,
                                     .dst_shape = {rows, 4096},
                                     .src_shape = {rows, 4096},
                                     .dst_stride = {4096, 1},
                                     .src_stride = {8192, 1}};

        (void)row;
        *ret_bytes = (uint64_t)rows * 16384;
        return b->backend->strided_copy(b->stream, &d, 1);
}

static int32_t pass_chain(const bench *b, const table_row *row, uint64_t *ret_bytes)
{
        const uint64_t from_size = ckpt_dtype_bits(row->from) / 8, to_size = ckpt_dtype_bits(row->to) / 8;
        const int64_t n = (int64_t)(b->size / (from_size > to_size ? from_size : to_size));
        const ckpt_elementwise d = {.dst = b->dst,
                                    .src = b->src,
                                    .dst_dtype = row->to,
                                    .src_dtype = row->from,
                                    .n_ops = 1,
                                    .rank = 1,
                                    .ops = {{row->kind, row->to, 1.0}},
                                    .shape = {n},
                                    .dst_stride = {1},
                                    .src_stride = {1}};

        *ret_bytes = (uint64_t)n * (from_size + to_size);
        return b->backend->elementwise(b->stream, &d, 1);
}

static int32_t pass_transpose(const bench *b, const table_row *row, uint64_t *ret_bytes)
{
        const int64_t cols = 4096, rows = (int64_t)(b->size / 4096 / row->elem_size);
        const ckpt_transpose d = {.dst = b->dst,
                                  .src = b->src,
                                  .elem_size = row->elem_size,
                                  .batch = 1,
                                  .rows = rows,
                                  .cols = cols,
                                  .src_row_stride = cols,
                                  .dst_row_stride = rows};

        *ret_bytes = 2 * (uint64_t)rows * 4096 * row->elem_size;
        return b->backend->transpose(b->stream, &d, 1);
}

#define CAST(from, to)                                                                    \
        {                                                                                 \
                "cast " #from " to " #to, pass_chain, CKPT_DTYPE_##from, CKPT_DTYPE_##to, \
                        CKPT_ELEMENTWISE_CAST, 0                                          \
        }
#define ADD(dtype)                                                                    \
        {                                                                             \
                "add 1, " #dtype, pass_chain, CKPT_DTYPE_##dtype, CKPT_DTYPE_##dtype, \
                        CKPT_ELEMENTWISE_ADD_SCALAR, 0                                \
        }

static const table_row rows[] = {
        {.name = "copy_on_device", .run = pass_copy},
        {.name = "strided copy, contiguous", .run = pass_flat},
        {.name = "strided copy, half rows", .run = pass_columns},
        CAST(F32, BF16),
        CAST(F32, F16),
        CAST(BF16, F32),
        CAST(F16, BF16),
        CAST(F8_E4M3, F32),
        CAST(F8_E4M3, BF16),
        CAST(F8_E4M3, F16),
        CAST(F8_E5M2, BF16),
        CAST(F32, F8_E4M3),
        CAST(BF16, F8_E4M3),
        CAST(F16, F8_E4M3),
        CAST(BF16, F8_E5M2),
        ADD(BF16),
        ADD(F16),
        {.name = "transpose, 1 byte", .run = pass_transpose, .elem_size = 1},
        {.name = "transpose, 2 bytes", .run = pass_transpose, .elem_size = 2},
        {.name = "transpose, 4 bytes", .run = pass_transpose, .elem_size = 4},
        {.name = "transpose, 8 bytes", .run = pass_transpose, .elem_size = 8},
};

static int compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* GB/s; 0 for a failure, which is printed. */
static double measure(const bench *b, const table_row *row)
{
        double seconds[SAMPLES];
        uint64_t bytes = 0;

        for (int i = -1; i < SAMPLES; i++) { /* -1: warm */
                const double start = now();
                int32_t r = 0;

                for (int k = 0; k < b->passes && r == 0; k++)
                        r = row->run(b, row, &bytes);
                if (r == 0)
                        r = b->backend->stream_synchronize(b->stream);
                if (r < 0) {
                        printf("failed: %s\n", b->backend->describe(r));
                        return 0;
                }
                if (i >= 0)
                        seconds[i] = (now() - start) / b->passes;
        }
        qsort(seconds, SAMPLES, sizeof(seconds[0]), compare);
        return (double)bytes / seconds[SAMPLES / 2] / 1e9;
}

static int run_all(bench *b)
{
        printf("%-28s %10s %8s\n", b->backend->name, "GB/s", "of copy");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const double rate = measure(b, &rows[i]);

                if (rate == 0)
                        return EXIT_FAILURE;
                if (i == 0)
                        b->copy_rate = rate;
                printf("%-28s %10.1f %7.0f%%\n", rows[i].name, rate, 100 * rate / b->copy_rate);
        }
        return EXIT_SUCCESS;
}

/* Random bytes: of zeros every element is the same, and a table would be read at one place alone. */
static int32_t fill_random(const bench *b)
{
        static uint32_t some[1 << 20];
        uint32_t x = 2463534242u;
        int32_t r = 0;

        for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
                x ^= x << 13;
                x ^= x >> 17;
                x ^= x << 5;
                some[i] = x;
        }
        for (uint64_t at = 0; at < b->size && r == 0; at += sizeof(some))
                r = b->backend->copy_to_device(b->stream, b->src + at, some,
                                               b->size - at < sizeof(some) ? b->size - at : sizeof(some));
        return r == 0 ? b->backend->stream_synchronize(b->stream) : r;
}

static int32_t prepare(bench *b)
{
        int32_t r = b->backend->open(0, &b->device);

        if (r == 0)
                r = b->backend->stream_new(b->device, &b->stream);
        if (r == 0)
                r = b->backend->alloc(b->device, b->size, (void **)&b->src);
        if (r == 0)
                r = b->backend->alloc(b->device, b->size, (void **)&b->dst);
        if (r == 0)
                r = fill_random(b);
        if (r == 0)
                r = b->backend->fill_zero(b->stream, b->dst, b->size);
        if (r == 0)
                r = b->backend->stream_synchronize(b->stream);
        return r;
}

int main(int argc, char **argv)
{
        const bool on_cpu = argc > 1 && strcmp(argv[1], "cpu") == 0;
        const unsigned long long mib = argc > 2 ? strtoull(argv[2], NULL, 10) : on_cpu ? 256 : 2048;
        bench b = {.backend = &ckpt_backend_cpu, .size = mib << 20, .passes = on_cpu ? 1 : 5};
        char why[4200];
        int32_t r;
        int result;

        if (mib == 0 || mib > 1u << 20) {
                fprintf(stderr, "usage: %s [cpu|cuda] [MiB of source]\n", argv[0]);
                return 2;
        }
        if (!on_cpu)
                b.backend = kernels_open(why, sizeof(why));
        if (b.backend == NULL) {
                printf("skipped: %s\n", why);
                return 77;
        }
        r = prepare(&b);
        if (r < 0) {
                fprintf(stderr, "cannot prepare: %s\n", b.backend->describe(r));
                return EXIT_FAILURE;
        }
        result = run_all(&b);
        b.backend->free(b.device, b.src, b.size);
        b.backend->free(b.device, b.dst, b.size);
        b.backend->stream_free(b.stream);
        b.backend->close(b.device);
        return result;
}
