/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An execution from its lanes to its last check
 */

#include "core/execute/execution.h"

ckpt_status ckpt_execute_device_fail(ckpt_execution *execution, int32_t status, const char *doing,
                                     uint64_t param)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = param < execution->plan->model->params.count
                                     ? execution->plan->model->params.items[param]->public.name
                                     : NULL,
        };

        return ckpt_session_fail(execution->session, CKPT_E_DEVICE, &where, "%s: %s failed: %s",
                                 execution->options->backend->name, doing,
                                 execution->options->backend->describe(status));
}

void ckpt_tile_done(ckpt_execution *execution, uint64_t param, void *event)
{
        const ckpt_execute_options *options = execution->options;

        if (atomic_fetch_sub(&execution->tiles_left[param], 1) != 1)
                return;
        atomic_fetch_add_explicit(&execution->counters->params_ready, 1, memory_order_relaxed);
        if (options->ready) {
                pthread_mutex_lock(&execution->ready_lock);
                options->ready(options->context, param, event);
                pthread_mutex_unlock(&execution->ready_lock);
        }
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
                        ckpt_tile_done(execution, i, NULL);
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

static ckpt_status run_readers(ckpt_execution *execution)
{
        ckpt_status r = ckpt_lanes_take(execution), settled = CKPT_OK;

        if (r)
                return r;
        r = ckpt_workers_run(execution->session, execution->readers, ckpt_reader_main, execution,
                             &execution->stop, report_progress, execution);
        /* It is nobody's: by its stream, too, slots of others may have been sent. */
        if (execution->oversize)
                settled = ckpt_lane_settle(execution, execution->oversize);
        return r ? r : settled;
}

ckpt_status ckpt_execute(const ckpt_plan *plan, const ckpt_execute_options *options, ckpt_io_state *io,
                         ckpt_execute_counters *counters)
{
        ckpt_execution execution = {
                .plan = plan,
                .options = options,
                .io = io,
                .counters = counters,
                .session = plan->session,
                .readers = options->readers,
                .slots = options->slots,
                .slot_bytes = ckpt_execute_slot(plan),
        };
        ckpt_status r;

        ckpt_execute_fit(plan, &execution.readers, &execution.slots);
        pthread_mutex_init(&execution.ready_lock, NULL);
        pthread_mutex_init(&execution.oversize_lock, NULL);
        r = ckpt_bus_init(&execution);
        if (r == CKPT_OK)
                r = count_tiles(&execution);
        if (r == CKPT_OK && execution.readers > 0)
                r = run_readers(&execution);
        ckpt_lanes_give(&execution, r == CKPT_OK);
        if (r == CKPT_OK)
                r = ckpt_execute_verify(plan);
        report_progress(&execution);
        free(execution.tiles_left);
        ckpt_bus_deinit(&execution);
        pthread_mutex_destroy(&execution.oversize_lock);
        pthread_mutex_destroy(&execution.ready_lock);
        return r;
}
