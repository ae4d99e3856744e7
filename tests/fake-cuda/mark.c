/* SPDX-License-Identifier: Apache-2.0 */
#include "mark.h"

#include <stdlib.h>

#include "fake.h"

struct fake_mark {
        atomic_uint references;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool passed;
};

fake_mark *fake_mark_new(void)
{
        fake_mark *mark = calloc(1, sizeof(*mark));

        if (!mark)
                return NULL;
        atomic_init(&mark->references, 1);
        pthread_mutex_init(&mark->lock, NULL);
        pthread_cond_init(&mark->changed, NULL);
        return mark;
}

fake_mark *fake_mark_ref(fake_mark *mark)
{
        atomic_fetch_add_explicit(&mark->references, 1, memory_order_relaxed);
        return mark;
}

void fake_mark_unref(fake_mark *mark)
{
        if (!mark || atomic_fetch_sub_explicit(&mark->references, 1, memory_order_release) != 1)
                return;
        (void)atomic_load_explicit(&mark->references, memory_order_acquire);
        pthread_cond_destroy(&mark->changed);
        pthread_mutex_destroy(&mark->lock);
        free(mark);
}

void fake_mark_pass(fake_mark *mark)
{
        pthread_mutex_lock(&mark->lock);
        mark->passed = true;
        pthread_cond_broadcast(&mark->changed);
        pthread_mutex_unlock(&mark->lock);
}

bool fake_mark_is_passed(fake_mark *mark)
{
        bool passed;

        pthread_mutex_lock(&mark->lock);
        passed = mark->passed;
        pthread_mutex_unlock(&mark->lock);
        return passed;
}

void fake_mark_wait(fake_mark *mark)
{
        pthread_mutex_lock(&mark->lock);
        while (!mark->passed)
                pthread_cond_wait(&mark->changed, &mark->lock);
        pthread_mutex_unlock(&mark->lock);
}
