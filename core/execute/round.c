/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A slot's round: free, reading, copying, free
 *
 * Every state is set here. On a device that is the host a slot is free as soon as its chunk is read and its
 * steps are done.
 */

#include "core/execute/execution.h"

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

ckpt_status ckpt_lane_record(ckpt_execution *execution, const ckpt_lane *lane, ckpt_event *event,
                             uint64_t param)
{
        const int32_t error = execution->options->backend->event_record(event, lane->stream);

        return error ? ckpt_execute_device_fail(execution, error, "recording an event", param) : CKPT_OK;
}

/* Enqueued with what ends it, or, where the device is the host, done. */
static ckpt_status slot_send(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_trace *trace = execution->session->trace;
        const uint64_t start = ckpt_trace_now(trace);
        ckpt_status r = ckpt_chunk_enqueue(execution, lane, slot);

        ckpt_trace_span(trace, slot->event ? "enqueue" : "compute", start, slot->chunk->image_bytes);
        if (r)
                return r;
        if (!slot->event) {
                slot->state = CKPT_SLOT_FREE;
                chunk_done(execution, slot);
                return CKPT_OK;
        }
        slot->state = CKPT_SLOT_COPYING;
        r = ckpt_lane_record(execution, lane, slot->event, ckpt_chunk_param(execution, slot));
        if (r == CKPT_OK)
                r = ckpt_bus_ask(execution, lane, slot);
        return r < 0 ? r : CKPT_OK;
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
        if (!ckpt_chunk_only_copies(execution, slot))
                return slot_send(execution, lane, slot);
        slot->state = CKPT_SLOT_COPYING;
        return ckpt_bus_add(execution, lane, slot);
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
        if (r || slot->state == CKPT_SLOT_FREE)
                return r;
        start = ckpt_trace_now(execution->session->trace);
        r = ckpt_bus_wait(execution, lane, slot);
        if (r)
                return r;
        error = execution->options->backend->event_synchronize(slot->event);
        ckpt_trace_span(execution->session->trace, "wait for device", start, 0);
        if (error)
                return ckpt_execute_device_fail(execution, error, "waiting for the device",
                                                ckpt_chunk_param(execution, slot));
        slot->state = CKPT_SLOT_FREE;
        ckpt_window_close(execution, slot);
        chunk_done(execution, slot);
        r = ckpt_bus_ask(execution, lane, slot);
        return r < 0 ? r : CKPT_OK;
}

ckpt_status ckpt_lane_finish(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_status r = CKPT_OK;
        ckpt_slot *slot;

        while (r == CKPT_OK && (slot = ckpt_lane_find(lane, CKPT_SLOT_READING)))
                r = ckpt_slot_land(execution, lane, slot);
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
        return error ? ckpt_execute_device_fail(execution, error, "finishing", UINT64_MAX) : CKPT_OK;
}
