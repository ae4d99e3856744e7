/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Extents: which ranges of the checkpoint are read for a parameter, for those who look at a plan
 *
 * Rows of a large tensor are hundreds of thousands of ranges, so rows that lie apart stay one extent. Only
 * where they mingle with others is there an extent for each.
 */

#include <stdlib.h>

#include "core/plan/plan.h"

static int compare_extents(const void *a, const void *b)
{
        const ckpt_extent *x = a, *y = b;

        if (x->place->kind != y->place->kind)
                return x->place->kind < y->place->kind ? -1 : 1;
        if (x->place->object != y->place->object)
                return x->place->object < y->place->object ? -1 : 1;
        if (x->place->source != y->place->source)
                return x->place->source < y->place->source ? -1 : 1;
        if (x->place->kind != CKPT_PLACE_OBJECT && x->place != y->place)
                return x->place < y->place ? -1 : 1;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* As they mostly are. */
static bool in_order(const ckpt_extent *items, uint64_t count)
{
        for (uint64_t i = 1; i < count; i++)
                if (compare_extents(&items[i - 1], &items[i]) > 0)
                        return false;
        return true;
}

static bool same_bytes(const ckpt_extent *a, const ckpt_extent *b)
{
        if (a->place == b->place)
                return true;
        return a->place->kind == CKPT_PLACE_OBJECT && b->place->kind == CKPT_PLACE_OBJECT &&
               a->place->object == b->place->object && a->place->source == b->place->source;
}

static uint64_t end_of(const ckpt_extent *extent)
{
        return extent->offset + (extent->rows - 1) * extent->pitch + extent->size;
}

/* ---- of reads ---- */

static ckpt_status add_rows(ckpt_plan *plan, const ckpt_read *read)
{
        ckpt_extent extent = {.place = read->place, .size = read->row_bytes, .rows = 1};
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < read->rows && r == CKPT_OK; i++) {
                extent.offset = read->offset + i * read->src_pitch;
                r = ckpt_array_push(&plan->extents, extent);
        }
        return r;
}

static ckpt_status add_read(ckpt_plan *plan, const ckpt_read *read, bool row_by_row)
{
        const bool is_range = ckpt_read_is_range(read);
        const ckpt_extent extent = {
                .place = read->place,
                .offset = read->offset,
                .size = is_range ? read->row_bytes * read->rows : read->row_bytes,
                .pitch = read->src_pitch,
                .rows = is_range ? 1 : read->rows,
        };

        /* Rows that touch or overlap are no extent of their own. */
        if (!is_range && (row_by_row || read->src_pitch <= read->row_bytes))
                return add_rows(plan, read);
        return ckpt_array_push(&plan->extents, extent);
}

/* ---- of a parameter ---- */

static ckpt_status list(ckpt_plan *plan, const ckpt_target *target, uint64_t first_read, bool row_by_row)
{
        ckpt_extent *items;
        uint64_t count;

        plan->extents.count = target->first_extent;
        for (uint64_t i = first_read; i < plan->reads.count; i++) {
                const ckpt_status r = add_read(plan, &plan->reads.items[i], row_by_row);

                if (r)
                        return r;
        }
        items = plan->extents.items + target->first_extent;
        count = plan->extents.count - target->first_extent;
        if (!in_order(items, count))
                qsort(items, count, sizeof(*items), compare_extents);
        return CKPT_OK;
}

/* Rows that go on where the last ones ended, as a tensor's do that was cut across its rows. */
static bool continue_rows(ckpt_extent *last, const ckpt_extent *extent)
{
        const uint64_t pitch = last->rows > 1 ? last->pitch : extent->pitch;

        if (extent->size != last->size || extent->offset - last->offset != last->rows * pitch ||
            (last->rows == 1 && extent->rows == 1) || (extent->rows > 1 && extent->pitch != pitch))
                return false;
        last->pitch = pitch;
        last->rows += extent->rows;
        return true;
}

/* Those that touch become one. False: rows touch others, and are to be listed one by one. */
static bool merge(ckpt_plan *plan, ckpt_target *target)
{
        ckpt_extent *items = plan->extents.items;
        uint64_t kept = target->first_extent;

        target->n_ranges = 0;
        for (uint64_t i = target->first_extent; i < plan->extents.count; i++) {
                ckpt_extent *last = kept > target->first_extent ? &items[kept - 1] : NULL;
                const bool follows = last && same_bytes(last, &items[i]);
                const uint64_t end = end_of(&items[i]);

                if (!follows || items[i].offset > end_of(last)) {
                        target->n_ranges += items[i].rows;
                        if (!follows || !continue_rows(last, &items[i]))
                                items[kept++] = items[i];
                        continue;
                }
                if (last->rows > 1 || items[i].rows > 1)
                        return false;
                if (end > end_of(last))
                        last->size = end - last->offset;
        }
        plan->extents.count = kept;
        target->n_extents = kept - target->first_extent;
        return true;
}

ckpt_status ckpt_plan_list_extents(ckpt_plan *plan, ckpt_target *target, uint64_t first_read)
{
        ckpt_status r;

        target->first_extent = plan->extents.count;
        r = list(plan, target, first_read, false);
        if (r || merge(plan, target))
                return r;
        r = list(plan, target, first_read, true);
        if (r == CKPT_OK)
                (void)merge(plan, target); /* single rows always can be */
        return r;
}

void ckpt_plan_find_range(const ckpt_plan *plan, const ckpt_target *target, uint64_t index,
                          const ckpt_extent **ret_extent, uint64_t *ret_row)
{
        const ckpt_extent *extent = plan->extents.items + target->first_extent;

        if (target->n_ranges == target->n_extents) {
                extent += index;
                index = 0;
        }
        /* Few: a tensor's rows are one extent, in however many pieces it is read. */
        for (; index >= extent->rows; extent++)
                index -= extent->rows;
        *ret_extent = extent;
        *ret_row = index;
}
