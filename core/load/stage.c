/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a stage took: into the statistics, and into the timeline if there is one
 */

#include "core/load/load.h"

ckpt_stage ckpt_load_begin_stage(ckpt_load *load)
{
        ckpt_trace_thread(load->session->trace, "load", CKPT_TRACE_UNNUMBERED);
        return (ckpt_stage){
                .seconds = ckpt_clock(),
                .nanoseconds = ckpt_trace_now(load->session->trace),
                .bytes_headers = load->stats.bytes_headers,
        };
}

void ckpt_load_end_stage(ckpt_load *load, const ckpt_stage *stage, const char *name, double *seconds,
                         uint64_t bytes)
{
        /* With the plan headers end: what components read from then on is payload. */
        if (load->source && !load->plan)
                load->stats.bytes_headers = ckpt_source_asked_bytes(load->source);
        *seconds += ckpt_clock() - stage->seconds;
        ckpt_trace_span(load->session->trace, name, stage->nanoseconds,
                        bytes + load->stats.bytes_headers - stage->bytes_headers);
}

/* The load has its result: a timeline that cannot be written is a warning, to the load and to the log. */
static void warn(ckpt_load *load, ckpt_diagnostics *reasons)
{
        const ckpt_diagnostic *reason = reasons->list.count > 0 ? &reasons->list.items[0] : NULL;
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .hint = reason && reason->hint ? reason->hint : "only the timeline is missing",
        };
        const char *message = reason ? reason->message : "out of memory";

        ckpt_session_fail(load->session, CKPT_OK, &where, "no timeline was written: %s", message);
        ckpt_logger_write(load->session->logger, CKPT_LOG_WARNING, "no timeline was written: %s; %s", message,
                          where.hint);
}

void ckpt_load_end_trace(ckpt_load *load)
{
        ckpt_session *session = load->session;
        ckpt_diagnostics reasons;

        if (!session->trace)
                return;
        ckpt_diagnostics_init(&reasons);
        if (ckpt_trace_write(session->trace, &reasons, load->options.trace) != CKPT_OK)
                warn(load, &reasons);
        ckpt_diagnostics_deinit(&reasons);
        session->trace = ckpt_trace_free(session->trace);
}
