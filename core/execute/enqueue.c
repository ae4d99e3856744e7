/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A chunk's work, enqueued on the stream of its lane, or done at once where the device is the host
 *
 * A copy costs the bus as much as some hundred kilobytes do, whatever its size. So a chunk that has one or
 * two places to go to is copied there, and every other one is copied whole, and a kernel brings its pieces to
 * their places at the speed of the device's memory.
 */

#include "core/execute/execution.h"

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

ckpt_status ckpt_chunk_enqueue(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        const bool mirrors = mirrors_image(slot);
        ckpt_status r = CKPT_OK;

        if (execution->options->host_memory)
                return ckpt_chunk_run_steps(execution, lane, slot, false);
        if (mirrors && slot->chunk->image_bytes > 0)
                r = ckpt_copy_image(execution, lane, slot);
        else if (!mirrors)
                r = ckpt_copy_pieces(execution, lane, &slot, 1);
        return r ? r : ckpt_chunk_run_steps(execution, lane, slot, mirrors);
}
