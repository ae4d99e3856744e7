/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request, from the page cache and past it
 */

#include <errno.h>
#include <unistd.h>

#include "core/io/io.h"

/* Requests of one reader that can be under way. */
#define URING_DEPTH 32

/* One read past the page cache; larger ones gain nothing and make cancelling wait. */
#define DIRECT_READ_MAX (8u << 20)

static uint64_t block_floor(uint64_t value)
{
        return value / CKPT_BLOCK_BYTES * CKPT_BLOCK_BYTES;
}

static void count(atomic_ullong *counter, uint64_t bytes)
{
        atomic_fetch_add_explicit(counter, bytes, memory_order_relaxed);
}

/* ---- through the page cache ---- */

static ckpt_status read_buffered(ckpt_io_state *io, ckpt_request *q, struct iovec *pieces, int n)
{
        count(&io->bytes_buffered, q->size);
        return ckpt_source_read_pieces(&io->session->diagnostics, q->source, q->object, q->offset, pieces, n);
}

static ckpt_status read_image_buffered(ckpt_io_state *io, ckpt_request *q)
{
        struct iovec image = {.iov_base = q->image, .iov_len = q->size};

        q->in_image = true;
        return read_buffered(io, q, &image, 1);
}

static ckpt_status read_through_cache(ckpt_io_state *io, ckpt_request *q)
{
        return q->pieces ? read_buffered(io, q, q->pieces, q->n_pieces) : read_image_buffered(io, q);
}

/* ---- past it ---- */

static bool can_be_direct(const ckpt_request *q)
{
        return q->image && q->has_room && q->size >= CKPT_DIRECT_BYTES &&
               ((uintptr_t)q->image - q->offset) % CKPT_BLOCK_BYTES == 0;
}

/* Where the block at q->at goes, and how much is wanted from there on. */
static uint8_t *block_address(const ckpt_request *q)
{
        return q->image + (int64_t)(q->at - q->offset);
}

static uint64_t block_bytes(const ckpt_request *q)
{
        const uint64_t end = block_floor(q->offset + q->size + CKPT_BLOCK_BYTES - 1);

        return end - q->at < DIRECT_READ_MAX ? end - q->at : DIRECT_READ_MAX;
}

static ckpt_status give_up_direct(ckpt_io_state *io, ckpt_request *q)
{
        q->pending = false;
        ckpt_source_refuse_direct(q->source, q->object);
        return read_image_buffered(io, q);
}

/*
 * What became of one read. CKPT_ABSENT: it has to go on from q->at. The last block of a file is short; a read
 * that ends anywhere else goes on from the last whole block.
 */
static ckpt_status direct_landed(ckpt_io_state *io, ckpt_request *q, int64_t result)
{
        const uint64_t end = q->offset + q->size;
        uint64_t reached;

        if (result == -EINTR || result == -EAGAIN)
                return CKPT_ABSENT;
        if (result == -EINVAL || result == -EOPNOTSUPP)
                return give_up_direct(io, q);
        if (result < 0)
                return ckpt_source_fail_read(&io->session->diagnostics, q->source, q->object,
                                             q->at > q->offset ? q->at : q->offset, (int)-result);
        reached = q->at + (uint64_t)result;
        count(&io->bytes_direct, (uint64_t)result);
        if (reached >= end)
                return CKPT_OK;
        if (result == 0)
                return ckpt_source_fail_short(&io->session->diagnostics, q->source, q->object, reached);
        if (block_floor(reached) == q->at)
                return give_up_direct(io, q);
        q->at = block_floor(reached);
        return CKPT_ABSENT;
}

static ckpt_status direct_by_pread(ckpt_io_state *io, ckpt_request *q)
{
        ckpt_status r = CKPT_ABSENT;

        q->pending = false;
        while (r == CKPT_ABSENT) {
                const ssize_t n = pread(q->fd, block_address(q), block_bytes(q), (off_t)q->at);

                r = ckpt_session_check(io->session);
                if (r == CKPT_OK)
                        r = direct_landed(io, q, n < 0 ? -errno : n);
        }
        return r;
}

static void lane_prepare(ckpt_io_state *io, ckpt_io_lane *lane)
{
        if (!lane->uring && !lane->uring_error)
                lane->uring = ckpt_uring_new(URING_DEPTH, &lane->uring_error);
        if (!lane->uring)
                atomic_store_explicit(&io->uring_error, lane->uring_error, memory_order_relaxed);
}

static ckpt_status direct_go_on(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *q)
{
        lane_prepare(io, lane);
        if (!lane->uring || !ckpt_uring_read(lane->uring, q->fd, block_address(q), block_bytes(q), q->at, q))
                return direct_by_pread(io, q);
        atomic_store_explicit(&io->uring_used, true, memory_order_relaxed);
        q->pending = true;
        return CKPT_OK;
}

static ckpt_status start_direct(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *q)
{
        q->in_image = true;
        q->at = block_floor(q->offset);
        return direct_go_on(io, lane, q);
}

/* ---- both ---- */

/* A descriptor past the page cache where the request shall be read so, or a negative number. */
static ckpt_status choose_fd(ckpt_io_state *io, const ckpt_request *q, int *ret_fd)
{
        bool cached = io->chosen != CKPT_IO_DIRECT;
        ckpt_status r = CKPT_OK;

        *ret_fd = -1;
        if (!can_be_direct(q))
                return CKPT_OK;
        if (io->chosen == CKPT_IO_AUTO)
                r = ckpt_source_is_cached(&io->session->diagnostics, q->source, q->object, q->offset, q->size,
                                          &cached);
        if (r >= 0 && !cached)
                *ret_fd = ckpt_source_direct_fd(q->source, q->object);
        return r < 0 ? r : CKPT_OK;
}

ckpt_status ckpt_io_start(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *q)
{
        ckpt_status r;

        q->pending = q->in_image = false;
        q->status = CKPT_OK;
        r = choose_fd(io, q, &q->fd);
        if (r)
                return r;
        return q->fd >= 0 ? start_direct(io, lane, q) : read_through_cache(io, q);
}

/* The next read of the lane that ends, whosever it is. */
static ckpt_status lane_wait(ckpt_io_state *io, ckpt_io_lane *lane)
{
        void *tag = NULL;
        int result = 0;
        const int error = ckpt_uring_wait(lane->uring, &tag, &result);
        ckpt_request *q = tag;

        if (error)
                return ckpt_session_fail(io->session, CKPT_E_SYSTEM, NULL, "waiting for io_uring failed: %s",
                                         strerror(-error));
        if (!q)
                return CKPT_OK;
        q->pending = false;
        q->status = direct_landed(io, q, result);
        if (q->status == CKPT_ABSENT && ckpt_session_check(io->session))
                q->status = CKPT_E_CANCELLED;
        /* Told to try again, a kernel may say so for ever; a call that waits cannot. */
        if (q->status == CKPT_ABSENT)
                q->status = result == -EAGAIN ? direct_by_pread(io, q) : direct_go_on(io, lane, q);
        return CKPT_OK;
}

ckpt_status ckpt_io_finish(ckpt_io_state *io, ckpt_io_lane *lane, ckpt_request *q)
{
        while (q->pending) {
                const ckpt_status r = lane_wait(io, lane);

                if (r)
                        return r;
        }
        return q->status;
}

void ckpt_io_lane_deinit(ckpt_io_lane *lane)
{
        lane->uring = ckpt_uring_free(lane->uring);
}
