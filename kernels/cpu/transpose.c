/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Batched transpose by square blocks that fit in the first-level cache on both sides, so
 * that each cache line of the side that is walked across is used whole before it leaves.
 */

#include <errno.h>

#include "cpu.h"

#define BLOCK 32

typedef struct block {
        uint8_t *dst;
        const uint8_t *src;
        int64_t dst_pitch, src_pitch; /* bytes between rows */
        int64_t rows, cols;           /* of the source's block */
} block;

#define TRANSPOSE_BLOCK(type)                         \
        for (int64_t c = 0; c < b->cols; c++)         \
                for (int64_t r = 0; r < b->rows; r++) \
        ((type *)(b->dst + c * b->dst_pitch))[r] = ((const type *)(b->src + r * b->src_pitch))[c]

static void transpose_block(const block *b, uint32_t elem_size)
{
        switch (elem_size) {
        case 1:
                TRANSPOSE_BLOCK(uint8_t);
                break;
        case 2:
                TRANSPOSE_BLOCK(ckpt_any_u16);
                break;
        case 4:
                TRANSPOSE_BLOCK(ckpt_any_u32);
                break;
        case 8:
                TRANSPOSE_BLOCK(ckpt_any_u64);
                break;
        default:
                TRANSPOSE_BLOCK(ckpt_any_u128);
                break;
        }
}

static int64_t at_most(int64_t value, int64_t limit)
{
        return value < limit ? value : limit;
}

static void transpose_matrix(const ckpt_transpose *t, uint8_t *dst, const uint8_t *src)
{
        const int64_t size = t->elem_size;
        block b = {.dst_pitch = t->dst_row_stride * size, .src_pitch = t->src_row_stride * size};

        for (int64_t row = 0; row < t->rows; row += BLOCK)
                for (int64_t col = 0; col < t->cols; col += BLOCK) {
                        b.dst = dst + col * b.dst_pitch + row * size;
                        b.src = src + row * b.src_pitch + col * size;
                        b.rows = at_most(t->rows - row, BLOCK);
                        b.cols = at_most(t->cols - col, BLOCK);
                        transpose_block(&b, t->elem_size);
                }
}

int32_t ckpt_cpu_transpose(ckpt_stream *stream, const ckpt_transpose *descriptors, uint32_t count)
{
        (void)stream;
        for (uint32_t i = 0; i < count; i++) {
                const ckpt_transpose *t = &descriptors[i];
                const int r = ckpt_transpose_check(t);

                if (r < 0)
                        return -EINVAL;
                for (int64_t n = 0; r > 0 && n < t->batch; n++)
                        transpose_matrix(t, (uint8_t *)t->dst + n * t->dst_batch_stride * t->elem_size,
                                         (const uint8_t *)t->src + n * t->src_batch_stride * t->elem_size);
        }
        return 0;
}
