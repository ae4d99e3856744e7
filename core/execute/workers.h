/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_WORKERS_H
#define CKPT_EXECUTE_WORKERS_H

/*
 * A handful of threads for one piece of work
 */

#include "core/base/session.h"

/** What is common to workers: called in `count` threads until it returns; the first failure is the result. */
typedef ckpt_status (*ckpt_worker)(void *context, uint32_t index);

/**
 * Runs `count` workers in threads of their own, calling `progress` about twenty times a second meanwhile. A
 * thread that cannot be made is recorded, `stop` is set, and the others are waited for.
 */
ckpt_status ckpt_workers_run(ckpt_session *session, uint32_t count, ckpt_worker worker, void *context,
                             atomic_bool *stop, void (*progress)(void *context), void *progress_context);

#endif
