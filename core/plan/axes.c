/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Merging the axes of a copy
 */

#include "core/plan/emit.h"

/* Outermost first: stride 0 (repetition) before everything, then falling source strides. */
static bool goes_before(int64_t a, int64_t b)
{
        return (a == 0 && b != 0) || (a != 0 && b != 0 && a > b);
}

static void insert_axis(ckpt_axes *axes, int64_t size, int64_t dst, int64_t src)
{
        uint32_t at = axes->count++;

        for (; at > 0 && goes_before(src, axes->src[at - 1]); at--) {
                axes->size[at] = axes->size[at - 1];
                axes->dst[at] = axes->dst[at - 1];
                axes->src[at] = axes->src[at - 1];
        }
        axes->size[at] = size;
        axes->dst[at] = dst;
        axes->src[at] = src;
}

static void merge_axes(ckpt_axes *axes)
{
        uint32_t last = 0;

        for (uint32_t i = 1; i < axes->count; i++) {
                if (axes->src[last] == axes->src[i] * axes->size[i] &&
                    axes->dst[last] == axes->dst[i] * axes->size[i]) {
                        axes->size[last] *= axes->size[i];
                } else {
                        last++;
                        axes->size[last] = axes->size[i];
                }
                axes->src[last] = axes->src[i];
                axes->dst[last] = axes->dst[i];
        }
        if (axes->count > 0)
                axes->count = last + 1;
}

void ckpt_axes_init(ckpt_axes *axes, uint32_t rank, const int64_t *sizes, const int64_t *dst,
                    const int64_t *src)
{
        axes->count = 0;
        for (uint32_t i = 0; i < rank; i++)
                if (sizes[i] != 1)
                        insert_axis(axes, sizes[i], dst[i], src[i]);
        merge_axes(axes);
}

bool ckpt_axes_to_bytes(ckpt_axes *axes, uint32_t bits)
{
        const uint32_t last = axes->count - 1;

        if (bits % 8 == 0)
                return true;
        /* One element alone is less than a byte. */
        if (axes->count == 0)
                return false;
        for (uint32_t i = 0; i < last; i++) {
                if (axes->dst[i] * bits % 8 != 0 || axes->src[i] * bits % 8 != 0)
                        return false;
                axes->dst[i] = axes->dst[i] * bits / 8;
                axes->src[i] = axes->src[i] * bits / 8;
        }
        if (axes->src[last] != 1 || axes->dst[last] != 1 || axes->size[last] * bits % 8 != 0)
                return false;
        axes->size[last] = axes->size[last] * bits / 8;
        return true;
}
