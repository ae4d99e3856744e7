/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pinned memory for an execution that is being planned
 *
 * How much a large load wants is known before its plan is. So a thread makes it beside the plan.
 */

#include <string.h>

#include "core/base/thread.h"
#include "core/execute/pin.h"

struct ckpt_preparation {
        ckpt_pinning how;
        atomic_bool stop;
        uint64_t size;
        pthread_t thread;
        bool running;
        ckpt_pinned pinned; /* once it does not run; empty when it was taken */
        ckpt_status status;
};

static void *prepare(void *context)
{
        ckpt_preparation *preparation = context;

        ckpt_trace_thread(preparation->how.session->trace, "ring", CKPT_TRACE_UNNUMBERED);
        preparation->status = ckpt_pinned_init(&preparation->pinned, &preparation->how, preparation->size);
        return NULL;
}

ckpt_status ckpt_preparation_new(const ckpt_pinning *how, uint64_t size, ckpt_preparation **ret_preparation)
{
        ckpt_preparation *preparation = calloc(1, sizeof(*preparation));
        int error;

        if (!preparation)
                return CKPT_E_NOMEM;
        preparation->how = *how;
        preparation->how.stop = &preparation->stop;
        preparation->size = size;
        error = ckpt_thread_start(&preparation->thread, prepare, preparation);
        if (error) {
                free(preparation);
                return ckpt_session_fail(how->session, CKPT_E_SYSTEM, NULL, "cannot start a thread: %s",
                                         strerror(error));
        }
        preparation->running = true;
        *ret_preparation = preparation;
        return CKPT_OK;
}

uint64_t ckpt_preparation_size(const ckpt_preparation *preparation)
{
        return preparation ? preparation->size : 0;
}

static void wait_for_end(ckpt_preparation *preparation)
{
        if (preparation->running)
                pthread_join(preparation->thread, NULL);
        preparation->running = false;
}

ckpt_status ckpt_preparation_take(ckpt_preparation *preparation, uint64_t size, ckpt_pinned *ret_pinned)
{
        wait_for_end(preparation);
        if (preparation->status)
                return preparation->status;
        if (preparation->pinned.size < size)
                return CKPT_ABSENT;
        *ret_pinned = preparation->pinned;
        preparation->pinned = (ckpt_pinned){0};
        return CKPT_OK;
}

ckpt_preparation *ckpt_preparation_free(ckpt_preparation *preparation)
{
        if (!preparation)
                return NULL;
        atomic_store(&preparation->stop, true);
        wait_for_end(preparation);
        ckpt_pinned_deinit(&preparation->pinned, preparation->how.backend, preparation->how.device);
        free(preparation);
        return NULL;
}
