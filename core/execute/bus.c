/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way to the device, which all readers share: chunks that are nothing but a range or two, on their way
 *
 * What a copy costs the bus beside its bytes, a list of copies costs once. So no more than two lists are under
 * way, one that is copied and one that follows it; what is read meanwhile waits, and goes together when the
 * first one has ended. Nobody waits for company: a chunk that finds the bus free goes alone. Whoever brings a
 * chunk, or asks for a slot, looks whether it is time, and sends what waits by his own stream, whosever it is.
 *
 * After the bus's first failure nothing is sent any more: what waits then is left where it is, and its readers
 * end.
 */

#include "core/execute/execution.h"

ckpt_status ckpt_bus_init(ckpt_execution *execution)
{
        ckpt_bus *bus = &execution->bus;
        int32_t error = 0;

        pthread_mutex_init(&bus->lock, NULL);
        if (execution->options->host_memory)
                return CKPT_OK;
        for (uint32_t i = 0; i < CKPT_BUS_LISTS && error == 0; i++)
                error = execution->options->backend->event_new(execution->options->device, &bus->ends[i]);
        return error ? ckpt_execute_device_fail(execution, error, "making an event", UINT64_MAX) : CKPT_OK;
}

void ckpt_bus_deinit(ckpt_execution *execution)
{
        for (uint32_t i = 0; i < CKPT_BUS_LISTS; i++)
                if (execution->bus.ends[i])
                        execution->options->backend->event_free(execution->bus.ends[i]);
        pthread_mutex_destroy(&execution->bus.lock);
}

/* ---- with the lock ---- */

static void append(ckpt_bus *bus, ckpt_slot *slot)
{
        slot->waits = true;
        slot->next = NULL;
        *(bus->first ? &bus->last->next : &bus->first) = slot;
        bus->last = slot;
}

static uint32_t take_waiting(ckpt_bus *bus, ckpt_slot **slots)
{
        uint32_t count = 0;

        while (bus->first && count < CKPT_BUS_SLOTS) {
                slots[count++] = bus->first;
                bus->first->waits = false;
                bus->first = bus->first->next;
        }
        return count;
}

static ckpt_status send_list(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_trace *trace = execution->session->trace;
        const uint64_t start = ckpt_trace_now(trace);
        ckpt_bus *bus = &execution->bus;
        ckpt_slot *slots[CKPT_BUS_SLOTS];
        const uint32_t count = take_waiting(bus, slots);
        ckpt_status r = ckpt_copy_pieces(execution, lane, slots, count);
        uint64_t bytes = 0;

        for (uint32_t i = 0; i < count && r == CKPT_OK; i++) {
                r = ckpt_lane_record(execution, lane, slots[i]->event, ckpt_chunk_param(execution, slots[i]));
                bytes += slots[i]->chunk->image_bytes;
        }
        if (r == CKPT_OK)
                r = ckpt_lane_record(execution, lane, bus->ends[bus->n_sent++ % CKPT_BUS_LISTS], UINT64_MAX);
        ckpt_trace_span(trace, "enqueue", start, bytes);
        return r;
}

/* Whether the list that was sent CKPT_BUS_LISTS before the next one has ended. CKPT_ABSENT: not yet. */
static ckpt_status has_room(ckpt_execution *execution)
{
        const ckpt_bus *bus = &execution->bus;
        int32_t passed = 1;

        if (bus->n_sent >= CKPT_BUS_LISTS)
                passed = execution->options->backend->event_query(bus->ends[bus->n_sent % CKPT_BUS_LISTS]);
        if (passed < 0)
                return ckpt_execute_device_fail(execution, passed, "asking the device", UINT64_MAX);
        return passed ? CKPT_OK : CKPT_ABSENT;
}

/* As far as there is room. */
static ckpt_status send_waiting(ckpt_execution *execution, ckpt_lane *lane)
{
        ckpt_bus *bus = &execution->bus;

        while (bus->status == CKPT_OK && bus->first) {
                ckpt_status r = has_room(execution);

                if (r == CKPT_ABSENT)
                        return CKPT_OK;
                if (r == CKPT_OK)
                        r = send_list(execution, lane);
                bus->status = r;
        }
        return bus->status;
}

/* ---- without it ---- */

ckpt_status ckpt_bus_add(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        ckpt_bus *bus = &execution->bus;
        ckpt_status r;

        pthread_mutex_lock(&bus->lock);
        if (bus->status == CKPT_OK)
                append(bus, slot);
        r = send_waiting(execution, lane);
        pthread_mutex_unlock(&bus->lock);
        return r;
}

/* Nobody shall wait for a slot that nobody will send. */
static ckpt_status fail(ckpt_execution *execution, const ckpt_slot *slot, int32_t error)
{
        ckpt_bus *bus = &execution->bus;
        const ckpt_status r = ckpt_execute_device_fail(execution, error, "waiting for the device",
                                                       ckpt_chunk_param(execution, slot));

        pthread_mutex_lock(&bus->lock);
        if (bus->status == CKPT_OK)
                bus->status = r;
        pthread_mutex_unlock(&bus->lock);
        return r;
}

/* `ret_end` stands for the list that is to end before the next one is sent. */
static ckpt_status ask(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot,
                       ckpt_event **ret_end)
{
        ckpt_bus *bus = &execution->bus;
        ckpt_status r;
        bool waits;

        pthread_mutex_lock(&bus->lock);
        r = send_waiting(execution, lane);
        waits = slot->waits;
        *ret_end = bus->ends[bus->n_sent % CKPT_BUS_LISTS];
        pthread_mutex_unlock(&bus->lock);
        return r ? r : waits ? CKPT_ABSENT : CKPT_OK;
}

ckpt_status ckpt_bus_ask(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        ckpt_event *end;

        return ask(execution, lane, slot, &end);
}

ckpt_status ckpt_bus_wait(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot)
{
        ckpt_event *end;
        ckpt_status r;

        while ((r = ask(execution, lane, slot, &end)) == CKPT_ABSENT) {
                const int32_t error = execution->options->backend->event_synchronize(end);

                if (error)
                        return fail(execution, slot, error);
        }
        return r;
}
