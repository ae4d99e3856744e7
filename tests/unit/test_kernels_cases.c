/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How the random descriptors are drawn: small extents at many ranks and long rows at few,
 * half of them plain tensors, half with permuted axes, gaps, repeated or reversed axes,
 * and odd addresses.
 */

#include <string.h>

#include "test_kernels_cases.h"

uint64_t cases_random(cases *c)
{
        uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

int64_t cases_below(cases *c, int64_t limit)
{
        return (int64_t)(cases_random(c) % (uint64_t)limit);
}

static bool chance(cases *c, int percent)
{
        return cases_below(c, 100) < percent;
}

void cases_fill(uint64_t seed, void *memory, size_t size)
{
        cases c = {.state = seed};
        uint8_t *to = memory;

        for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
                const uint64_t bits = cases_random(&c);

                memcpy(to + i, &bits, size - i < sizeof(bits) ? size - i : sizeof(bits));
        }
}

void cases_fill_index(uint64_t seed, int64_t *index)
{
        cases c = {.state = seed};

        for (int i = 0; i < CASES_INDEX_COUNT; i++)
                index[i] = cases_below(&c, CASES_INDEX_LIMIT);
}

int64_t cases_first_difference(const uint8_t *got, const uint8_t *want, int64_t size)
{
        if (memcmp(got, want, (size_t)size) == 0)
                return -1;
        for (int64_t i = 0; i < size; i++)
                if (got[i] != want[i])
                        return i;
        return -1;
}

static int64_t draw_shape(cases *c, uint32_t rank, int64_t *shape)
{
        static const int64_t most[CKPT_KERNEL_RANK + 1] = {1, 9000, 90, 20, 9, 6, 4, 4, 3};
        int64_t total = 1;

        for (uint32_t i = 0; i < rank; i++) {
                shape[i] = chance(c, 1) ? 0 : 1 + cases_below(c, most[rank]);
                total *= shape[i];
        }
        return total;
}

/* Strides of a tensor, and how far its elements reach on both sides of the first one. */
static void draw_strides(cases *c, bool plain, bool source, uint32_t rank, const int64_t *shape,
                         int64_t *stride, int64_t *ret_below, int64_t *ret_above)
{
        uint32_t order[CKPT_KERNEL_RANK];
        int64_t step = plain || chance(c, 60) ? 1 : 1 + cases_below(c, 3);

        *ret_below = *ret_above = 0;
        for (uint32_t i = 0; i < rank; i++)
                order[i] = rank - 1 - i;
        for (uint32_t i = 1; i < rank && !plain; i++) {
                const uint32_t k = (uint32_t)cases_below(c, i + 1), kept = order[i];

                order[i] = order[k];
                order[k] = kept;
        }
        for (uint32_t i = 0; i < rank; i++) {
                const uint32_t axis = order[i];
                const int64_t reach = shape[axis] > 0 ? step * (shape[axis] - 1) : 0;

                stride[axis] = step;
                if (source && !plain && chance(c, 10))
                        stride[axis] = 0;
                else if (source && !plain && chance(c, 10))
                        stride[axis] = -step;
                if (stride[axis] < 0)
                        *ret_below += reach;
                else if (stride[axis] > 0)
                        *ret_above += reach;
                step *= shape[axis] > 0 ? shape[axis] : 1;
                if (!plain && chance(c, 25))
                        step += cases_below(c, 5);
        }
}

/* A destination of this many bytes, at an odd address now and then, with bytes left free around it. */
static void *take_dst(cases *c, int64_t size)
{
        const int64_t start = (c->dst_used + 32 + 63) / 64 * 64 + (chance(c, 60) ? 0 : cases_below(c, 33));

        if (start + size + 64 > c->dst_size)
                return NULL;
        c->dst_used = start + size;
        return c->dst + start;
}

/* An address in the source with this much room on both sides; NULL if the source has not that much. */
static const void *take_src(cases *c, int64_t below, int64_t above)
{
        const int64_t room = c->src_size - below - above - 64;
        int64_t start;

        if (room <= 0)
                return NULL;
        start = below + cases_below(c, room);
        return c->src + (chance(c, 60) ? start / 64 * 64 + (below + 63) / 64 * 64 : start);
}

bool cases_strided_copy(cases *c, ckpt_strided_copy *ret_copy)
{
        ckpt_strided_copy d = {.elem_size = 1u << cases_below(c, 5), .rank = (uint32_t)cases_below(c, 9)};
        const bool plain_dst = chance(c, 50), plain_src = chance(c, 50);
        const int64_t size = d.elem_size;
        int64_t below, above;

        draw_shape(c, d.rank, d.dst_shape);
        memcpy(d.src_shape, d.dst_shape, sizeof(d.src_shape));
        for (uint32_t i = 0; i < d.rank && chance(c, 40); i++)
                d.src_shape[i] -= d.src_shape[i] > 0 ? cases_below(c, d.src_shape[i] + 1) : 0;
        draw_strides(c, plain_src, true, d.rank, d.src_shape, d.src_stride, &below, &above);
        d.src = chance(c, 4) ? NULL : take_src(c, below * size, (above + 1) * size);
        draw_strides(c, plain_dst, false, d.rank, d.dst_shape, d.dst_stride, &below, &above);
        d.dst = take_dst(c, (above + 1) * size);
        *ret_copy = d;
        return d.dst != NULL;
}

static ckpt_dtype draw_dtype(cases *c)
{
        return (ckpt_dtype)(1 + cases_below(c, CKPT_DTYPE_COUNT - 1));
}

static void draw_ops(cases *c, bool with_exp, ckpt_elementwise *d)
{
        static const double values[] = {1.0, -1.0, 0.1, 3.0e-5, 1.5, -448.0, 0.0, 70000.0};
        ckpt_dtype dtype = d->src_dtype;
        const uint32_t wanted = (uint32_t)cases_below(c, CKPT_ELEMENTWISE_OPS + 1);

        while (d->n_ops < wanted) {
                ckpt_elementwise_op op = {.kind = CKPT_ELEMENTWISE_CAST, .dtype = draw_dtype(c)};

                if (ckpt_dtype_has_arithmetic(dtype) && chance(c, 50)) {
                        op.kind = (ckpt_elementwise_kind)(2 + cases_below(c, with_exp ? 3 : 2));
                        op.dtype = dtype;
                        op.value = values[cases_below(c, 8)];
                } else if (!ckpt_dtype_can_cast(dtype, op.dtype)) {
                        continue;
                }
                dtype = op.dtype;
                d->ops[d->n_ops++] = op;
        }
        d->dst_dtype = dtype;
}

bool cases_elementwise(cases *c, bool with_exp, ckpt_elementwise *ret_elementwise)
{
        ckpt_elementwise d = {.rank = (uint32_t)cases_below(c, 9)};
        const bool plain = chance(c, 50);
        int64_t below, above, size;

        /* Half of them the pairs that models are made of. */
        do
                d.src_dtype =
                        chance(c, 50) ? (ckpt_dtype)(CKPT_DTYPE_F16 + cases_below(c, 2)) : draw_dtype(c);
        while (ckpt_dtype_bits(d.src_dtype) % 8 != 0);
        draw_ops(c, with_exp, &d);
        draw_shape(c, d.rank, d.shape);
        draw_strides(c, plain, true, d.rank, d.shape, d.src_stride, &below, &above);
        size = ckpt_dtype_bits(d.src_dtype) / 8;
        d.src = take_src(c, below * size, (above + 1) * size);
        draw_strides(c, plain, false, d.rank, d.shape, d.dst_stride, &below, &above);
        size = ckpt_dtype_bits(d.dst_dtype) / 8;
        d.dst = take_dst(c, (above + 1) * size);
        *ret_elementwise = d;
        return d.dst != NULL;
}

bool cases_transpose(cases *c, ckpt_transpose *ret_transpose)
{
        ckpt_transpose d = {
                .elem_size = 1u << cases_below(c, 5),
                .batch = cases_below(c, 4),
                .rows = cases_below(c, 150),
                .cols = cases_below(c, 150),
        };
        const int64_t size = d.elem_size;

        d.src_row_stride = d.cols + cases_below(c, 3);
        d.src_batch_stride = d.rows * d.src_row_stride + cases_below(c, 3);
        d.dst_row_stride = d.rows + 1 + cases_below(c, 3);
        d.dst_batch_stride = d.cols * d.dst_row_stride + 1 + cases_below(c, 3);
        d.src = take_src(c, 0, (d.batch * d.src_batch_stride + 1) * size);
        d.dst = take_dst(c, (d.batch * d.dst_batch_stride + 1) * size);
        *ret_transpose = d;
        return d.dst != NULL;
}

bool cases_repeat_blocks(cases *c, ckpt_repeat_blocks *ret_repeat)
{
        ckpt_repeat_blocks d = {
                .blocks = cases_below(c, 6),
                .block_rows = cases_below(c, 20),
                .reps = cases_below(c, 5),
                .row_bytes = chance(c, 50) ? 16 * cases_below(c, 40) : cases_below(c, 700),
        };

        d.src_pitch = d.row_bytes + (chance(c, 50) ? 0 : cases_below(c, 20));
        d.dst_pitch = d.row_bytes + (chance(c, 50) ? 0 : cases_below(c, 20)) + (d.row_bytes == 0);
        d.src = take_src(c, 0, d.blocks * d.block_rows * d.src_pitch);
        d.dst = take_dst(c, d.blocks * d.block_rows * d.reps * d.dst_pitch);
        *ret_repeat = d;
        return d.dst != NULL;
}

bool cases_gather_rows(cases *c, ckpt_gather_rows *ret_gather)
{
        ckpt_gather_rows d = {
                .n_rows = cases_below(c, 200),
                .row_bytes = chance(c, 50) ? 16 * cases_below(c, 40) : cases_below(c, 700),
        };

        d.index = c->index + cases_below(c, CASES_INDEX_COUNT - d.n_rows);
        d.src_pitch = d.row_bytes + (chance(c, 50) ? 0 : cases_below(c, 20));
        d.dst_pitch = d.row_bytes + (chance(c, 50) ? 0 : cases_below(c, 20)) + (d.row_bytes == 0);
        d.src = take_src(c, 0, CASES_INDEX_LIMIT * d.src_pitch);
        d.dst = take_dst(c, d.n_rows * d.dst_pitch);
        *ret_gather = d;
        return d.dst != NULL;
}
