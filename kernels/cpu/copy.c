/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Data movement: strided copies, block repeats (a strided copy whose source stands still
 * on one axis) and gathers. A contiguous innermost axis is one memcpy.
 */

#include <errno.h>
#include <string.h>

#include "cpu.h"

#define COPY_UNITS(type)                \
        for (int64_t i = 0; i < n; i++) \
        *(type *)(dst + i * dst_step) = *(const type *)(src + i * src_step)

static void copy_row(uint8_t *dst, int64_t dst_step, const uint8_t *src, int64_t src_step, uint32_t unit,
                     int64_t n)
{
        if (dst_step == (int64_t)unit && src_step == (int64_t)unit) {
                memcpy(dst, src, (size_t)n * unit);
                return;
        }
        switch (unit) {
        case 1:
                COPY_UNITS(uint8_t);
                break;
        case 2:
                COPY_UNITS(ckpt_any_u16);
                break;
        case 4:
                COPY_UNITS(ckpt_any_u32);
                break;
        case 8:
                COPY_UNITS(ckpt_any_u64);
                break;
        default:
                COPY_UNITS(ckpt_any_u128);
                break;
        }
}

static void zero_row(uint8_t *dst, int64_t dst_step, uint32_t unit, int64_t n)
{
        if (dst_step == (int64_t)unit) {
                memset(dst, 0, (size_t)n * unit);
                return;
        }
        for (int64_t i = 0; i < n; i++)
                memset(dst + i * dst_step, 0, unit);
}

/* Units of this row that the source has: none when an outer axis is already past its end. */
static int64_t row_inside(const ckpt_walk *walk, const int64_t *index)
{
        if (walk->src == NULL)
                return 0;
        for (uint32_t i = 0; i + 1 < walk->rank; i++)
                if (index[i] >= walk->inside[i])
                        return 0;
        return walk->inside[walk->rank - 1];
}

void ckpt_cpu_walk_copy(const ckpt_walk *walk)
{
        const uint32_t inner = walk->rank - 1;
        const int64_t dst_step = walk->dst_step[inner], src_step = walk->src_step[inner];
        int64_t index[CKPT_WALK_RANK] = {0};

        do {
                const int64_t inside = row_inside(walk, index);
                int64_t dst = 0, src = 0;

                for (uint32_t i = 0; i < inner; i++) {
                        dst += index[i] * walk->dst_step[i];
                        src += index[i] * walk->src_step[i];
                }
                if (inside > 0)
                        copy_row(walk->dst + dst, dst_step, walk->src + src, src_step, walk->unit, inside);
                if (inside < walk->shape[inner])
                        zero_row(walk->dst + dst + inside * dst_step, dst_step, walk->unit,
                                 walk->shape[inner] - inside);
        } while (ckpt_cpu_advance(walk, inner, index));
}

int32_t ckpt_cpu_strided_copy(ckpt_stream *stream, const ckpt_strided_copy *descriptors, uint32_t count)
{
        (void)stream;
        for (uint32_t i = 0; i < count; i++) {
                ckpt_walk walk;
                const int r = ckpt_walk_strided_copy(&descriptors[i], &walk);

                if (r < 0)
                        return -EINVAL;
                if (r > 0)
                        ckpt_cpu_walk_copy(&walk);
        }
        return 0;
}

int32_t ckpt_cpu_repeat_blocks(ckpt_stream *stream, const ckpt_repeat_blocks *descriptors, uint32_t count)
{
        (void)stream;
        for (uint32_t i = 0; i < count; i++) {
                ckpt_walk walk;
                const int r = ckpt_walk_repeat_blocks(&descriptors[i], &walk);

                if (r < 0)
                        return -EINVAL;
                if (r > 0)
                        ckpt_cpu_walk_copy(&walk);
        }
        return 0;
}

int32_t ckpt_cpu_gather_rows(ckpt_stream *stream, const ckpt_gather_rows *descriptors, uint32_t count)
{
        (void)stream;
        for (uint32_t i = 0; i < count; i++) {
                const ckpt_gather_rows *g = &descriptors[i];
                const int r = ckpt_gather_rows_check(g);

                if (r < 0)
                        return -EINVAL;
                for (int64_t row = 0; r > 0 && row < g->n_rows; row++)
                        memcpy((uint8_t *)g->dst + row * g->dst_pitch,
                               (const uint8_t *)g->src + g->index[row] * g->src_pitch, (size_t)g->row_bytes);
        }
        return 0;
}
