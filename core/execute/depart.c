/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chunks that are a range or two on their way to the device, and nothing else: they go together
 *
 * What a copy costs the bus beside its bytes, one list of copies costs once.
 */

#include "core/execute/execute.h"

_Static_assert(CKPT_COMPANY *CKPT_DIRECT_COPIES <= CKPT_HOST_COPIES_MAX, "all that go together are one list");

static uint32_t list_copies(const ckpt_execution *execution, const ckpt_slot *slot, ckpt_host_copy *copies)
{
        const ckpt_plan *plan = execution->plan;
        const ckpt_chunk *chunk = slot->chunk;
        uint32_t count = 0;

        for (uint64_t t = 0; t < chunk->n_tiles; t++) {
                const ckpt_tile *tile = &plan->tiles.items[chunk->first_tile + t];

                for (uint64_t i = 0; i < tile->n_reads; i++) {
                        const ckpt_read *read = &plan->reads.items[tile->first_read + i];
                        uint8_t *target = execution->options->data[read->param];

                        copies[count++] = (ckpt_host_copy){.dst = target + read->dst_offset,
                                                           .src = slot->source + read->image_offset,
                                                           .size = read->row_bytes * read->rows};
                }
        }
        return count;
}

static ckpt_status copy_list(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot,
                             const ckpt_host_copy *copies, uint32_t count)
{
        const int32_t error = execution->options->backend->copy_list_to_device(lane->stream, copies, count);
        uint64_t bytes = 0;

        for (uint32_t i = 0; i < count; i++)
                bytes += copies[i].size;
        return ckpt_copy_done(execution, slot, error, bytes);
}

ckpt_status ckpt_lane_depart(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_host_copy copies[CKPT_COMPANY * CKPT_DIRECT_COPIES];
        const ckpt_slot *first = NULL;
        uint32_t count = 0;
        ckpt_status r;

        for (uint32_t i = 0; i < lane->n_open; i++)
                if (lane->slots[i].state == CKPT_SLOT_READ) {
                        first = first ? first : &lane->slots[i];
                        count += list_copies(execution, &lane->slots[i], copies + count);
                }
        if (!first)
                return CKPT_OK;
        r = copy_list(execution, lane, first, copies, count);
        for (uint32_t i = 0; i < lane->n_open && r == CKPT_OK; i++)
                if (lane->slots[i].state == CKPT_SLOT_READ)
                        r = ckpt_slot_record(execution, lane, &lane->slots[i]);
        return r;
}
