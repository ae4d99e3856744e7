/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_PIN_H
#define CKPT_EXECUTE_PIN_H

/*
 * Host memory that a device reads at full speed, made at once or beside other work
 */

#include "core/base/session.h"
#include "kernels/backend.h"

/** Host memory. */
typedef struct ckpt_pinned {
        uint8_t *memory;
        uint64_t size;
        bool registered; /* with a device, which reads it at full speed */
} ckpt_pinned;

/** Who pins, and how. */
typedef struct ckpt_pinning {
        ckpt_session *session;
        const ckpt_backend *backend;
        ckpt_device *device;
        uint32_t threads;  /* that make its pages */
        atomic_bool *stop; /* set when one of them fails; when others set it, nothing is registered */
        void (*progress)(void *context); /* as for ckpt_workers_run */
        void *context;
} ckpt_pinning;

/** Makes it, all zeros, and registers it; to be deinited whatever comes back. `size`: whole pages. */
ckpt_status ckpt_pinned_init(ckpt_pinned *pinned, const ckpt_pinning *how, uint64_t size);
/** Zeros are fine. */
void ckpt_pinned_deinit(ckpt_pinned *pinned, const ckpt_backend *backend, ckpt_device *device);

/** Memory for the ring, in the making. */
typedef struct ckpt_preparation ckpt_preparation;

/**
 * Begins to make pinned memory in a thread of its own, for an execution that follows. A failure is that
 * execution's; it is recorded when it happens. `how` needs no `stop`, and its `progress` is to be NULL.
 */
ckpt_status ckpt_preparation_new(const ckpt_pinning *how, uint64_t size, ckpt_preparation **ret_preparation);
/** What was asked for; 0 for NULL. */
uint64_t ckpt_preparation_size(const ckpt_preparation *preparation);
/** Waits for it, and hands it out, once. CKPT_ABSENT: it is smaller, or taken. */
ckpt_status ckpt_preparation_take(ckpt_preparation *preparation, uint64_t size, ckpt_pinned *ret_pinned);
/** Waits for it, and frees what was not taken. Accepts NULL; returns NULL. */
ckpt_preparation *ckpt_preparation_free(ckpt_preparation *preparation);

#endif
