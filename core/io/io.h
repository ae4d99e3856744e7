/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_IO_IO_H
#define CKPT_IO_IO_H

/*
 * How a range of an object gets into memory: through the page cache where that has it, else past it
 *
 * A request goes one way, as most of its range is cached or not. Past the page cache it is read in whole
 * blocks with O_DIRECT, by io_uring where the kernel lets us, so that a reader has several requests under
 * way; else by pread, one per reader. Where neither can be had, the page cache reads.
 */

#include "core/plan/plan.h"
#include "core/source/source.h"

typedef struct ckpt_uring ckpt_uring;

/** What is common to the requests of one load. */
typedef struct ckpt_io_state {
        ckpt_session *session;
        ckpt_io chosen;
        const char *reason; /* why it is not what was requested; NULL when it is */
        atomic_ullong bytes_buffered, bytes_direct, bytes_mapped;
        atomic_int uring_error; /* errno that io_uring was refused with; 0: not refused */
        atomic_bool uring_used;
        atomic_uint mapped_probes;
        atomic_ullong
                mapped_too_slow; /* bytes per second that pages were registered at; 0: fast enough so far */
        atomic_bool mapped_refused; /* the device does not take pages of a file */
} ckpt_io_state;

/** Requests of one reader. */
typedef struct ckpt_io_lane {
        ckpt_uring *uring; /* made by the first read past the page cache */
        int uring_error; /* errno that it was refused with, once; lanes outlive loads, and each load says so */
} ckpt_io_lane;

void ckpt_io_lane_deinit(ckpt_io_lane *lane);

/** One range of an object, on its way. Stays where it is while it is pending. */
typedef struct ckpt_request {
        ckpt_source *source;
        uint32_t object;
        uint64_t offset, size;
        uint8_t *image;       /* where it goes when it is read past the page cache, or has no pieces */
        bool has_room;        /* around it, up to the next block on both sides, lies nothing that matters */
        struct iovec *pieces; /* where it goes when the page cache reads it; used up; may be NULL */
        int n_pieces;

        bool in_image; /* once it is done: it went to the image */
        bool pending;
        int fd;
        uint64_t at; /* next block */
        ckpt_status status;
} ckpt_request;

/** What file system and kernel allow of a policy, judged by the first object of the plan. */
void ckpt_io_init(ckpt_io_state *io, ckpt_session *session, ckpt_io requested, const ckpt_plan *plan);
/** Starts a request: done when it returns, or pending. */
ckpt_status ckpt_io_start(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *request);
/** Waits until a request is not pending any more: its result. */
ckpt_status ckpt_io_finish(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *request);
/** What brought most bytes, and one line on why. */
ckpt_io ckpt_io_effective(const ckpt_io_state *io);
void ckpt_io_explain(const ckpt_io_state *io, char *ret_text, size_t size);
/** "io_uring", "pread", or "" when nothing was read past the page cache. */
const char *ckpt_io_engine(const ckpt_io_state *io);

/* ---- reads under way: uring.c, or uring_none.c where it is not built ---- */

/** NULL, with an errno, where the kernel does not let us. */
ckpt_uring *ckpt_uring_new(unsigned depth, int *ret_error);
ckpt_uring *ckpt_uring_free(ckpt_uring *uring);
/** False: no room, or refused; nothing was started. */
bool ckpt_uring_read(ckpt_uring *uring, int fd, void *buffer, uint64_t size, uint64_t offset, void *tag);
/**
 * Waits for one read to end: its tag, and bytes or a negative errno. A negative errno when waiting failed.
 */
int ckpt_uring_wait(ckpt_uring *uring, void **ret_tag, int *ret_result);

#endif
