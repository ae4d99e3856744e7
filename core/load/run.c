/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Running a plan for a load: memory, execution, digests, the model
 */

#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/thread.h"
#include "core/load/load.h"

static void call_progress(void *context)
{
        ckpt_load *load = context;
        ckpt_progress progress;

        if (!load->options.progress)
                return;
        ckpt_load_get_progress(load, &progress);
        load->options.progress(load->options.context, &progress);
}

static void call_ready(void *context, uint64_t param, void *event)
{
        ckpt_load *load = context;

        load->options.ready(load->options.context, &load->model->params.items[param]->public, event);
}

static ckpt_status execute(ckpt_load *load, void *const *data)
{
        const ckpt_execute_options options = {
                .backend = load->backend,
                .device = load->device,
                .host_memory = ckpt_load_on_host(load),
                .data = data,
                .ring = load->ring,
                .preparation = load->preparation,
                .readers = load->readers,
                .slots = load->slots,
                .stream = load->options.stream,
                .progress = call_progress,
                .ready = load->options.ready ? call_ready : NULL,
                .context = load,
        };
        ckpt_stage stage = ckpt_load_begin_stage(load);
        ckpt_status r;

        atomic_store(&load->stage, "load");
        ckpt_io_init(&load->io, load->session, load->options.io, load->plan);
        r = ckpt_execute(load->plan, &options, &load->io, &load->counters);
        ckpt_io_explain(&load->io, load->io_why, sizeof(load->io_why));
        ckpt_load_end_stage(load, &stage, "load", &load->stats.execute_seconds,
                            atomic_load(&load->counters.bytes_read));
        if (r || !load->options.digest)
                return r;
        stage = ckpt_load_begin_stage(load);
        r = ckpt_digest_model(load->session, load->model, load->backend, load->device, options.host_memory,
                              load->readers);
        ckpt_load_end_stage(load, &stage, "digest", &load->stats.digest_seconds,
                            load->plan->totals.bytes_final);
        return r;
}

static ckpt_status run_plan(ckpt_load *load)
{
        ckpt_memory *memory = NULL;
        _cleanup_(ckpt_freep) void **data = NULL;
        const ckpt_stage stage = ckpt_load_begin_stage(load);
        ckpt_status r = ckpt_load_allocate(load, &memory);

        if (r == CKPT_OK)
                data = calloc(load->plan->targets.count + 1, sizeof(*data));
        if (r == CKPT_OK)
                r = data ? ckpt_load_place(load, memory, data) : CKPT_E_NOMEM;
        ckpt_load_end_stage(load, &stage, "allocate", &load->stats.allocate_seconds, load->plan->arena_bytes);
        if (r) {
                ckpt_memory_unref(memory);
                return r;
        }
        ckpt_model_set_memory(load->model, memory, data, load->device_name);
        ckpt_memory_unref(memory);
        r = execute(load, data);
        if (r) {
                /* Nobody shall find half a tensor. */
                memset(data, 0, load->plan->targets.count * sizeof(*data));
                ckpt_model_set_memory(load->model, NULL, data, load->device_name);
        }
        return r;
}

static void note_cancelled(ckpt_load *load)
{
        ckpt_session_fail(load->session, CKPT_E_CANCELLED, NULL, "the load was cancelled");
}

static ckpt_status run(ckpt_load *load)
{
        ckpt_status r;

        if (load->done)
                return load->status;
        r = ckpt_load_prepare(load);
        if (r == CKPT_OK)
                r = ckpt_load_need_plan(load);
        if (r == CKPT_OK)
                r = run_plan(load);
        load->preparation = ckpt_preparation_free(load->preparation);
        if (r == CKPT_E_CANCELLED)
                note_cancelled(load);
        ckpt_load_end_trace(load);
        load->status = r;
        load->done = true;
        atomic_store(&load->stage, r ? "failed" : "done");
        return r;
}

static ckpt_status hand_out(ckpt_load *load, ckpt_status r, ckpt_model **ret_model)
{
        if (r == CKPT_OK && ret_model)
                *ret_model = ckpt_model_ref(load->model);
        return r;
}

ckpt_status ckpt_load_run(ckpt_load *load, ckpt_model **ret_model)
{
        if (load->running)
                return ckpt_session_fail(
                        load->session, CKPT_E_INVALID, NULL,
                        "the load runs in a thread of its own: ckpt_load_wait gives its result");
        return hand_out(load, run(load), ret_model);
}

static void *thread_main(void *argument)
{
        run(argument);
        return NULL;
}

ckpt_status ckpt_load_start(ckpt_load *load)
{
        int error;

        if (load->running)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "the load runs already");
        error = ckpt_thread_start(&load->thread, thread_main, load);
        if (error)
                return ckpt_session_fail(load->session, CKPT_E_SYSTEM, NULL, "cannot start a thread: %s",
                                         strerror(error));
        load->running = true;
        return CKPT_OK;
}

ckpt_status ckpt_load_wait(ckpt_load *load, ckpt_model **ret_model)
{
        if (!load->running)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "the load was not started");
        pthread_join(load->thread, NULL);
        load->running = false;
        return hand_out(load, load->status, ret_model);
}

/* Every reason, for those who kept no load to ask. */
static ckpt_status fail_with_reasons(ckpt_host *host, ckpt_load *load, ckpt_status status)
{
        ckpt_text text = CKPT_TEXT_INIT;
        ckpt_diagnostic diagnostic;

        for (uint64_t i = 0; ckpt_load_diagnostic(load, i, &diagnostic) == CKPT_OK; i++)
                ckpt_text_add(&text, "%s%s", text.length > 0 ? "; " : "", diagnostic.text);
        ckpt_host_fail(host, status, "%s", text.length > 0 ? ckpt_text_get(&text) : ckpt_status_name(status));
        ckpt_text_deinit(&text);
        return status;
}

ckpt_status ckpt_load_dir(ckpt_host *host, const char *path, const ckpt_load_options *options,
                          ckpt_model **ret_model)
{
        ckpt_load *load = NULL;
        ckpt_status r = ckpt_load_new(host, options, &load);

        if (r)
                return r;
        r = ckpt_load_set_path(load, path);
        if (r == CKPT_OK)
                r = ckpt_load_run(load, ret_model);
        if (r)
                fail_with_reasons(host, load, r);
        ckpt_load_free(load);
        return r;
}
