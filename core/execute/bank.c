/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Banks: pinned memory for one slot of every lane of a crew, made at once
 *
 * Registering memory takes a lock of the device's driver. Ten readers that each register a slot of their own
 * wait for each other, and for the copies that are being enqueued: twice as long as one block of the same
 * size takes. So the first reader that needs its n-th slot makes the n-th of all.
 */

#include "core/base/clock.h"
#include "core/execute/execute.h"

static ckpt_status bank_make(ckpt_execution *execution, uint64_t size, uint8_t **ret_memory)
{
        const ckpt_execute_options *options = execution->options;
        const uint64_t trace = ckpt_trace_now(execution->session->trace);
        const double start = ckpt_clock();
        void *memory = NULL;
        const int32_t error = options->backend->pinned_alloc(options->device, size, &memory);

        atomic_fetch_add(&execution->counters->ring_nanoseconds, (uint64_t)((ckpt_clock() - start) * 1e9));
        ckpt_trace_span(execution->session->trace, "make slots", trace, size);
        *ret_memory = memory;
        return error ? ckpt_execute_device_fail(execution, error, "making pinned memory", UINT64_MAX)
                     : CKPT_OK;
}

/*
 * The first slot of a reader is waited for; while another reader makes further ones, this one goes on with
 * what it has. What failed for one is not tried again by the next.
 */
ckpt_status ckpt_bank_take(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        const ckpt_crew *crew = lane->crew;
        ckpt_bank *bank = &lane->crew->banks[slot - lane->slots];
        ckpt_status r;

        if (slot == lane->slots)
                pthread_mutex_lock(&bank->lock);
        else if (pthread_mutex_trylock(&bank->lock))
                return CKPT_ABSENT;
        if (!bank->memory && bank->status == CKPT_OK)
                bank->status = bank_make(execution, crew->n_lanes * crew->slot_bytes, &bank->memory);
        r = bank->status;
        pthread_mutex_unlock(&bank->lock);
        if (r == CKPT_OK)
                slot->host = bank->memory + (lane - crew->lanes) * crew->slot_bytes;
        return r;
}
