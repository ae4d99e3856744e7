/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_EXECUTE_H
#define CKPT_EXECUTE_EXECUTE_H

/*
 * Running a plan: reader threads take chunks from one queue, each with a few slots of one ring of staging
 * memory and a stream of its own
 *
 * A slot goes round: its chunk's ranges are read into the image, then one copy brings the image to the device
 * and a launch or two put everything into its place; an event says when the slot is free again. Meanwhile the
 * reader reads into the next one. On a device whose memory the host can address, what the page cache holds is
 * read straight to its place, and kernels run at once. Memory does not grow with the checkpoint: the ring,
 * and one slot for tiles that could not be cut.
 */

#include "core/execute/ring.h"

typedef struct ckpt_execute_options {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;              /* the device's memory is the host's */
        void *const *data;             /* per parameter: where it goes; NULL for skipped ones */
        ckpt_ring *ring;               /* where lanes come from */
        ckpt_preparation *preparation; /* memory for new ones; NULL: none was prepared */
        uint32_t readers;
        uint32_t slots; /* per reader */
        void *stream;   /* the engine's own, whose work comes first; may be NULL */
        /* About twenty times a second, from the calling thread. May be NULL. */
        void (*progress)(void *context);
        /* One at a time, from any thread; `event` is the backend's own handle. May be NULL. */
        void (*ready)(void *context, uint64_t param, void *event);
        void *context;
} ckpt_execute_options;

/** Counters that others may read while it runs. */
typedef struct ckpt_execute_counters {
        atomic_ullong bytes_read, reads, copies, kernels, params_ready;
        atomic_ullong bytes_to_device;
        atomic_ullong ring_bytes;       /* of the slots that were made or taken from the ring */
        atomic_ullong ring_nanoseconds; /* what making them took, or waiting for what was prepared */
} ckpt_execute_counters;

/**
 * Runs every chunk. The first failure stops the rest; CKPT_E_CANCELLED when the session was cancelled. Leaves no
 * thread, and no memory but what the ring keeps.
 */
ckpt_status ckpt_execute(const ckpt_plan *plan, const ckpt_execute_options *options, ckpt_io_state *io,
                         ckpt_execute_counters *counters);

/** Digests of the final bytes of every parameter that has data, into the parameters. */
ckpt_status ckpt_digest_model(ckpt_session *session, ckpt_model *model, const ckpt_backend *backend,
                              ckpt_device *device, bool host_memory, uint32_t readers);

/** No more readers than a plan has chunks, and no more slots than they fill. */
void ckpt_execute_fit(const ckpt_plan *plan, uint32_t *readers, uint32_t *slots);

/** Staging memory of all readers of a plan on the host; on a device that is not the host there is as much
 * again. */
uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots);
/** The same with what was prepared and is not needed. */
uint64_t ckpt_execute_host_staging(const ckpt_plan *plan, const ckpt_ring *ring,
                                   const ckpt_preparation *preparation, uint32_t readers, uint32_t slots);

#endif
