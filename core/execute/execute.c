/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The readers: each takes the next tile, runs it in its next slot, and goes on
 */

#include "core/execute/execute.h"

#include "core/base/cleanup.h"

void ckpt_execute_tile_done(ckpt_execution *execution, uint64_t param)
{
        if (atomic_fetch_sub(&execution->tiles_left[param], 1) != 1)
                return;
        atomic_fetch_add_explicit(&execution->counters->params_ready, 1, memory_order_relaxed);
        if (execution->options->ready) {
                pthread_mutex_lock(&execution->ready_lock);
                execution->options->ready(execution->options->context, param);
                pthread_mutex_unlock(&execution->ready_lock);
        }
}

/* Waits until the slot's last tile has passed; its parameter may be complete with it. */
static ckpt_status slot_wait(ckpt_execution *execution, ckpt_slot *slot)
{
        int32_t error;

        if (!slot->busy)
                return CKPT_OK;
        slot->busy = false;
        error = execution->options->backend->event_synchronize(slot->event);
        if (error)
                return ckpt_execute_device_fail(execution, error, "waiting for the device", slot->param);
        ckpt_execute_tile_done(execution, slot->param);
        return CKPT_OK;
}

static ckpt_status run_in_slot(ckpt_execution *execution, const ckpt_tile *tile, ckpt_slot *slot,
                               ckpt_stream *stream)
{
        ckpt_status r = slot_wait(execution, slot);
        int32_t error;

        if (r == CKPT_OK)
                r = ckpt_tile_run(execution, tile, slot, stream);
        if (r)
                return r;
        if (!slot->event) {
                ckpt_execute_tile_done(execution, tile->param);
                return CKPT_OK;
        }
        error = execution->options->backend->event_record(slot->event, stream);
        if (error)
                return ckpt_execute_device_fail(execution, error, "recording an event", tile->param);
        slot->busy = true;
        slot->param = tile->param;
        return CKPT_OK;
}

/* A tile that could not be cut to the size of a slot: one at a time, in memory of its own. */
static ckpt_status run_oversized(ckpt_execution *execution, const ckpt_tile *tile, ckpt_stream *stream)
{
        ckpt_slot slot;
        ckpt_status r, waited;

        pthread_mutex_lock(&execution->oversize_lock);
        r = ckpt_slot_init(execution, &slot, tile->staging + tile->direct_bytes);
        if (r == CKPT_OK) {
                r = run_in_slot(execution, tile, &slot, stream);
                waited = slot_wait(execution, &slot);
                if (r != CKPT_OK)
                        execution->options->backend->stream_synchronize(stream);
                else
                        r = waited;
                ckpt_slot_deinit(execution, &slot);
        }
        pthread_mutex_unlock(&execution->oversize_lock);
        return r;
}

static ckpt_status run_tiles(ckpt_execution *execution, ckpt_slot *slots, uint32_t n_slots,
                             ckpt_stream *stream)
{
        const ckpt_plan *plan = execution->plan;
        ckpt_status r = CKPT_OK;
        uint32_t turn = 0;

        while (r == CKPT_OK && !atomic_load_explicit(&execution->stop, memory_order_relaxed)) {
                const uint64_t at = atomic_fetch_add_explicit(&execution->next, 1, memory_order_relaxed);
                const ckpt_tile *tile;

                if (at >= plan->tiles.count)
                        break;
                tile = &plan->tiles.items[at];
                r = ckpt_session_check(execution->session);
                if (r)
                        break;
                if (tile->staging + tile->direct_bytes > execution->slot_size)
                        r = run_oversized(execution, tile, stream);
                else
                        r = run_in_slot(execution, tile, &slots[turn++ % n_slots], stream);
        }
        for (uint32_t i = 0; i < n_slots; i++) {
                const ckpt_status waited = slot_wait(execution, &slots[i]);

                r = r ? r : waited;
        }
        return r;
}

static ckpt_status reader_main(void *context, uint32_t index)
{
        ckpt_execution *execution = context;
        const ckpt_execute_options *options = execution->options;
        _cleanup_(ckpt_freep) ckpt_slot *slots = calloc(options->slots, sizeof(*slots));
        ckpt_stream *stream = NULL;
        ckpt_status r = CKPT_OK;
        int32_t error;

        (void)index;
        if (!slots)
                return CKPT_E_NOMEM;
        error = options->backend->stream_new(options->device, &stream);
        if (error)
                return ckpt_execute_device_fail(execution, error, "making a stream", UINT64_MAX);
        for (uint32_t i = 0; i < options->slots && r == CKPT_OK; i++)
                r = ckpt_slot_init(execution, &slots[i], execution->slot_size);
        if (r == CKPT_OK)
                r = run_tiles(execution, slots, options->slots, stream);
        /* Staging memory is freed below: nothing may still use it, however the work ended. */
        error = options->backend->stream_synchronize(stream);
        if (error && r == CKPT_OK)
                r = ckpt_execute_device_fail(execution, error, "finishing", UINT64_MAX);
        for (uint32_t i = 0; i < options->slots; i++)
                ckpt_slot_deinit(execution, &slots[i]);
        options->backend->stream_free(stream);
        return r;
}

static ckpt_status count_tiles(ckpt_execution *execution)
{
        const ckpt_plan *plan = execution->plan;

        execution->tiles_left = calloc(plan->targets.count + 1, sizeof(*execution->tiles_left));
        if (!execution->tiles_left)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < plan->targets.count; i++) {
                atomic_init(&execution->tiles_left[i], (unsigned)plan->targets.items[i].n_tiles);
                /* Nothing to read: complete from the start. */
                if (plan->targets.items[i].n_tiles == 0 && plan->bindings[i].value) {
                        atomic_init(&execution->tiles_left[i], 1);
                        ckpt_execute_tile_done(execution, i);
                }
        }
        return CKPT_OK;
}

static void report_progress(void *context)
{
        ckpt_execution *execution = context;

        if (execution->options->progress)
                execution->options->progress(execution->options->context);
}

/*
 * What was read is only worth something if the files are still what they were when their headers were read. Each
 * is asked once; weights have one source, so that a change of source while walking is rare.
 */
static ckpt_status verify_sources(const ckpt_plan *plan)
{
        _cleanup_(ckpt_freep) bool *asked = NULL;
        ckpt_source *source = NULL;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < plan->extents.count && r == CKPT_OK; i++) {
                const ckpt_place *place = plan->extents.items[i].place;

                if (place->kind != CKPT_PLACE_OBJECT)
                        continue;
                if (place->source != source) {
                        source = place->source;
                        free(asked);
                        asked = calloc(ckpt_source_api_count(source) + 1, sizeof(*asked));
                        if (!asked)
                                return CKPT_E_NOMEM;
                }
                if (!asked[place->object])
                        r = ckpt_source_verify(&plan->session->diagnostics, source, place->object);
                asked[place->object] = true;
        }
        return r;
}

ckpt_status ckpt_execute(const ckpt_plan *plan, const ckpt_execute_options *options,
                         ckpt_execute_counters *counters)
{
        ckpt_execution execution = {
                .plan = plan,
                .options = options,
                .counters = counters,
                .session = plan->session,
                .slot_size = plan->largest_staging < plan->options.tile_bytes ? plan->largest_staging
                                                                              : plan->options.tile_bytes,
        };
        uint32_t readers = options->readers;
        ckpt_status r;

        if (plan->tiles.count < readers)
                readers = (uint32_t)plan->tiles.count;
        pthread_mutex_init(&execution.ready_lock, NULL);
        pthread_mutex_init(&execution.oversize_lock, NULL);
        r = count_tiles(&execution);
        if (r == CKPT_OK && readers > 0)
                r = ckpt_workers_run(plan->session, readers, reader_main, &execution, &execution.stop,
                                     report_progress, &execution);
        if (r == CKPT_OK)
                r = verify_sources(plan);
        report_progress(&execution);
        free(execution.tiles_left);
        pthread_mutex_destroy(&execution.oversize_lock);
        pthread_mutex_destroy(&execution.ready_lock);
        return r;
}
