/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads under way in one reader, by io_uring
 */

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "core/io/io.h"

struct ckpt_uring {
        struct io_uring ring;
};

/*
 * A ring's memory comes from the kernel and goes back to it by calls that no tool sees. Whoever gets the same
 * addresses next comes after whoever had them: this says so.
 */
static atomic_uint handed_on;

ckpt_uring *ckpt_uring_new(unsigned depth, int *ret_error)
{
        ckpt_uring *uring = calloc(1, sizeof(*uring));
        int r = -ENOMEM;

        if (uring)
                r = io_uring_queue_init(depth, &uring->ring, 0);
        atomic_fetch_add_explicit(&handed_on, 1, memory_order_acq_rel);
        if (r == 0)
                return uring;
        free(uring);
        *ret_error = -r;
        return NULL;
}

ckpt_uring *ckpt_uring_free(ckpt_uring *uring)
{
        if (uring) {
                atomic_fetch_add_explicit(&handed_on, 1, memory_order_acq_rel);
                io_uring_queue_exit(&uring->ring);
        }
        free(uring);
        return NULL;
}

/* Submitted at once. An entry that could not be is turned into one that does nothing, for the next time. */
bool ckpt_uring_read(ckpt_uring *uring, int fd, void *buffer, uint64_t size, uint64_t offset, void *tag)
{
        struct io_uring_sqe *entry = io_uring_get_sqe(&uring->ring);
        int r;

        if (!entry)
                return false;
        io_uring_prep_read(entry, fd, buffer, (unsigned)size, offset);
        io_uring_sqe_set_data(entry, tag);
        do
                r = io_uring_submit(&uring->ring);
        while (r == -EINTR);
        if (r > 0 && io_uring_sq_ready(&uring->ring) == 0)
                return true;
        io_uring_prep_nop(entry);
        io_uring_sqe_set_data(entry, NULL);
        return false;
}

int ckpt_uring_wait(ckpt_uring *uring, void **ret_tag, int *ret_result)
{
        struct io_uring_cqe *done = NULL;
        int r;

        do
                r = io_uring_wait_cqe(&uring->ring, &done);
        while (r == -EINTR);
        if (r < 0)
                return r;
        *ret_tag = io_uring_cqe_get_data(done);
        *ret_result = done->res;
        io_uring_cqe_seen(&uring->ring, done);
        return 0;
}
