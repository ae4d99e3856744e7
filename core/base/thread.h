/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_THREAD_H
#define CKPT_BASE_THREAD_H

/*
 * Threads of the library
 */

#include <pthread.h>

/**
 * Starts a thread to be joined, all of whose signals are blocked: they are the embedding program's business.
 * 0 or an error number, and then there is no thread.
 */
int ckpt_thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context);

#endif
