/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies to a device that the host cannot write to: of an image to its mirror, or of its pieces to their places
 *
 * Ranges go as one list, also those of several slots: what a copy costs the bus beside its bytes, a list of
 * copies costs once.
 */

#include "core/execute/execution.h"

struct copying {
        ckpt_execution *execution;
        ckpt_lane *lane;
        uint64_t param; /* for messages */
        ckpt_host_copy list[CKPT_HOST_COPIES_MAX];
        uint32_t count;
};

static ckpt_status copy_done(const struct copying *copying, int32_t error, uint64_t bytes)
{
        ckpt_execute_counters *counters = copying->execution->counters;

        atomic_fetch_add_explicit(&counters->copies, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&counters->bytes_to_device, bytes, memory_order_relaxed);
        return error ? ckpt_execute_device_fail(copying->execution, error, "copying to the device",
                                                copying->param)
                     : CKPT_OK;
}

static ckpt_status copy_list(struct copying *copying)
{
        const ckpt_backend *backend = copying->execution->options->backend;
        uint64_t bytes = 0;
        int32_t error;

        if (copying->count == 0)
                return CKPT_OK;
        for (uint32_t i = 0; i < copying->count; i++)
                bytes += copying->list[i].size;
        error = backend->copy_list_to_device(copying->lane->stream, copying->list, copying->count);
        copying->count = 0;
        return copy_done(copying, error, bytes);
}

static ckpt_status copy_rows(const struct copying *copying, const ckpt_read *read, const uint8_t *from,
                             uint8_t *to)
{
        const ckpt_backend *backend = copying->execution->options->backend;

        return copy_done(copying,
                         backend->copy_rows_to_device(copying->lane->stream, to, read->dst_pitch, from,
                                                      read->row_bytes, read->row_bytes, read->rows),
                         read->row_bytes * read->rows);
}

static ckpt_status add_read(struct copying *copying, const ckpt_slot *slot, const ckpt_read *read)
{
        const uint8_t *from = slot->source + read->image_offset;
        uint8_t *target = copying->execution->options->data[read->param];

        if (!ckpt_read_lands_packed(read))
                return copy_rows(copying, read, from, target + read->dst_offset);
        copying->list[copying->count++] = (ckpt_host_copy){
                .dst = target + read->dst_offset, .src = from, .size = read->row_bytes * read->rows};
        return copying->count == CKPT_HOST_COPIES_MAX ? copy_list(copying) : CKPT_OK;
}

static ckpt_status add_slot(struct copying *copying, const ckpt_slot *slot)
{
        const ckpt_plan *plan = copying->execution->plan;
        const ckpt_chunk *chunk = slot->chunk;
        ckpt_status r = CKPT_OK;

        for (uint64_t t = 0; t < chunk->n_tiles; t++) {
                const ckpt_tile *tile = &plan->tiles.items[chunk->first_tile + t];

                for (uint64_t i = 0; i < tile->n_reads && r == CKPT_OK; i++)
                        r = add_read(copying, slot, &plan->reads.items[tile->first_read + i]);
        }
        return r;
}

ckpt_status ckpt_copy_pieces(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *const *slots,
                             uint32_t count)
{
        /* Which one of several a list failed for is not known. */
        struct copying copying = {.execution = execution,
                                  .lane = lane,
                                  .param = count == 1 ? ckpt_chunk_param(execution, slots[0]) : UINT64_MAX};
        ckpt_status r = CKPT_OK;

        for (uint32_t i = 0; i < count && r == CKPT_OK; i++)
                r = add_slot(&copying, slots[i]);
        return r ? r : copy_list(&copying);
}

ckpt_status ckpt_copy_image(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        const ckpt_run *runs = &execution->plan->runs.items[slot->chunk->first_run];
        const struct copying copying = {
                .execution = execution, .lane = lane, .param = ckpt_chunk_param(execution, slot)};
        /* A window has no bytes but those of its range. */
        const uint64_t first = slot->window ? runs[0].image_offset : 0;
        const uint64_t bytes = slot->window ? runs[0].row_bytes : slot->chunk->image_bytes;

        return copy_done(&copying,
                         execution->options->backend->copy_to_device(lane->stream, slot->device + first,
                                                                     slot->source + first, bytes),
                         bytes);
}
