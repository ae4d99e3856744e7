/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The readers: each takes the next chunk, reads it into one of its slots, and goes on
 *
 * The device's work for one slot goes on while the next is read.
 */

#include "core/execute/execution.h"

/* A chunk that fits into no slot of a reader: one at a time, in memory of its own. None after a failure. */
static ckpt_status run_oversize(ckpt_execution *execution, const ckpt_chunk *chunk)
{
        ckpt_lane *lane = execution->oversize;
        ckpt_slot *slot = &lane->slots[0];
        ckpt_status r;

        pthread_mutex_lock(&execution->oversize_lock);
        lane->n_open = 1;
        r = execution->oversize_status;
        if (r == CKPT_OK)
                r = ckpt_slot_fill(execution, lane, slot, chunk);
        if (r == CKPT_OK)
                r = ckpt_slot_finish(execution, lane, slot);
        execution->oversize_status = r;
        pthread_mutex_unlock(&execution->oversize_lock);
        return r;
}

static const ckpt_chunk *next_chunk(ckpt_execution *execution)
{
        const uint64_t at = atomic_fetch_add_explicit(&execution->next, 1, memory_order_relaxed);

        if (atomic_load_explicit(&execution->stop, memory_order_relaxed))
                return NULL;
        return at < execution->plan->chunks.count ? &execution->plan->chunks.items[at] : NULL;
}

/* CKPT_ABSENT: not yet. */
static ckpt_status has_passed(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        const ckpt_status r = ckpt_bus_ask(execution, lane, slot);
        int32_t passed;

        if (r)
                return r;
        passed = execution->options->backend->event_query(slot->event);
        if (passed < 0)
                return ckpt_execute_device_fail(execution, passed, "asking the device",
                                                ckpt_chunk_param(execution, slot));
        return passed ? CKPT_OK : CKPT_ABSENT;
}

/*
 * A free slot: one that has become free, else one that was never used, else the one that is busy for longest.
 */
static ckpt_status slot_choose(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot **ret_slot)
{
        ckpt_slot *slot = ckpt_lane_find(lane, CKPT_SLOT_FREE);
        ckpt_slot *copying = slot ? NULL : ckpt_lane_find(lane, CKPT_SLOT_COPYING);
        ckpt_status r = copying ? has_passed(execution, lane, copying) : CKPT_ABSENT;

        if (r == CKPT_OK)
                slot = copying;
        if (r < 0)
                return r;
        if (!slot && lane->n_open < execution->slots)
                slot = &lane->slots[lane->n_open++];
        if (!slot)
                slot = copying ? copying : ckpt_lane_find(lane, CKPT_SLOT_READING);
        *ret_slot = slot;
        return ckpt_slot_finish(execution, lane, slot);
}

/*
 * What was read at once lands at once. Where it has to be waited for, that is put off as long as there are
 * slots to begin other reads in, so that the source has them all at once; but the device gets the oldest when
 * it would have nothing from this reader otherwise.
 */
static ckpt_status run_chunk(ckpt_execution *execution, ckpt_lane *lane, const ckpt_chunk *chunk,
                             uint64_t turn)
{
        ckpt_slot *slot = NULL;
        ckpt_status r = slot_choose(execution, lane, &slot);

        if (r == CKPT_OK) {
                slot->turn = turn;
                r = ckpt_slot_fill(execution, lane, slot, chunk);
        }
        if (r)
                return r;
        if (!ckpt_chunk_is_pending(slot))
                return ckpt_slot_land(execution, lane, slot);
        if (lane->n_open < execution->slots || ckpt_lane_find(lane, CKPT_SLOT_COPYING))
                return CKPT_OK;
        return ckpt_slot_land(execution, lane, ckpt_lane_find(lane, CKPT_SLOT_READING));
}

static ckpt_status run_next(ckpt_execution *execution, ckpt_lane *lane, const ckpt_chunk *chunk,
                            uint64_t turn)
{
        ckpt_status r = ckpt_session_check(execution->session);

        if (r)
                return r;
        return chunk->slot_bytes > execution->slot_bytes ? run_oversize(execution, chunk)
                                                         : run_chunk(execution, lane, chunk, turn);
}

static ckpt_status run_chunks(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_status r = CKPT_OK;
        const ckpt_chunk *chunk;
        uint64_t turn = 0;

        while (r == CKPT_OK && (chunk = next_chunk(execution)))
                r = run_next(execution, lane, chunk, turn++);
        return r ? r : ckpt_lane_finish(execution, lane);
}

ckpt_status ckpt_reader_main(void *context, uint32_t index)
{
        ckpt_execution *execution = context;
        ckpt_lane *lane = execution->lanes[index];
        ckpt_status r, settled;

        ckpt_trace_thread(execution->session->trace, "reader", index);
        r = run_chunks(execution, lane);
        settled = ckpt_lane_settle(execution, lane);
        return r ? r : settled;
}
