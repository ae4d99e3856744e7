/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parameters that are bytes of a file as they stand: these can be that file's own pages, mapped
 *
 * The parameter is planned like any other; when all that came of it is one range read to its place in order,
 * the reads are dropped again and the range is kept.
 */

#include "core/plan/emit.h"

static bool continues(const ckpt_read *before, const ckpt_read *read)
{
        const uint64_t size = before->row_bytes * before->rows;

        return read->offset == before->offset + size && read->dst_offset == before->dst_offset + size;
}

static bool is_plain(const ckpt_read *read)
{
        return read->space == CKPT_SPACE_TARGET && read->place->kind == CKPT_PLACE_OBJECT && !read->swap &&
               ckpt_read_is_range(read) && ckpt_read_lands_packed(read);
}

/* The first read of a target whose reads are one range; NULL: they are not. */
static const ckpt_read *find_range(const ckpt_plan *plan, const ckpt_target *target, uint64_t first_read)
{
        const ckpt_read *reads = plan->reads.items + first_read;
        const uint64_t count = plan->reads.count - first_read;
        uint64_t size = 0;

        if (target->buffer || target->n_steps > 0 || count == 0 || reads[0].dst_offset != 0)
                return NULL;
        for (uint64_t i = 0; i < count; i++) {
                if (!is_plain(&reads[i]) || (i > 0 && !continues(&reads[i - 1], &reads[i])))
                        return NULL;
                size += reads[i].row_bytes * reads[i].rows;
        }
        return size == target->size ? &reads[0] : NULL;
}

void ckpt_plan_map_target(ckpt_plan *plan, ckpt_target *target, uint64_t first_read, ckpt_dtype dtype)
{
        const ckpt_read *range = find_range(plan, target, first_read);

        if (!range || range->offset % ((ckpt_dtype_bits(dtype) + 7) / 8) != 0)
                return;
        target->mapped = range->place;
        target->mapped_offset = range->offset;
        target->n_tiles = target->n_reads = 0;
        plan->arena_bytes = target->offset;
        plan->tiles.count = target->first_tile;
        plan->reads.count = first_read;
}
