/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the host does with what was read: waiting for it, turning bytes round, and, where it can write to the
 * final memory, bringing to its place what had to go through the image
 */

#include "core/execute/execution.h"

static void swap_elements(uint8_t *bytes, uint64_t size, uint32_t width)
{
        for (uint64_t at = 0; width > 0 && at + width <= size; at += width)
                for (uint32_t i = 0; i < width / 2; i++) {
                        const uint8_t byte = bytes[at + i];

                        bytes[at + i] = bytes[at + width - 1 - i];
                        bytes[at + width - 1 - i] = byte;
                }
}

static void swap_rows(uint8_t *first, const ckpt_read *read, uint64_t pitch)
{
        for (uint64_t row = 0; row < read->rows; row++)
                swap_elements(first + row * pitch, read->row_bytes, read->swap);
}

/* From the image to its place in memory that the host can write to. */
static void bring_to_place(const ckpt_read *read, const uint8_t *from, uint8_t *to)
{
        const uint64_t size = read->row_bytes * read->rows;

        if (ckpt_read_lands_packed(read)) {
                ckpt_populate(to, size);
                memcpy(to, from, size);
                return;
        }
        for (uint64_t row = 0; row < read->rows; row++)
                memcpy(to + row * read->dst_pitch, from + row * read->row_bytes, read->row_bytes);
}

static void land_read(ckpt_execution *execution, const ckpt_slot *slot, const ckpt_run *run,
                      const ckpt_read *read, bool in_image)
{
        const bool moves = execution->options->host_memory && read->space == CKPT_SPACE_TARGET;
        uint8_t *image = slot->host + read->image_offset;

        if (read->swap && in_image)
                swap_rows(image, read, run->image_pitch);
        else if (read->swap)
                swap_rows(ckpt_read_place(execution, slot, read), read, read->dst_pitch);
        if (moves && in_image)
                bring_to_place(read, image, ckpt_read_place(execution, slot, read));
}

ckpt_status ckpt_chunk_finish(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        const ckpt_plan *plan = execution->plan;

        for (uint64_t i = 0; i < slot->chunk->n_runs; i++) {
                const ckpt_run *run = &plan->runs.items[slot->chunk->first_run + i];
                const ckpt_status r = ckpt_io_finish(execution->io, &lane->io, &slot->requests[i]);

                if (r)
                        return r;
                for (uint64_t k = 0; k < run->n_reads; k++)
                        land_read(execution, slot, run, ckpt_run_read(plan, run, k),
                                  slot->requests[i].in_image);
        }
        return CKPT_OK;
}

bool ckpt_chunk_abandon(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        for (uint64_t i = 0; i < slot->chunk->n_runs; i++)
                (void)ckpt_io_finish(execution->io, &lane->io, &slot->requests[i]);
        return !ckpt_chunk_is_pending(slot);
}
