/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Simplifying a walk: dropping, ordering and merging its axes. Nothing here depends on
 * a device: it is built into both backends, each with its own copy.
 */

#include <stddef.h>
#include <string.h>

#include "walk.h"

/* Room is left for the sums of addresses that a walk forms: no size comes near the end of int64. */
static bool product_fits(const int64_t *shape, uint32_t rank, int64_t size)
{
        int64_t total = size;

        for (uint32_t i = 0; i < rank; i++)
                if (__builtin_mul_overflow(total, shape[i], &total) || total > INT64_MAX / 4)
                        return false;
        return true;
}

bool ckpt_walk_steps_fit(const int64_t *shape, const int64_t *stride, uint32_t rank, int64_t size)
{
        for (uint32_t i = 0; i < rank; i++) {
                int64_t reach;

                if (__builtin_mul_overflow(stride[i], size, &reach) ||
                    __builtin_mul_overflow(reach, shape[i] > 0 ? shape[i] : 1, &reach) ||
                    reach > INT64_MAX / 32 || reach < -(INT64_MAX / 32))
                        return false;
        }
        return true;
}

/* -1 invalid, 0 empty, 1 something to do. */
int ckpt_walk_check_shape(const int64_t *shape, uint32_t rank, int64_t size)
{
        bool empty = false;

        if (rank > CKPT_KERNEL_RANK)
                return -1;
        for (uint32_t i = 0; i < rank; i++) {
                if (shape[i] < 0)
                        return -1;
                empty = empty || shape[i] == 0;
        }
        if (empty)
                return 0;
        return product_fits(shape, rank, size) ? 1 : -1;
}

/* Axes of extent 1 go, unless the source lacks even that one. */
static void drop_ones(ckpt_walk *walk)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < walk->rank; i++) {
                if (walk->shape[i] == 1 && walk->inside[i] == 1)
                        continue;
                walk->shape[n] = walk->shape[i];
                walk->inside[n] = walk->inside[i];
                walk->dst_step[n] = walk->dst_step[i];
                walk->src_step[n] = walk->src_step[i];
                n++;
        }
        walk->rank = n;
}

static void swap_axes(ckpt_walk *walk, uint32_t a, uint32_t b)
{
        int64_t *const rows[] = {walk->shape, walk->inside, walk->dst_step, walk->src_step};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const int64_t kept = rows[i][a];

                rows[i][a] = rows[i][b];
                rows[i][b] = kept;
        }
}

/* Insertion sort, largest destination step first: writes run forwards whatever the axes' order was. */
static void sort_axes(ckpt_walk *walk)
{
        for (uint32_t i = 1; i < walk->rank; i++)
                for (uint32_t k = i; k > 0 && walk->dst_step[k - 1] < walk->dst_step[k]; k--)
                        swap_axes(walk, k - 1, k);
}

/* Two neighbours are one axis when a full inner pass ends where the next outer one starts. */
static void merge_axes(ckpt_walk *walk)
{
        uint32_t last = 0;

        for (uint32_t i = 1; i < walk->rank; i++) {
                const int64_t n = walk->shape[i];

                if (walk->inside[i] == n && walk->dst_step[last] == walk->dst_step[i] * n &&
                    (walk->src == NULL || walk->src_step[last] == walk->src_step[i] * n)) {
                        walk->shape[last] *= n;
                        walk->inside[last] *= n;
                } else {
                        last++;
                        walk->shape[last] = n;
                        walk->inside[last] = walk->inside[i];
                }
                walk->dst_step[last] = walk->dst_step[i];
                walk->src_step[last] = walk->src_step[i];
        }
        walk->rank = last + 1;
}

/* Turns the innermost axis, which counts bytes, into one that counts the widest unit. */
static void widen(ckpt_walk *walk)
{
        const uint32_t inner = walk->rank - 1;
        uint64_t all = (uint64_t)(uintptr_t)walk->dst | (uint64_t)walk->shape[inner];

        for (uint32_t i = 0; i < inner; i++)
                all |= (uint64_t)walk->dst_step[i];
        if (walk->src != NULL) {
                all |= (uint64_t)(uintptr_t)walk->src | (uint64_t)walk->inside[inner];
                for (uint32_t i = 0; i < inner; i++)
                        all |= (uint64_t)walk->src_step[i];
        }
        walk->unit = ckpt_unit_of(all);
        walk->shape[inner] /= walk->unit;
        walk->inside[inner] /= walk->unit;
        walk->dst_step[inner] = walk->unit;
        walk->src_step[inner] = walk->unit;
        if (walk->shape[inner] == 1 && walk->inside[inner] == 1 && walk->rank > 1)
                walk->rank--;
}

/* Adds the axis of an element's bytes, then simplifies. */
void ckpt_walk_finish_copy(ckpt_walk *walk, uint32_t elem_size)
{
        for (uint32_t i = 0; i < walk->rank; i++)
                if (walk->inside[i] == 0)
                        walk->src = NULL;
        if (walk->src == NULL)
                memcpy(walk->inside, walk->shape, sizeof(walk->inside));
        drop_ones(walk);
        sort_axes(walk);
        walk->shape[walk->rank] = elem_size;
        walk->inside[walk->rank] = elem_size;
        walk->dst_step[walk->rank] = 1;
        walk->src_step[walk->rank] = 1;
        walk->rank++;
        merge_axes(walk);
        widen(walk);
}

bool ckpt_walk_steps_positive(const int64_t *shape, const int64_t *step, uint32_t rank)
{
        for (uint32_t i = 0; i < rank; i++)
                if (shape[i] > 1 && step[i] <= 0)
                        return false;
        return true;
}

void ckpt_walk_finish_elementwise(ckpt_walk *walk, uint32_t dst_size, uint32_t src_size)
{
        drop_ones(walk);
        if (walk->rank == 0) {
                walk->rank = 1;
                walk->shape[0] = 1;
                walk->inside[0] = 1;
                walk->dst_step[0] = dst_size;
                walk->src_step[0] = src_size;
        }
        sort_axes(walk);
        merge_axes(walk);
}
