/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_TRACE_TRACK_H
#define CKPT_BASE_TRACE_TRACK_H

/*
 * Inside a trace: a track per thread, a list of blocks per track
 *
 * Only its own thread appends to a track. The writer may look on: a span is there once its block's count says
 * so, a block once the pointer to it does.
 */

#include <stdatomic.h>

#include "core/base/trace.h"

typedef struct ckpt_trace_event {
        const char *name;
        uint64_t start, duration; /* nanoseconds */
        uint64_t bytes;
} ckpt_trace_event;

/** Spans of a block; 32 KiB. */
#define CKPT_TRACE_BLOCK 1024u

typedef struct ckpt_trace_block {
        _Atomic(struct ckpt_trace_block *) next;
        atomic_uint count;
        ckpt_trace_event events[CKPT_TRACE_BLOCK];
} ckpt_trace_block;

typedef struct ckpt_trace_track {
        struct ckpt_trace_track *next;
        uint32_t number;  /* from 1, in order of appearance */
        const char *name; /* NULL until it is given; with its index under the trace's lock */
        uint32_t index;
        _Atomic(ckpt_trace_block *) first;
        ckpt_trace_block *last; /* the thread's own */
} ckpt_trace_track;

struct ckpt_trace {
        uint64_t epoch;      /* of the monotonic clock */
        pthread_key_t track; /* the calling thread's */
        pthread_mutex_t lock;
        ckpt_trace_track *tracks; /* the newest first */
        uint32_t n_tracks;
        uint64_t max_blocks;
        atomic_ullong blocks, dropped;
};

/** A trace that holds about `max_spans`: whole blocks, of which every thread takes one at least. */
ckpt_trace *ckpt_trace_new_bounded(uint64_t max_spans);

#endif
