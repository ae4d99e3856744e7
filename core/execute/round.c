/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A slot's round: free, reading, waiting, copying, free
 *
 * Every state is set here. A chunk that is nothing but a range or two waits, once it is read, for another such
 * chunk of its reader, and both are copied as one list. On a device that is the host a slot is free as soon
 * as its chunk is read and its steps are done.
 */

#include "core/execute/execute.h"

ckpt_slot *ckpt_lane_find(ckpt_lane *lane, enum ckpt_slot_state state)
{
        ckpt_slot *found = NULL;

        for (uint32_t i = 0; i < lane->n_open; i++)
                if (lane->slots[i].state == state && (!found || lane->slots[i].turn < found->turn))
                        found = &lane->slots[i];
        return found;
}

static void chunk_done(ckpt_execution *execution, const ckpt_slot *slot)
{
        const ckpt_chunk *chunk = slot->chunk;
        void *event = slot->event ? execution->options->backend->event_handle(slot->event) : NULL;

        for (uint64_t i = 0; i < chunk->n_tiles; i++)
                ckpt_tile_done(execution, execution->plan->tiles.items[chunk->first_tile + i].param, event);
}

/* ---- on its way to the device ---- */

/* What was enqueued for the slot ends with its event; where there is no device to wait for, it is done. */
static ckpt_status slot_sent(ckpt_execution *execution, const ckpt_lane *lane, ckpt_slot *slot)
{
        int32_t error;

        if (!slot->event) {
                slot->state = CKPT_SLOT_FREE;
                chunk_done(execution, slot);
                return CKPT_OK;
        }
        error = execution->options->backend->event_record(slot->event, lane->stream);
        if (error)
                return ckpt_execute_device_fail(execution, error, "recording an event",
                                                ckpt_chunk_param(execution, slot));
        slot->state = CKPT_SLOT_COPYING;
        return CKPT_OK;
}

static ckpt_status slot_send(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_trace *trace = execution->session->trace;
        const uint64_t start = ckpt_trace_now(trace);
        const ckpt_status r = ckpt_chunk_enqueue(execution, lane, slot);

        ckpt_trace_span(trace, slot->event ? "enqueue" : "compute", start, slot->chunk->image_bytes);
        return r ? r : slot_sent(execution, lane, slot);
}

ckpt_status ckpt_lane_depart(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_trace *trace = execution->session->trace;
        const uint64_t start = ckpt_trace_now(trace);
        ckpt_slot *waiting[CKPT_COMPANY];
        uint64_t bytes = 0;
        uint32_t count = 0;
        ckpt_status r;

        for (uint32_t i = 0; i < lane->n_open; i++)
                if (lane->slots[i].state == CKPT_SLOT_WAITING) {
                        waiting[count++] = &lane->slots[i];
                        bytes += lane->slots[i].chunk->image_bytes;
                }
        if (count == 0)
                return CKPT_OK;
        r = ckpt_copy_pieces(execution, lane, waiting, count);
        ckpt_trace_span(trace, "enqueue", start, bytes);
        for (uint32_t i = 0; i < count && r == CKPT_OK; i++)
                r = slot_sent(execution, lane, waiting[i]);
        return r;
}

/*
 * Company is waited for where it is near: no read is under way that would have to be waited for first, and there
 * is one more slot to read into. Whatever else the reader turns to before company comes, what waits departs first.
 */
static bool is_company_near(const ckpt_execution *execution, ckpt_lane *lane)
{
        uint32_t waiting = 0;

        for (uint32_t i = 0; i < lane->n_open; i++)
                waiting += lane->slots[i].state == CKPT_SLOT_WAITING;
        return waiting < CKPT_COMPANY && execution->slots > CKPT_COMPANY &&
               !ckpt_lane_find(lane, CKPT_SLOT_READING);
}

ckpt_status ckpt_slot_land(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_trace *trace = execution->session->trace;
        const uint64_t start = ckpt_trace_now(trace);
        const bool waits = ckpt_chunk_is_pending(slot);
        ckpt_status r = ckpt_chunk_finish(execution, lane, slot);

        ckpt_trace_span(trace, waits ? "wait for read" : "place", start, slot->chunk->image_bytes);
        if (r)
                return r;
        if (!ckpt_chunk_only_copies(execution, slot)) {
                r = ckpt_lane_depart(execution, lane);
                return r ? r : slot_send(execution, lane, slot);
        }
        slot->state = CKPT_SLOT_WAITING;
        return is_company_near(execution, lane) ? CKPT_OK : ckpt_lane_depart(execution, lane);
}

/* ---- from free to free ---- */

ckpt_status ckpt_slot_fill(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot,
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

ckpt_status ckpt_slot_finish(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_status r = CKPT_OK;
        uint64_t start;
        int32_t error;

        if (slot->state == CKPT_SLOT_READING)
                r = ckpt_slot_land(execution, lane, slot);
        if (r == CKPT_OK && slot->state == CKPT_SLOT_WAITING)
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

ckpt_status ckpt_lane_finish(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_status r = CKPT_OK;
        ckpt_slot *slot;

        while (r == CKPT_OK && (slot = ckpt_lane_find(lane, CKPT_SLOT_READING)))
                r = ckpt_slot_land(execution, lane, slot);
        if (r == CKPT_OK)
                r = ckpt_lane_depart(execution, lane);
        while (r == CKPT_OK && (slot = ckpt_lane_find(lane, CKPT_SLOT_COPYING)))
                r = ckpt_slot_finish(execution, lane, slot);
        return r;
}

ckpt_status ckpt_lane_settle(ckpt_execution *execution, ckpt_lane *lane)
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
