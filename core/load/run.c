/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Running a plan for a load: memory, execution, digests, the model
 */

#include <signal.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/load/load.h"

static void release_host(void *context)
{
        ckpt_host_free(context);
}

static ckpt_status memory_failed(ckpt_load *load, int32_t error, uint64_t wanted)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .hint = "use more ranks, another dtype, or a device with more memory",
        };
        uint64_t free_bytes = 0, total = 0;

        load->backend->memory_info(load->device, &free_bytes, &total);
        return ckpt_session_fail(
                load->session, CKPT_E_NOMEM, &where,
                "%s: %llu bytes for the final tensors cannot be had, %llu of %llu are free: %s",
                load->device_name, (unsigned long long)wanted, (unsigned long long)free_bytes,
                (unsigned long long)total, load->backend->describe(error));
}

/* One allocation for everything that the engine has no buffer for. */
static ckpt_status allocate(ckpt_load *load, ckpt_memory **ret_memory)
{
        ckpt_memory *memory = calloc(1, sizeof(*memory));
        int32_t error = 0;

        if (!memory)
                return CKPT_E_NOMEM;
        atomic_init(&memory->references, 1);
        memory->backend = load->backend;
        memory->device = load->device;
        memory->ordinal = load->ordinal;
        memory->size = load->plan->arena_bytes;
        if (memory->size > 0)
                error = load->backend->alloc(load->device, memory->size, &memory->data);
        if (error) {
                const ckpt_status r = memory_failed(load, error, memory->size);

                free(memory);
                return r;
        }
        /* The device is the host's: it must outlive the memory. */
        memory->release = release_host;
        memory->context = ckpt_host_ref(load->host);
        *ret_memory = memory;
        return CKPT_OK;
}

/* Where each parameter goes; NULL for those that are skipped. */
static void **place_params(const ckpt_plan *plan, const ckpt_memory *memory)
{
        void **data = calloc(plan->targets.count + 1, sizeof(*data));

        for (uint64_t i = 0; data && i < plan->targets.count; i++) {
                const ckpt_target *target = &plan->targets.items[i];

                if (!plan->bindings[i].value)
                        continue;
                data[i] = target->buffer;
                if (!target->buffer && memory->data)
                        data[i] = (uint8_t *)memory->data + target->offset;
        }
        return data;
}

static void call_progress(void *context)
{
        ckpt_load *load = context;
        ckpt_progress progress;

        if (!load->options.progress)
                return;
        ckpt_load_get_progress(load, &progress);
        load->options.progress(load->options.context, &progress);
}

static void call_ready(void *context, uint64_t param)
{
        ckpt_load *load = context;

        load->options.ready(load->options.context, &load->model->params.items[param]->public);
}

static ckpt_status execute(ckpt_load *load, void *const *data)
{
        const ckpt_execute_options options = {
                .backend = load->backend,
                .device = load->device,
                .host_memory = ckpt_load_on_host(load),
                .data = data,
                .readers = load->readers,
                .slots = load->slots,
                .progress = call_progress,
                .ready = load->options.ready ? call_ready : NULL,
                .context = load,
        };
        double start = ckpt_load_clock();
        ckpt_status r;

        atomic_store(&load->stage, "load");
        r = ckpt_execute(load->plan, &options, &load->counters);
        load->stats.execute_seconds += ckpt_load_clock() - start;
        if (r || !load->options.digest)
                return r;
        start = ckpt_load_clock();
        r = ckpt_digest_model(load->session, load->model, load->backend, load->device, options.host_memory,
                              load->readers);
        load->stats.digest_seconds += ckpt_load_clock() - start;
        return r;
}

static ckpt_status run_plan(ckpt_load *load)
{
        ckpt_memory *memory = NULL;
        _cleanup_(ckpt_freep) void **data = NULL;
        const double start = ckpt_load_clock();
        ckpt_status r = allocate(load, &memory);

        if (r)
                return r;
        data = place_params(load->plan, memory);
        if (!data) {
                ckpt_memory_unref(memory);
                return CKPT_E_NOMEM;
        }
        load->stats.allocate_seconds += ckpt_load_clock() - start;
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
        r = ckpt_load_need_plan(load);
        if (r == CKPT_OK)
                r = run_plan(load);
        if (r == CKPT_E_CANCELLED)
                note_cancelled(load);
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
        sigset_t all, before;
        int error;

        if (load->running)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "the load runs already");
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&load->thread, NULL, thread_main, load);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
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
