/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C
 *
 * SIGINT and SIGTERM are blocked in every thread and read by one that does nothing else: so there is no
 * handler, and no global for it to reach the load through. The first signal cancels the load that is being
 * watched; the second, or one while there is no load, ends the process at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <pthread.h>

#include <ckpt/ckpt.h>

struct interrupt {
        pthread_mutex_t lock;
        pthread_t thread;
        int signals, stop; /* descriptors: signals that came; told to stop */
        bool started, caught;
        ckpt_load *load;
};

/** Begins to read signals. Call it before any other thread exists: they inherit what is blocked. */
ckpt_status interrupt_init(struct interrupt *interrupt);
void interrupt_deinit(struct interrupt *interrupt);
/** Which load a signal cancels from now on; NULL: none, so that it may be freed. */
void interrupt_watch(struct interrupt *interrupt, ckpt_load *load);

#endif
