/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Recording. A thread finds its track by a key of the trace's own, so that there is no state beside the trace
 * and a thread may serve several.
 */

#include "core/base/trace.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/trace_track.h"

#define SPANS_MAX (1u << 20)

static uint64_t clock_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

ckpt_trace *ckpt_trace_new_bounded(uint64_t max_spans)
{
        ckpt_trace *trace = calloc(1, sizeof(*trace));

        if (!trace)
                return NULL;
        if (pthread_key_create(&trace->track, NULL) != 0) {
                free(trace);
                return NULL;
        }
        pthread_mutex_init(&trace->lock, NULL);
        trace->max_blocks = (max_spans + CKPT_TRACE_BLOCK - 1) / CKPT_TRACE_BLOCK;
        trace->epoch = clock_now();
        return trace;
}

ckpt_trace *ckpt_trace_new(void)
{
        return ckpt_trace_new_bounded(SPANS_MAX);
}

static void track_free(ckpt_trace_track *track)
{
        ckpt_trace_block *next;

        for (ckpt_trace_block *block = atomic_load(&track->first); block; block = next) {
                next = atomic_load(&block->next);
                free(block);
        }
        free(track);
}

ckpt_trace *ckpt_trace_free(ckpt_trace *trace)
{
        ckpt_trace_track *next;

        if (!trace)
                return NULL;
        for (ckpt_trace_track *track = trace->tracks; track; track = next) {
                next = track->next;
                track_free(track);
        }
        pthread_key_delete(trace->track);
        pthread_mutex_destroy(&trace->lock);
        free(trace);
        return NULL;
}

uint64_t ckpt_trace_now(const ckpt_trace *trace)
{
        return trace ? clock_now() - trace->epoch : 0;
}

/* The calling thread's, made on first need; NULL when memory is short. */
static ckpt_trace_track *need_track(ckpt_trace *trace)
{
        ckpt_trace_track *track = pthread_getspecific(trace->track);

        if (track)
                return track;
        track = calloc(1, sizeof(*track));
        if (!track || pthread_setspecific(trace->track, track) != 0) {
                free(track);
                return NULL;
        }
        pthread_mutex_lock(&trace->lock);
        track->number = ++trace->n_tracks;
        track->next = trace->tracks;
        trace->tracks = track;
        pthread_mutex_unlock(&trace->lock);
        return track;
}

/* NULL when the trace is full or memory is short. */
static ckpt_trace_block *new_block(ckpt_trace *trace)
{
        const bool room =
                atomic_fetch_add_explicit(&trace->blocks, 1, memory_order_relaxed) < trace->max_blocks;
        ckpt_trace_block *block = room ? malloc(sizeof(*block)) : NULL;

        if (!block) {
                atomic_fetch_sub_explicit(&trace->blocks, 1, memory_order_relaxed);
                return NULL;
        }
        atomic_init(&block->next, NULL);
        atomic_init(&block->count, 0);
        return block;
}

/* The block that has room for a span, or NULL. */
static ckpt_trace_block *need_block(ckpt_trace *trace, ckpt_trace_track *track)
{
        ckpt_trace_block *last = track->last, *block;

        if (last && atomic_load_explicit(&last->count, memory_order_relaxed) < CKPT_TRACE_BLOCK)
                return last;
        block = new_block(trace);
        if (!block)
                return NULL;
        atomic_store_explicit(last ? &last->next : &track->first, block, memory_order_release);
        track->last = block;
        return block;
}

void ckpt_trace_span(ckpt_trace *trace, const char *name, uint64_t start, uint64_t bytes)
{
        const uint64_t now = ckpt_trace_now(trace);
        ckpt_trace_track *track = trace ? need_track(trace) : NULL;
        ckpt_trace_block *block = track ? need_block(trace, track) : NULL;
        unsigned at;

        if (!trace)
                return;
        if (!block) {
                atomic_fetch_add_explicit(&trace->dropped, 1, memory_order_relaxed);
                return;
        }
        at = atomic_load_explicit(&block->count, memory_order_relaxed);
        block->events[at] = (ckpt_trace_event){
                .name = name, .start = start, .duration = now > start ? now - start : 0, .bytes = bytes};
        atomic_store_explicit(&block->count, at + 1, memory_order_release);
}

void ckpt_trace_thread(ckpt_trace *trace, const char *name, uint32_t index)
{
        ckpt_trace_track *track = trace ? need_track(trace) : NULL;

        if (!track)
                return;
        pthread_mutex_lock(&trace->lock);
        track->name = name;
        track->index = index;
        pthread_mutex_unlock(&trace->lock);
}
