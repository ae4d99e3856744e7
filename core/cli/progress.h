/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard error: log lines, and on a terminal a progress bar below them
 *
 * Lines come from any thread and the bar from the one that loads; a lock keeps them apart, and the bar is
 * taken off the screen before anything else is written.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <pthread.h>
#include <time.h>

#include <ckpt/ckpt.h>

#include "core/base/array.h"

struct progress {
        pthread_mutex_t lock;
        bool enabled; /* there is a terminal to draw on */
        bool drawn;
        bool timing;
        struct timespec started; /* when bytes began to flow */
        CKPT_ARRAY(char *) told; /* log lines of errors and warnings */
};

void progress_init(struct progress *progress, bool quiet);
void progress_deinit(struct progress *progress);
/** Takes the bar off the screen. */
void progress_clear(struct progress *progress);
/** For ckpt_load_options; context: struct progress. */
void progress_update(void *context, const ckpt_progress *state);
/** For ckpt_host_set_log; context: struct progress. */
void progress_log(void *context, ckpt_log_level level, const char *line);

/** Whether a log line has told this error or warning already. */
bool progress_has_told(const struct progress *progress, const char *text);

/** Seconds from one moment to another. */
double seconds_between(const struct timespec *from, const struct timespec *to);

#endif
