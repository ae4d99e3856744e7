/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_REPORT_H
#define CKPT_BASE_REPORT_H

/*
 * The error law
 *
 * A function that fails returns a negative status. Whoever meets the failure first records one diagnostic
 * with all that is known there; everybody above forwards the status unchanged and adds nothing. Positive
 * statuses are conditions of one function and are handled by its caller. Running out of memory may be
 * returned without a diagnostic: there may be no memory to record it in; ckpt_diagnostics_add copes.
 *
 * The library logs through the host's sink alone.
 */

#include <pthread.h>
#include <stdarg.h>

#include <ckpt/ckpt.h>

#include "core/base/arena.h"
#include "core/base/array.h"

/** The host's log sink; lines below its level are not formatted. */
typedef struct ckpt_logger {
        pthread_mutex_t lock;
        ckpt_log_sink sink;
        void *context;
        ckpt_log_level level;
} ckpt_logger;

void ckpt_logger_init(ckpt_logger *logger);
void ckpt_logger_deinit(ckpt_logger *logger);
void ckpt_logger_write(ckpt_logger *logger, ckpt_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** Reasons, from any thread, in order of time. */
typedef struct ckpt_diagnostics {
        pthread_mutex_t lock;
        ckpt_arena arena;
        CKPT_ARRAY(ckpt_diagnostic) list;
        ckpt_status first; /* the first failure's status; 0 while there is none */
        uint64_t dropped;  /* beyond the cap, or for lack of memory */
} ckpt_diagnostics;

/** More reasons than this are counted, not kept. */
#define CKPT_DIAGNOSTICS_MAX 1000

void ckpt_diagnostics_init(ckpt_diagnostics *diagnostics);
void ckpt_diagnostics_deinit(ckpt_diagnostics *diagnostics);
/**
 * Records a reason and returns `status`. `plugin` and `component` may be NULL: the runtime itself. `where`
 * may be NULL. status 0 records a warning. With NULL diagnostics it only returns the status.
 */
ckpt_status ckpt_diagnostics_add(ckpt_diagnostics *diagnostics, ckpt_status status, const char *plugin,
                                 const char *component, const ckpt_where *where, const char *format, ...)
        __attribute__((format(printf, 6, 7)));
ckpt_status ckpt_diagnostics_addv(ckpt_diagnostics *diagnostics, ckpt_status status, const char *plugin,
                                  const char *component, const ckpt_where *where, const char *format,
                                  va_list arguments) __attribute__((format(printf, 6, 0)));
uint64_t ckpt_diagnostics_count(ckpt_diagnostics *diagnostics);
ckpt_status ckpt_diagnostics_first(ckpt_diagnostics *diagnostics);

/** "checkpoint loader", "config loader", "weight loader", "weight mapper". */
const char *ckpt_kind_name(ckpt_kind kind);

#endif
