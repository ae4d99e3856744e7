/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FAKE_CUDA_MARK_H
#define CKPT_FAKE_CUDA_MARK_H

/*
 * A place in a stream's queue, made once and passed once: what an event stands for since it was last
 * recorded. Reference-counted: the event, the queue that will pass it and the queues that wait for it.
 */

#include <stdbool.h>

typedef struct fake_mark fake_mark;

/** With one reference; NULL without memory. */
fake_mark *fake_mark_new(void);
fake_mark *fake_mark_ref(fake_mark *mark);
void fake_mark_unref(fake_mark *mark);
void fake_mark_pass(fake_mark *mark);
bool fake_mark_is_passed(fake_mark *mark);
void fake_mark_wait(fake_mark *mark);

#endif
