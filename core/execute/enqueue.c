/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A chunk on its way to a device that the host cannot write to
 *
 * A copy costs the bus as much as some hundred kilobytes do, whatever its size. So a chunk that has one or
 * two places to go to is copied there, and every other one is copied whole, and a kernel brings its pieces to
 * their places at the speed of the device's memory.
 */

#include "core/execute/execute.h"

ckpt_status ckpt_copy_done(ckpt_execution *execution, const ckpt_slot *slot, int32_t error, uint64_t bytes)
{
        atomic_fetch_add_explicit(&execution->counters->copies, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&execution->counters->bytes_to_device, bytes, memory_order_relaxed);
        return error ? ckpt_execute_device_fail(execution, error, "copying to the device",
                                                ckpt_chunk_param(execution, slot))
                     : CKPT_OK;
}

static ckpt_status copy_read(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot,
                             const ckpt_read *read)
{
        const ckpt_backend *backend = execution->options->backend;
        const uint64_t bytes = read->row_bytes * read->rows;
        const uint8_t *from = slot->source + read->image_offset;
        uint8_t *target = execution->options->data[read->param];
        int32_t error;

        if (ckpt_read_lands_packed(read))
                error = backend->copy_to_device(lane->stream, target + read->dst_offset, from, bytes);
        else
                error = backend->copy_rows_to_device(lane->stream, target + read->dst_offset, read->dst_pitch,
                                                     from, read->row_bytes, read->row_bytes, read->rows);
        return ckpt_copy_done(execution, slot, error, bytes);
}

static ckpt_status copy_reads(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        const ckpt_plan *plan = execution->plan;
        const ckpt_chunk *chunk = slot->chunk;
        ckpt_status r = CKPT_OK;

        for (uint64_t t = 0; t < chunk->n_tiles; t++) {
                const ckpt_tile *tile = &plan->tiles.items[chunk->first_tile + t];

                for (uint64_t i = 0; i < tile->n_reads && r == CKPT_OK; i++)
                        r = copy_read(execution, lane, slot, &plan->reads.items[tile->first_read + i]);
        }
        return r;
}

static ckpt_status copy_image(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        const ckpt_run *runs = &execution->plan->runs.items[slot->chunk->first_run];
        /* A window has no bytes but those of its range. */
        const uint64_t first = slot->window ? runs[0].image_offset : 0;
        const uint64_t bytes = slot->window ? runs[0].row_bytes : slot->chunk->image_bytes;

        return ckpt_copy_done(execution, slot,
                              execution->options->backend->copy_to_device(lane->stream, slot->device + first,
                                                                          slot->source + first, bytes),
                              bytes);
}

/* A window is one range: what goes to two places from there goes by the image. */
static bool mirrors_image(const ckpt_slot *slot)
{
        return slot->chunk->stages || slot->chunk->pieces > (slot->window ? 1 : CKPT_DIRECT_COPIES);
}

bool ckpt_chunk_only_copies(const ckpt_execution *execution, const ckpt_slot *slot)
{
        return !execution->options->host_memory && !mirrors_image(slot) && !slot->chunk->spreads &&
               slot->chunk->levels == 0;
}

ckpt_status ckpt_slot_record(ckpt_execution *execution, const ckpt_lane *lane, ckpt_slot *slot)
{
        const int32_t error = execution->options->backend->event_record(slot->event, lane->stream);

        if (error)
                return ckpt_execute_device_fail(execution, error, "recording an event",
                                                ckpt_chunk_param(execution, slot));
        slot->state = CKPT_SLOT_COPYING;
        return CKPT_OK;
}

ckpt_status ckpt_chunk_enqueue(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        const bool mirrors = mirrors_image(slot);
        ckpt_status r = CKPT_OK;

        if (execution->options->host_memory)
                return ckpt_chunk_run_steps(execution, lane, slot, false);
        if (mirrors && slot->chunk->image_bytes > 0)
                r = copy_image(execution, lane, slot);
        else if (!mirrors)
                r = copy_reads(execution, lane, slot);
        if (r == CKPT_OK)
                r = ckpt_chunk_run_steps(execution, lane, slot, mirrors);
        return r ? r : ckpt_slot_record(execution, lane, slot);
}
