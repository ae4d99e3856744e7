/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bar is one line, drawn over itself. The rate is an average from the first byte on: a momentary one
 * jumps with every chunk and tells a person nothing.
 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "table.h"

enum {
        BAR_WIDTH = 30
};

/* Back to the first column, and erase to the end of the line. */
#define ERASE_LINE "\r\033[K"

double seconds_between(const struct timespec *from, const struct timespec *to)
{
        return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

/* A file or a pipe gets no bar, and neither does a terminal that cannot erase. */
static bool can_draw(void)
{
        const char *term = secure_getenv("TERM");

        return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

void progress_init(struct progress *progress, bool quiet)
{
        *progress = (struct progress){.lock = PTHREAD_MUTEX_INITIALIZER, .enabled = !quiet && can_draw()};
}

void progress_deinit(struct progress *progress)
{
        progress_clear(progress);
        for (uint64_t i = 0; i < progress->told.count; i++)
                free(progress->told.items[i]);
        ckpt_array_deinit(&progress->told);
        pthread_mutex_destroy(&progress->lock);
}

static void erase(struct progress *progress)
{
        if (progress->drawn)
                fputs(ERASE_LINE, stderr);
        progress->drawn = false;
}

void progress_clear(struct progress *progress)
{
        pthread_mutex_lock(&progress->lock);
        erase(progress);
        fflush(stderr);
        pthread_mutex_unlock(&progress->lock);
}

static uint32_t terminal_width(void)
{
        struct winsize size = {0};

        return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The first moments say nothing yet, and would show an absurd rate. */
static double rate_since_start(struct progress *progress, uint64_t bytes)
{
        struct timespec now;
        double seconds;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!progress->timing) {
                progress->timing = true;
                progress->started = now;
        }
        seconds = seconds_between(&progress->started, &now);
        return seconds > 0.05 ? (double)bytes / seconds : 0;
}

static void describe(struct progress *progress, const ckpt_progress *state, ckpt_text *line)
{
        const bool moving = state->bytes_total > 0;
        const double part = moving ? (double)state->bytes_read / (double)state->bytes_total : 0;
        const int filled = part >= 1 ? BAR_WIDTH : (int)(part * BAR_WIDTH);
        double rate;

        ckpt_text_add(line, "%s", state->stage ? state->stage : "");
        if (!moving)
                return;
        ckpt_text_add(line, " [%.*s%*s] %3d%%  ", filled,
                      "==============================", BAR_WIDTH - filled, "", (int)(part * 100));
        text_add_size(line, state->bytes_read);
        ckpt_text_add(line, " of ");
        text_add_size(line, state->bytes_total);
        rate = rate_since_start(progress, state->bytes_read);
        if (rate > 0) {
                ckpt_text_add(line, "  ");
                text_add_size(line, (uint64_t)rate);
                ckpt_text_add(line, "/s");
        }
}

void progress_update(void *context, const ckpt_progress *state)
{
        _cleanup_(ckpt_text_deinit) ckpt_text line = CKPT_TEXT_INIT;
        struct progress *progress = context;

        if (!progress->enabled)
                return;
        pthread_mutex_lock(&progress->lock);
        describe(progress, state, &line);
        fprintf(stderr, ERASE_LINE "%.*s", (int)terminal_width() - 1, ckpt_text_get(&line));
        fflush(stderr);
        progress->drawn = true;
        pthread_mutex_unlock(&progress->lock);
}

/* Without memory it is told twice, which is better than not at all. */
static void remember(struct progress *progress, const char *line)
{
        char *copy = strdup(line);

        if (copy && ckpt_array_push(&progress->told, copy) != CKPT_OK)
                free(copy);
}

bool progress_has_told(const struct progress *progress, const char *text)
{
        for (uint64_t i = 0; i < progress->told.count; i++)
                if (strcmp(progress->told.items[i], text) == 0)
                        return true;
        return false;
}

void progress_log(void *context, ckpt_log_level level, const char *line)
{
        static const char *const prefixes[] = {"debug: ", "", "warning: ", "error: "};
        struct progress *progress = context;
        const char *prefix = level >= CKPT_LOG_DEBUG && level <= CKPT_LOG_ERROR ? prefixes[level] : "";

        pthread_mutex_lock(&progress->lock);
        erase(progress);
        fprintf(stderr, "ckpt-host: %s%s\n", prefix, line);
        if (level >= CKPT_LOG_WARNING)
                remember(progress, line);
        pthread_mutex_unlock(&progress->lock);
}
