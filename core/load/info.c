/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a load tells about itself
 */

#include "core/load/load.h"

ckpt_status ckpt_load_get_config(ckpt_load *load, const ckpt_config **ret_config)
{
        const ckpt_status r = ckpt_load_need_config(load);

        if (r == CKPT_OK)
                *ret_config = load->shared->config;
        return r;
}

ckpt_status ckpt_load_get_source(ckpt_load *load, const ckpt_source **ret_source)
{
        const ckpt_status r = ckpt_load_need_source(load);

        if (r == CKPT_OK)
                *ret_source = load->source;
        return r;
}

ckpt_status ckpt_load_get_weights(ckpt_load *load, ckpt_weights **ret_weights)
{
        const ckpt_status r = ckpt_load_need_weights(load);

        if (r == CKPT_OK)
                *ret_weights = load->store;
        return r;
}

ckpt_status ckpt_load_resolve(ckpt_load *load)
{
        return ckpt_load_need_mapper(load);
}

ckpt_status ckpt_load_get_plan(ckpt_load *load, const ckpt_plan **ret_plan)
{
        const ckpt_status r = ckpt_load_need_plan(load);

        if (r == CKPT_OK)
                *ret_plan = load->plan;
        return r;
}

void ckpt_load_get_progress(const ckpt_load *load, ckpt_progress *ret_progress)
{
        *ret_progress = (ckpt_progress){
                .bytes_read = atomic_load(&load->counters.bytes_read),
                .bytes_total = atomic_load(&load->bytes_total),
                .params_ready = atomic_load(&load->counters.params_ready),
                .params_total = atomic_load(&load->params_total),
                .stage = atomic_load(&load->stage),
        };
}

uint64_t ckpt_load_diagnostic_count(const ckpt_load *load)
{
        return ckpt_diagnostics_count(&load->session->diagnostics);
}

ckpt_status ckpt_load_diagnostic(const ckpt_load *load, uint64_t index, ckpt_diagnostic *ret_diagnostic)
{
        ckpt_diagnostics *diagnostics = &load->session->diagnostics;
        ckpt_status r = CKPT_ABSENT;

        pthread_mutex_lock(&diagnostics->lock);
        if (index < diagnostics->list.count) {
                *ret_diagnostic = diagnostics->list.items[index];
                r = CKPT_OK;
        }
        pthread_mutex_unlock(&diagnostics->lock);
        return r;
}

uint64_t ckpt_load_candidate_count(const ckpt_load *load)
{
        return load->resolution.candidates.count;
}

ckpt_status ckpt_load_candidate(const ckpt_load *load, uint64_t index, ckpt_candidate *ret_candidate)
{
        if (index >= load->resolution.candidates.count)
                return CKPT_ABSENT;
        *ret_candidate = load->resolution.candidates.items[index];
        return CKPT_OK;
}

const char *ckpt_load_format(const ckpt_load *load)
{
        return load->session->format;
}

void ckpt_load_get_stats(const ckpt_load *load, ckpt_load_stats *ret_stats)
{
        *ret_stats = load->stats;
        ret_stats->bytes_read = atomic_load(&load->counters.bytes_read);
        ret_stats->reads = atomic_load(&load->counters.reads);
        ret_stats->copies = atomic_load(&load->counters.copies);
        ret_stats->kernels = atomic_load(&load->counters.kernels);
        ret_stats->readers = load->readers;
        ret_stats->ring_seconds = (double)atomic_load(&load->counters.ring_nanoseconds) * 1e-9;
        ret_stats->ring_bytes = atomic_load(&load->counters.ring_bytes);
        ret_stats->bytes_to_device = atomic_load(&load->counters.bytes_to_device);
        ret_stats->bytes_buffered = atomic_load(&load->io.bytes_buffered);
        ret_stats->bytes_direct = atomic_load(&load->io.bytes_direct);
        ret_stats->bytes_mapped = atomic_load(&load->io.bytes_mapped);
        ret_stats->io_requested = load->options.io;
        ret_stats->io_chosen = load->io.chosen;
        ret_stats->io_effective = ckpt_io_effective(&load->io);
        ret_stats->io_engine = ckpt_io_engine(&load->io);
        ret_stats->io_why = load->io_why;
        if (load->plan) {
                ret_stats->bytes_final = load->plan->totals.bytes_final;
                ret_stats->host_peak = load->plan->totals.host_peak;
                ret_stats->device_peak = load->plan->totals.device_peak;
        }
}

ckpt_status ckpt_load_export(ckpt_load *load, const ckpt_model *model, const char *path)
{
        return ckpt_model_export(load->session, model, path);
}
