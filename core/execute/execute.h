/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_EXECUTE_H
#define CKPT_EXECUTE_EXECUTE_H

/*
 * Running a plan: reader threads take tiles from one queue, each with a few slots of staging memory and a
 * stream of its own
 *
 * On a device whose memory the host can address, reads go straight to their place and kernels run at once. On
 * another, a slot is a piece of pinned memory with its mirror on the device: read, copy, kernels, event, next
 * slot. Memory does not grow with the checkpoint: slots, and one oversized tile at a time.
 */

#include "core/plan/plan.h"

typedef struct ckpt_execute_options {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;  /* the device's memory is the host's */
        void *const *data; /* per parameter: where it goes; NULL for skipped ones */
        uint32_t readers;
        uint32_t slots;                  /* per reader */
        void (*progress)(void *context); /* about ten times a second, from the calling thread; may be NULL */
        void (*ready)(void *context, uint64_t param); /* one at a time, from any thread; may be NULL */
        void *context;
} ckpt_execute_options;

/** Counters that others may read while it runs. */
typedef struct ckpt_execute_counters {
        atomic_ullong bytes_read, reads, copies, kernels, params_ready;
} ckpt_execute_counters;

/** Runs every tile. The first failure stops the rest; CKPT_E_CANCELLED when the session was cancelled. Leaves
 * no thread and no memory. */
ckpt_status ckpt_execute(const ckpt_plan *plan, const ckpt_execute_options *options,
                         ckpt_execute_counters *counters);

/** What is common to workers: called in `count` threads until it returns; the first failure is the result. */
typedef ckpt_status (*ckpt_worker)(void *context, uint32_t index);

/**
 * Runs `count` workers in threads of their own, calling `progress` about ten times a second meanwhile. A
 * thread that cannot be made is recorded, `stop` is set, and the others are waited for.
 */
ckpt_status ckpt_workers_run(ckpt_session *session, uint32_t count, ckpt_worker worker, void *context,
                             atomic_bool *stop, void (*progress)(void *context), void *progress_context);

/** Digests of the final bytes of every parameter that has data, into the parameters. */
ckpt_status ckpt_digest_model(ckpt_session *session, ckpt_model *model, const ckpt_backend *backend,
                              ckpt_device *device, bool host_memory, uint32_t readers);

/** Staging memory of all readers of a plan on the host; on a device that is not the host there is as much
 * again. */
uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots);

/* ---- between the files of this room ---- */

/** Staging memory for one tile at work. */
typedef struct ckpt_slot {
        uint8_t *host;   /* pinned, where the device is another */
        uint8_t *device; /* the same as host, or its mirror */
        uint64_t size;
        ckpt_event *event; /* NULL where the host's memory is the device's */
        bool busy;         /* work was enqueued that the event stands for */
        uint64_t param;    /* whose tile it was */
} ckpt_slot;

typedef struct ckpt_execution {
        const ckpt_plan *plan;
        const ckpt_execute_options *options;
        ckpt_execute_counters *counters;
        ckpt_session *session;
        atomic_ullong next; /* tile */
        atomic_bool stop;
        atomic_uint *tiles_left; /* per parameter */
        pthread_mutex_t ready_lock;
        pthread_mutex_t oversize_lock; /* held while a tile larger than a slot is at work */
        uint64_t slot_size;
} ckpt_execution;

ckpt_status ckpt_slot_init(ckpt_execution *execution, ckpt_slot *slot, uint64_t size);
void ckpt_slot_deinit(ckpt_execution *execution, ckpt_slot *slot);
/** Records a backend's failure with what was being done. */
ckpt_status ckpt_execute_device_fail(ckpt_execution *execution, int32_t status, const char *doing,
                                     uint64_t param);
/** Reads, copies and steps of a tile, enqueued on the stream; what was read is in the slot until the slot's
 * event. */
ckpt_status ckpt_tile_run(ckpt_execution *execution, const ckpt_tile *tile, ckpt_slot *slot,
                          ckpt_stream *stream);
/** The steps of a tile. */
ckpt_status ckpt_tile_run_steps(ckpt_execution *execution, const ckpt_tile *tile, ckpt_slot *slot,
                                ckpt_stream *stream);
/** Maps pages of host memory that is about to be written; changes no byte. */
void ckpt_populate(void *memory, uint64_t size);
/** One tile of a parameter is complete. */
void ckpt_execute_tile_done(ckpt_execution *execution, uint64_t param);

#endif
