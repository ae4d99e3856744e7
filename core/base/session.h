/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_SESSION_H
#define CKPT_BASE_SESSION_H

/*
 * What every room of the house shares while one load goes through it
 *
 * A scope is where descriptions are allocated and where their errors go. A session is a load's scope with
 * its mapping, settings, log and cancellation. Rooms take a session and know nothing of the load above.
 */

#include <stdatomic.h>

#include "core/base/report.h"
#include "core/base/trace.h"

typedef struct ckpt_scope {
        const ckpt_api *api;
        ckpt_arena arena;
        ckpt_diagnostics *diagnostics; /* NULL: nobody listens */
        ckpt_tensor *error;            /* the error tensor, made on first need */
        bool out_of_memory;            /* an operation had to give the error tensor without a diagnostic */
} ckpt_scope;

typedef struct ckpt_session {
        ckpt_scope scope;
        ckpt_diagnostics diagnostics;
        ckpt_logger *logger;
        ckpt_mapping mapping;
        const ckpt_pair *settings; /* "weights.use_consolidated" = "true" */
        uint64_t n_settings;
        bool *setting_used; /* one per setting: declared by a chosen component */
        bool strict;
        const char *format;       /* once resolved */
        const char *architecture; /* once the configuration is there */
        ckpt_trace *trace;        /* NULL: none is made, or it was written */
        atomic_bool cancelled;
} ckpt_session;

ckpt_status ckpt_session_init(ckpt_session *session, const ckpt_api *api, ckpt_logger *logger,
                              const ckpt_load_options *options);
void ckpt_session_deinit(ckpt_session *session);
/** A setting more, which stands last. Both strings live as long as the session. */
ckpt_status ckpt_session_add_setting(ckpt_session *session, const char *key, const char *value);

/** Records on the session, as the runtime itself: (session, status, where, format, …). */
#define ckpt_session_fail(session, status, ...) \
        ckpt_diagnostics_add(&(session)->diagnostics, (status), NULL, NULL, __VA_ARGS__)

/** CKPT_E_CANCELLED once ckpt_load_cancel was called, else 0. Records nothing. */
static inline ckpt_status ckpt_session_check(const ckpt_session *session)
{
        return atomic_load_explicit(&session->cancelled, memory_order_relaxed) ? CKPT_E_CANCELLED : CKPT_OK;
}

/** The services table of this library. */
extern const ckpt_api ckpt_api_table;

#endif
