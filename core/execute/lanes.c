/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lanes of one execution: taken before the first byte is read, so that memory that cannot be had is found
 * then
 */

#include "core/base/cleanup.h"
#include "core/execute/execute.h"

uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots)
{
        if (plan->chunks.count < readers)
                readers = (uint32_t)plan->chunks.count;
        return (plan->largest_slot ? plan->largest_slot : CKPT_BLOCK_BYTES) * readers * slots +
               plan->oversize;
}

static ckpt_status lane_make(ckpt_execution *execution, uint32_t n_slots, uint64_t slot_bytes,
                             ckpt_lane **ret_lane)
{
        const int32_t error = ckpt_lane_new(execution->options->ring, n_slots, slot_bytes, ret_lane);

        if (error)
                return ckpt_execute_device_fail(execution, error, "allocating staging memory", UINT64_MAX);
        return *ret_lane ? CKPT_OK : CKPT_E_NOMEM;
}

static ckpt_status lane_take(ckpt_execution *execution, uint32_t index)
{
        ckpt_lane **lane = &execution->lanes[index];

        *lane = ckpt_ring_take(execution->options->ring, execution->slots, execution->slot_bytes);
        return *lane ? CKPT_OK : lane_make(execution, execution->slots, execution->slot_bytes, lane);
}

static ckpt_status slots_prepare(ckpt_execution *execution, ckpt_lane *lane)
{
        lane->n_open = 0;
        for (uint32_t i = 0; i < lane->n_slots; i++) {
                lane->slots[i].state = CKPT_SLOT_FREE;
                lane->slots[i].chunk = NULL;
                lane->slots[i].requests =
                        calloc(execution->plan->most_runs + 1, sizeof(*lane->slots[i].requests));
                if (!lane->slots[i].requests)
                        return CKPT_E_NOMEM;
        }
        return CKPT_OK;
}

/* A point in the engine's stream, for the readers' streams to wait for. */
static ckpt_status mark_engine(ckpt_execution *execution)
{
        const ckpt_execute_options *options = execution->options;
        const ckpt_backend *backend = options->backend;
        ckpt_stream *engine = NULL;
        int32_t error;

        if (!options->stream || options->host_memory)
                return CKPT_OK;
        error = backend->stream_wrap(options->device, options->stream, &engine);
        if (error == 0)
                error = backend->event_new(options->device, &execution->after);
        if (error == 0)
                error = backend->event_record(execution->after, engine);
        if (engine)
                backend->stream_free(engine);
        return error ? ckpt_execute_device_fail(execution, error, "marking the engine's stream", UINT64_MAX)
                     : CKPT_OK;
}

ckpt_status ckpt_lanes_take(ckpt_execution *execution)
{
        const uint64_t oversize = execution->plan->oversize;
        ckpt_status r = CKPT_OK;

        execution->lanes = calloc(execution->readers + 1, sizeof(*execution->lanes));
        if (!execution->lanes)
                return CKPT_E_NOMEM;
        for (uint32_t i = 0; i < execution->readers && r == CKPT_OK; i++) {
                r = lane_take(execution, i);
                if (r == CKPT_OK)
                        r = slots_prepare(execution, execution->lanes[i]);
        }
        if (r == CKPT_OK && oversize > 0)
                r = lane_make(execution, 1, oversize, &execution->oversize);
        if (r == CKPT_OK && oversize > 0)
                r = slots_prepare(execution, execution->oversize);
        return r ? r : mark_engine(execution);
}

static void slots_forget(ckpt_lane *lane)
{
        for (uint32_t i = 0; i < lane->n_slots; i++) {
                free(lane->slots[i].requests);
                lane->slots[i].requests = NULL;
        }
}

/* After a failure it is not known what state a device's objects are in. */
static void lane_give(ckpt_execution *execution, ckpt_lane *lane, bool keep)
{
        if (!lane)
                return;
        if (!lane->lost)
                slots_forget(lane);
        if (keep)
                ckpt_ring_give(execution->options->ring, lane);
        else
                ckpt_lane_free(execution->options->ring, lane);
}

void ckpt_lanes_give(ckpt_execution *execution, bool keep)
{
        for (uint32_t i = 0; execution->lanes && i < execution->readers; i++)
                lane_give(execution, execution->lanes[i], keep);
        lane_give(execution, execution->oversize, false);
        if (execution->after)
                execution->options->backend->event_free(execution->after);
        free(execution->lanes);
}
