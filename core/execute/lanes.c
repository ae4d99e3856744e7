/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lanes of one execution: taken before the first byte is read, so that memory that cannot be had is found
 * then
 */

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/execute/execution.h"

void ckpt_execute_fit(const ckpt_plan *plan, uint32_t *readers, uint32_t *slots)
{
        const uint64_t chunks = plan->chunks.count;

        if (chunks < *readers)
                *readers = (uint32_t)chunks;
        if (*readers > 0 && (chunks + *readers - 1) / *readers < *slots)
                *slots = (uint32_t)((chunks + *readers - 1) / *readers);
}

uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots)
{
        ckpt_execute_fit(plan, &readers, &slots);
        return ckpt_execute_slot(plan) * readers * slots + plan->oversize;
}

/* Of a crew that shall fit into what was prepared, if that is not NULL, and that the ring can keep. */
static uint32_t most_lanes(const ckpt_ring *ring, const ckpt_preparation *preparation, uint32_t n_slots,
                           uint64_t slot_bytes)
{
        const uint32_t kept = ckpt_ring_lanes(ring, n_slots, slot_bytes);
        const uint64_t prepared = ckpt_preparation_size(preparation) / (n_slots * slot_bytes);

        return preparation && prepared > 0 && prepared < kept ? (uint32_t)prepared : kept;
}

uint64_t ckpt_execute_host_staging(const ckpt_plan *plan, const ckpt_ring *ring,
                                   const ckpt_preparation *preparation, uint32_t readers, uint32_t slots)
{
        const uint64_t staging = ckpt_execute_staging(plan, readers, slots),
                       slot_bytes = ckpt_execute_slot(plan);
        const uint64_t prepared = ckpt_preparation_size(preparation);
        uint64_t used;

        ckpt_execute_fit(plan, &readers, &slots);
        if (!preparation || readers == 0)
                return staging + prepared;
        used = most_lanes(ring, preparation, slots, slot_bytes);
        used = (used < readers ? used : readers) * slots * slot_bytes;
        return prepared > used ? staging + (prepared - used) : staging;
}

/* In the order in which they are taken, and given back. */
static void add_crew(ckpt_execution *execution, ckpt_crew *crew)
{
        ckpt_crew **end = &execution->crews;

        atomic_fetch_add(&execution->counters->ring_bytes, ckpt_crew_bytes(crew));
        while (*end)
                end = &(*end)->next;
        crew->next = NULL;
        *end = crew;
}

/* What was prepared, or what is made now. */
static ckpt_status crew_pin(ckpt_execution *execution, ckpt_crew *crew)
{
        const ckpt_execute_options *options = execution->options;
        const ckpt_pinning how = {
                .session = execution->session,
                .backend = options->backend,
                .device = options->device,
                .threads = options->readers,
                .stop = &execution->stop,
                .progress = options->progress,
                .context = options->context,
        };
        const uint64_t size = ckpt_crew_bytes(crew);
        ckpt_status r = CKPT_ABSENT;
        ckpt_pinned host = {0};

        if (options->preparation)
                r = ckpt_preparation_take(options->preparation, size, &host);
        if (r == CKPT_ABSENT)
                r = ckpt_pinned_init(&host, &how, size);
        if (host.memory)
                ckpt_crew_give(crew, &host); /* also what could not be registered: the crew frees it */
        return r;
}

static ckpt_status crew_make(ckpt_execution *execution, uint32_t n_lanes, uint32_t n_slots,
                             uint64_t slot_bytes, ckpt_crew **ret_crew)
{
        const double start = ckpt_clock();
        const uint64_t trace = ckpt_trace_now(execution->session->trace);
        const int32_t error = ckpt_crew_new(execution->options->ring, n_lanes, n_slots, slot_bytes, ret_crew);
        ckpt_status r = CKPT_OK;

        if (error)
                return ckpt_execute_device_fail(execution, error, "making staging memory and streams",
                                                UINT64_MAX);
        if (!*ret_crew)
                return CKPT_E_NOMEM;
        add_crew(execution, *ret_crew);
        if (!execution->options->host_memory) {
                ckpt_trace_span(execution->session->trace, "make slots", trace, ckpt_crew_bytes(*ret_crew));
                r = crew_pin(execution, *ret_crew);
        }
        atomic_fetch_add(&execution->counters->ring_nanoseconds, (uint64_t)((ckpt_clock() - start) * 1e9));
        return r;
}

/*
 * Lanes for up to so many readers: a crew that was kept, else one that the ring will be able to keep. What was
 * prepared is used in any case, for a failure of making it is this execution's.
 */
static ckpt_status crew_take(ckpt_execution *execution, uint32_t wanted, ckpt_crew **ret_crew)
{
        ckpt_ring *ring = execution->options->ring;
        const uint32_t n_slots = execution->slots;
        const uint64_t slot_bytes = execution->slot_bytes;
        const ckpt_preparation *preparation = execution->crews ? NULL : execution->options->preparation;
        uint32_t most;

        if (!preparation)
                *ret_crew = ckpt_ring_take(ring, n_slots, slot_bytes);
        if (*ret_crew) {
                add_crew(execution, *ret_crew);
                return CKPT_OK;
        }
        most = most_lanes(ring, preparation, n_slots, slot_bytes);
        return crew_make(execution, wanted < most ? wanted : most, n_slots, slot_bytes, ret_crew);
}

static ckpt_status lane_prepare(const ckpt_execution *execution, ckpt_lane *lane)
{
        lane->n_open = 0;
        for (uint32_t i = 0; i < lane->crew->n_slots; i++) {
                lane->slots[i].state = CKPT_SLOT_FREE;
                lane->slots[i].chunk = NULL;
                lane->slots[i].requests =
                        calloc(execution->plan->most_runs + 1, sizeof(*lane->slots[i].requests));
                if (!lane->slots[i].requests)
                        return CKPT_E_NOMEM;
        }
        return CKPT_OK;
}

static ckpt_status take_readers(ckpt_execution *execution)
{
        ckpt_status r = CKPT_OK;

        execution->lanes = calloc(execution->readers + 1, sizeof(*execution->lanes));
        if (!execution->lanes)
                return CKPT_E_NOMEM;
        for (uint32_t n = 0; n < execution->readers && r == CKPT_OK;) {
                ckpt_crew *crew = NULL;

                r = crew_take(execution, execution->readers - n, &crew);
                for (uint32_t i = 0; r == CKPT_OK && i < crew->n_lanes && n < execution->readers; i++) {
                        execution->lanes[n] = &crew->lanes[i];
                        r = lane_prepare(execution, execution->lanes[n++]);
                }
        }
        return r;
}

static ckpt_status take_oversize(ckpt_execution *execution)
{
        ckpt_crew *crew = NULL;
        ckpt_status r;

        if (execution->plan->oversize == 0)
                return CKPT_OK;
        r = crew_make(execution, 1, 1, execution->plan->oversize, &crew);
        if (r)
                return r;
        execution->oversize = &crew->lanes[0];
        return lane_prepare(execution, execution->oversize);
}

/* A point in the engine's stream. */
static int32_t mark_engine(ckpt_execution *execution)
{
        const ckpt_execute_options *options = execution->options;
        const ckpt_backend *backend = options->backend;
        ckpt_stream *engine = NULL;
        int32_t error = backend->stream_wrap(options->device, options->stream, &engine);

        if (error == 0)
                error = backend->event_new(options->device, &execution->after);
        if (error == 0)
                error = backend->event_record(execution->after, engine);
        if (engine)
                backend->stream_free(engine);
        return error;
}

/* Every lane's stream goes behind what the engine has under way. */
static ckpt_status follow_engine(ckpt_execution *execution)
{
        const ckpt_backend *backend = execution->options->backend;
        int32_t error;

        if (!execution->options->stream || execution->options->host_memory)
                return CKPT_OK;
        error = mark_engine(execution);
        for (uint32_t i = 0; error == 0 && i < execution->readers; i++)
                error = backend->stream_wait_event(execution->lanes[i]->stream, execution->after);
        if (error == 0 && execution->oversize)
                error = backend->stream_wait_event(execution->oversize->stream, execution->after);
        return error ? ckpt_execute_device_fail(execution, error, "following the engine's stream", UINT64_MAX)
                     : CKPT_OK;
}

ckpt_status ckpt_lanes_take(ckpt_execution *execution)
{
        ckpt_status r = take_readers(execution);

        if (r == CKPT_OK)
                r = take_oversize(execution);
        return r ? r : follow_engine(execution);
}

/* By now every stream was waited for: what one reader read, another one may have sent. */
static void lane_forget(ckpt_execution *execution, ckpt_lane *lane)
{
        for (uint32_t i = 0; lane && i < lane->crew->n_slots; i++)
                ckpt_window_close(execution, &lane->slots[i]);
        for (uint32_t i = 0; lane && !lane->lost && i < lane->crew->n_slots; i++) {
                free(lane->slots[i].requests);
                lane->slots[i].requests = NULL;
        }
}

/* After a failure it is not known what state a device's objects are in. */
void ckpt_lanes_give(ckpt_execution *execution, bool keep)
{
        for (uint32_t i = 0; execution->lanes && i < execution->readers; i++)
                lane_forget(execution, execution->lanes[i]);
        lane_forget(execution, execution->oversize);
        while (execution->crews) {
                ckpt_crew *crew = execution->crews;

                execution->crews = crew->next;
                if (keep && crew->lanes != execution->oversize)
                        ckpt_ring_give(execution->options->ring, crew);
                else
                        ckpt_crew_free(execution->options->ring, crew);
        }
        if (execution->after)
                execution->options->backend->event_free(execution->after);
        free(execution->lanes);
}
