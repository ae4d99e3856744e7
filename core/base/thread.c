/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A thread inherits what signals are blocked, so they are blocked while it is made.
 */

#include "core/base/thread.h"

#include <signal.h>

int ckpt_thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context)
{
        sigset_t all, before;
        int error;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(ret_thread, NULL, run, context);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return error;
}
