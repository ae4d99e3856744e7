/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events, and waiting for a stream, which is waiting for a mark at its end
 */

#include <stdlib.h>

#include "fake.h"
#include "mark.h"

struct CUevent_st {
        int device;
        pthread_mutex_t lock; /* taken by those who ask, never by a stream */
        fake_mark *mark;      /* NULL: never recorded */
};

/* To pass a mark, or to wait for one: done even when the context is lost, or nobody would wake up. */
typedef struct mark_operation {
        fake_operation head;
        fake_mark *mark;
} mark_operation;

static cudaError_t pass(fake_operation *operation)
{
        fake_mark_pass(((mark_operation *)operation)->mark);
        return cudaSuccess;
}

static cudaError_t wait_for(fake_operation *operation)
{
        fake_mark_wait(((mark_operation *)operation)->mark);
        return cudaSuccess;
}

static void mark_operation_deinit(fake_operation *operation)
{
        fake_mark_unref(((mark_operation *)operation)->mark);
}

/* Takes a reference of its own. */
static cudaError_t push_mark(cudaStream_t stream, fake_mark *mark, cudaError_t (*run)(fake_operation *))
{
        mark_operation *operation = calloc(1, sizeof(*operation));

        if (!operation)
                return cudaErrorMemoryAllocation;
        operation->head.run = run;
        operation->head.deinit = mark_operation_deinit;
        operation->mark = fake_mark_ref(mark);
        fake_stream_push(stream, &operation->head);
        return cudaSuccess;
}

/* A new mark at the stream's end, with a reference for the caller. */
static cudaError_t mark_end(cudaStream_t stream, fake_mark **ret_mark)
{
        fake_mark *mark = fake_mark_new();
        cudaError_t error;

        if (!mark)
                return cudaErrorMemoryAllocation;
        error = push_mark(stream, mark, pass);
        if (error == cudaSuccess)
                *ret_mark = mark;
        else
                fake_mark_unref(mark);
        return error;
}

static fake_mark *event_mark(cudaEvent_t event)
{
        fake_mark *mark;

        pthread_mutex_lock(&event->lock);
        mark = event->mark ? fake_mark_ref(event->mark) : NULL;
        pthread_mutex_unlock(&event->lock);
        return mark;
}

static void event_set_mark(cudaEvent_t event, fake_mark *mark)
{
        fake_mark *before;

        pthread_mutex_lock(&event->lock);
        before = event->mark;
        event->mark = mark;
        pthread_mutex_unlock(&event->lock);
        fake_mark_unref(before);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *ret_event, unsigned int flags)
{
        const cudaError_t error = fake_enter("cudaEventCreate");
        cudaEvent_t event;

        (void)flags;
        if (error != cudaSuccess)
                return fake_leave(error);
        event = calloc(1, sizeof(*event));
        if (!event)
                return fake_leave(cudaErrorMemoryAllocation);
        event->device = fake_current_device();
        pthread_mutex_init(&event->lock, NULL);
        atomic_fetch_add_explicit(&fake_count.events, 1, memory_order_relaxed);
        *ret_event = event;
        return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
        if (!event)
                return fake_leave(cudaErrorInvalidResourceHandle);
        fake_mark_unref(event->mark);
        pthread_mutex_destroy(&event->lock);
        free(event);
        atomic_fetch_sub_explicit(&fake_count.events, 1, memory_order_relaxed);
        return fake_leave(fake_enter("cudaEventDestroy"));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
        cudaError_t error = fake_enter("cudaEventRecord");
        fake_mark *mark = NULL;

        if (error == cudaSuccess)
                error = fake_stream_check(stream);
        if (error == cudaSuccess && event->device != fake_stream_device(stream))
                error = cudaErrorInvalidResourceHandle;
        if (error == cudaSuccess)
                error = mark_end(stream, &mark);
        if (error == cudaSuccess)
                event_set_mark(event, mark);
        return fake_leave(error);
}

/* Waits in any case: what was queued may use memory that the caller frees next. */
static cudaError_t wait_and_drop(fake_mark *mark)
{
        if (mark)
                fake_mark_wait(mark);
        fake_mark_unref(mark);
        return fake_broken();
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
        const cudaError_t error = fake_fault("cudaEventSynchronize");

        return fake_leave(error != cudaSuccess ? error : wait_and_drop(event_mark(event)));
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
        const cudaError_t error = fake_enter("cudaEventQuery");
        fake_mark *mark;
        bool passed;

        if (error != cudaSuccess)
                return fake_leave(error);
        mark = event_mark(event);
        passed = !mark || fake_mark_is_passed(mark);
        fake_mark_unref(mark);
        return fake_leave(!passed ? cudaErrorNotReady : fake_broken());
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
        cudaError_t error = fake_enter("cudaStreamWaitEvent");
        fake_mark *mark;

        (void)flags;
        if (error == cudaSuccess)
                error = fake_stream_check(stream);
        if (error != cudaSuccess)
                return fake_leave(error);
        mark = event_mark(event);
        if (mark)
                error = push_mark(stream, mark, wait_for);
        fake_mark_unref(mark);
        return fake_leave(error);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
        cudaError_t error = fake_fault("cudaStreamSynchronize");
        fake_mark *mark = NULL;

        if (error == cudaSuccess)
                error = fake_stream_check(stream);
        if (error == cudaSuccess)
                error = mark_end(stream, &mark);
        return fake_leave(error != cudaSuccess ? error : wait_and_drop(mark));
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
        cudaError_t error = fake_enter("cudaStreamQuery");
        fake_mark *mark = NULL;
        bool passed;

        if (error == cudaSuccess)
                error = fake_stream_check(stream);
        if (error == cudaSuccess)
                error = mark_end(stream, &mark);
        if (error != cudaSuccess)
                return fake_leave(error);
        passed = fake_mark_is_passed(mark);
        fake_mark_unref(mark);
        return fake_leave(!passed ? cudaErrorNotReady : fake_broken());
}
