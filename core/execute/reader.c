/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The readers: each takes the next chunk, runs it in one of its slots, and goes on
 *
 * A slot's round: free, reading, read, copying, free. The device's work for one slot goes on while the next is
 * read.
 */

#include "core/base/clock.h"
#include "core/execute/execute.h"

static void chunk_done(ckpt_execution *execution, const ckpt_slot *slot)
{
        const ckpt_chunk *chunk = slot->chunk;
        void *event = slot->event ? execution->options->backend->event_handle(slot->event) : NULL;

        for (uint64_t i = 0; i < chunk->n_tiles; i++)
                ckpt_tile_done(execution, execution->plan->tiles.items[chunk->first_tile + i].param, event);
}

static uint32_t count_slots(const ckpt_lane *lane, enum ckpt_slot_state state)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < lane->n_open; i++)
                count += lane->slots[i].state == state;
        return count;
}

/* Company is waited for where it is near: the source answers at once, and there is one more slot to read into. */
static ckpt_status slot_depart(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot,
                               bool source_is_slow)
{
        if (!ckpt_chunk_only_copies(execution, slot))
                return ckpt_chunk_enqueue(execution, lane, slot);
        slot->state = CKPT_SLOT_READ;
        if (!source_is_slow && execution->slots > CKPT_COMPANY &&
            count_slots(lane, CKPT_SLOT_READ) < CKPT_COMPANY)
                return CKPT_OK;
        return ckpt_lane_depart(execution, lane);
}

/* What was read goes on to the device; a slot that needs no device is through. */
static ckpt_status slot_land(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_trace *trace = execution->session->trace;
        uint64_t start = ckpt_trace_now(trace);
        const bool waits = ckpt_chunk_is_pending(slot);
        ckpt_status r = ckpt_chunk_finish(execution, lane, slot);

        ckpt_trace_span(trace, waits ? "wait for read" : "place", start, 0);
        start = ckpt_trace_now(trace);
        if (r == CKPT_OK)
                r = slot_depart(execution, lane, slot, waits);
        if (r)
                return r;
        ckpt_trace_span(trace, slot->event ? "enqueue" : "compute", start, slot->chunk->image_bytes);
        if (slot->event)
                return CKPT_OK;
        slot->state = CKPT_SLOT_FREE;
        chunk_done(execution, slot);
        return CKPT_OK;
}

/* Waits until the slot is free; its last chunk's parameters may be complete with it. */
static ckpt_status slot_free(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_status r = CKPT_OK;
        uint64_t start;
        int32_t error;

        if (slot->state == CKPT_SLOT_READING)
                r = slot_land(execution, lane, slot);
        if (r == CKPT_OK && slot->state == CKPT_SLOT_READ)
                r = ckpt_lane_depart(execution, lane);
        if (r || slot->state == CKPT_SLOT_FREE)
                return r;
        start = ckpt_trace_now(execution->session->trace);
        error = execution->options->backend->event_synchronize(slot->event);
        ckpt_trace_span(execution->session->trace, "wait for device", start, 0);
        if (error)
                return ckpt_execute_device_fail(execution, error, "waiting for the device",
                                                ckpt_chunk_param(execution, slot));
        slot->state = CKPT_SLOT_FREE;
        ckpt_window_close(execution, slot);
        chunk_done(execution, slot);
        return CKPT_OK;
}

static ckpt_status slot_fill(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot,
                             const ckpt_chunk *chunk)
{
        const uint64_t start = ckpt_trace_now(execution->session->trace);
        ckpt_status r;

        slot->chunk = chunk;
        slot->state = CKPT_SLOT_READING;
        r = ckpt_chunk_fill(execution, lane, slot);
        ckpt_trace_span(execution->session->trace, "read", start, chunk->image_bytes);
        return r;
}

/* Everything that is under way ends, whatever came of it: the memory is about to be used again, or freed. */
static ckpt_status lane_settle(ckpt_execution *execution, ckpt_lane *lane)
{
        int32_t error;

        for (uint32_t i = 0; i < lane->crew->n_slots; i++) {
                if (lane->slots[i].state == CKPT_SLOT_READING)
                        lane->lost |= !ckpt_chunk_abandon(execution, lane, &lane->slots[i]);
                lane->slots[i].state = CKPT_SLOT_FREE;
        }
        error = execution->options->backend->stream_synchronize(lane->stream);
        for (uint32_t i = 0; i < lane->crew->n_slots; i++)
                ckpt_window_close(execution, &lane->slots[i]);
        return error ? ckpt_execute_device_fail(execution, error, "finishing", UINT64_MAX) : CKPT_OK;
}

/* A chunk that fits into no slot of a reader: one at a time, in memory of its own. */
static ckpt_status run_oversize(ckpt_execution *execution, const ckpt_chunk *chunk)
{
        ckpt_lane *lane = execution->oversize;
        ckpt_slot *slot = &lane->slots[0];
        ckpt_status r;

        pthread_mutex_lock(&execution->oversize_lock);
        lane->n_open = 1;
        r = slot_fill(execution, lane, slot, chunk);
        if (r == CKPT_OK)
                r = slot_free(execution, lane, slot);
        if (r)
                lane_settle(execution, lane);
        pthread_mutex_unlock(&execution->oversize_lock);
        return r;
}

/* ---- readers ---- */

static const ckpt_chunk *next_chunk(ckpt_execution *execution)
{
        const uint64_t at = atomic_fetch_add_explicit(&execution->next, 1, memory_order_relaxed);

        if (atomic_load_explicit(&execution->stop, memory_order_relaxed))
                return NULL;
        return at < execution->plan->chunks.count ? &execution->plan->chunks.items[at] : NULL;
}

static ckpt_slot *find_slot(ckpt_lane *lane, enum ckpt_slot_state state)
{
        ckpt_slot *found = NULL;

        for (uint32_t i = 0; i < lane->n_open; i++)
                if (lane->slots[i].state == state && (!found || lane->slots[i].turn < found->turn))
                        found = &lane->slots[i];
        return found;
}

/* CKPT_ABSENT: not yet. */
static ckpt_status has_passed(ckpt_execution *execution, const ckpt_slot *slot)
{
        const int32_t passed = execution->options->backend->event_query(slot->event);

        if (passed < 0)
                return ckpt_execute_device_fail(execution, passed, "asking the device",
                                                ckpt_chunk_param(execution, slot));
        return passed ? CKPT_OK : CKPT_ABSENT;
}

/* A free slot: one that has become free, else one that was never used, else the one that is busy for longest. */
static ckpt_status slot_choose(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot **ret_slot)
{
        ckpt_slot *slot = find_slot(lane, CKPT_SLOT_FREE);
        ckpt_slot *copying = slot ? NULL : find_slot(lane, CKPT_SLOT_COPYING);
        ckpt_status r = copying ? has_passed(execution, copying) : CKPT_ABSENT;

        if (r == CKPT_OK)
                slot = copying;
        if (r < 0)
                return r;
        if (!slot && lane->n_open < execution->slots)
                slot = &lane->slots[lane->n_open++];
        if (!slot)
                slot = copying ? copying : find_slot(lane, CKPT_SLOT_READING);
        *ret_slot = slot;
        return slot_free(execution, lane, slot);
}

/*
 * What was read at once goes on at once. Where reads are under way, the one begun longest ago goes on when
 * every slot is reading, so that the device has work while the source answers.
 */
static ckpt_status run_chunk(ckpt_execution *execution, ckpt_lane *lane, const ckpt_chunk *chunk,
                             uint64_t turn)
{
        ckpt_slot *slot = NULL;
        ckpt_status r = slot_choose(execution, lane, &slot);

        if (r == CKPT_OK) {
                slot->turn = turn;
                r = slot_fill(execution, lane, slot, chunk);
        }
        if (r)
                return r;
        if (!ckpt_chunk_is_pending(slot))
                return slot_land(execution, lane, slot);
        if (lane->n_open < execution->slots || find_slot(lane, CKPT_SLOT_COPYING))
                return CKPT_OK;
        return slot_land(execution, lane, find_slot(lane, CKPT_SLOT_READING));
}

/* In the order in which they were filled. */
static ckpt_status finish_all(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_status r = CKPT_OK;
        ckpt_slot *slot;

        while (r == CKPT_OK && (slot = find_slot(lane, CKPT_SLOT_READING)))
                r = slot_land(execution, lane, slot);
        if (r == CKPT_OK)
                r = ckpt_lane_depart(execution, lane);
        while (r == CKPT_OK && (slot = find_slot(lane, CKPT_SLOT_COPYING)))
                r = slot_free(execution, lane, slot);
        return r;
}

static ckpt_status run_chunks(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_status r = CKPT_OK;
        const ckpt_chunk *chunk;
        uint64_t turn = 0;

        while (r == CKPT_OK && (chunk = next_chunk(execution))) {
                r = ckpt_session_check(execution->session);
                if (r == CKPT_OK && chunk->slot_bytes > execution->slot_bytes)
                        r = run_oversize(execution, chunk);
                else if (r == CKPT_OK)
                        r = run_chunk(execution, lane, chunk, turn++);
        }
        return r ? r : finish_all(execution, lane);
}

ckpt_status ckpt_reader_main(void *context, uint32_t index)
{
        ckpt_execution *execution = context;
        ckpt_lane *lane = execution->lanes[index];
        ckpt_status r, settled;

        ckpt_trace_thread(execution->session->trace, "reader", index);
        r = run_chunks(execution, lane);
        settled = lane_settle(execution, lane);
        return r ? r : settled;
}
