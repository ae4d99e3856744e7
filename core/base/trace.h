/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_TRACE_H
#define CKPT_BASE_TRACE_H

/*
 * A timeline: what every thread did from when to when
 *
 * A span costs two looks at the clock and 32 bytes of the thread's own; no lock is taken but for a thread's
 * first span. A trace holds about a million spans; those beyond, and those that found no memory, are counted
 * and missing. Recording never fails, and a NULL trace records nothing, so callers need not ask:
 *
 *         const uint64_t start = ckpt_trace_now(session->trace);
 *         …
 *         ckpt_trace_span(session->trace, "read", start, size);
 */

#include "core/base/report.h"

typedef struct ckpt_trace ckpt_trace;

/** In place of a thread's number: it has none. */
#define CKPT_TRACE_UNNUMBERED UINT32_MAX

/** The caller frees it. NULL: out of memory, or the system has no thread-specific key left. */
ckpt_trace *ckpt_trace_new(void);
/** When no thread records any more. Accepts NULL; returns NULL. */
ckpt_trace *ckpt_trace_free(ckpt_trace *trace);
/** Nanoseconds since the trace was made; 0 for NULL. Any thread. */
uint64_t ckpt_trace_now(const ckpt_trace *trace);
/** From `start` until now, on the calling thread's track; `name` is a static string; `bytes` 0: not said. */
void ckpt_trace_span(ckpt_trace *trace, const char *name, uint64_t start, uint64_t bytes);
/** Names the calling thread's track: "reader 3". `name` is a static string. */
void ckpt_trace_thread(ckpt_trace *trace, const char *name, uint32_t index);
/**
 * Writes what was recorded as a JSON object of trace events, which chrome://tracing and Perfetto open; `path`
 * is never half a file. What is recorded meanwhile may be missing. Failures are recorded with the path. With
 * a NULL trace nothing is written.
 */
ckpt_status ckpt_trace_write(ckpt_trace *trace, ckpt_diagnostics *diagnostics, const char *path);

#endif
