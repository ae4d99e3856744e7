/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stream is a queue and a thread that works it off in order
 *
 * The queue is a list whose first node is spent: whoever pushes touches the last node, the thread the first,
 * and what is between them only goes one way (see fake.h).
 */

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "fake.h"
#include "mark.h"

struct CUstream_st {
        int device;
        pthread_t thread;
        sem_t waiting; /* operations pushed and not taken */
        _Atomic(fake_operation *) last;
        fake_operation *first;
};

/* ---- the queue ---- */

static fake_operation *operation_new(cudaError_t (*run)(fake_operation *))
{
        fake_operation *operation = calloc(1, sizeof(*operation));

        if (operation)
                operation->run = run;
        return operation;
}

/* What it holds is given back; its node may still be in the queue. */
static void spend(fake_operation *operation)
{
        for (uint32_t i = 0; i < operation->n_operands; i++)
                if (operation->operands[i].allocation)
                        fake_memory_unhold(&operation->operands[i]);
        if (operation->deinit)
                operation->deinit(operation);
        free(operation->operands);
}

void fake_operation_free(fake_operation *operation)
{
        spend(operation);
        free(operation);
}

void fake_stream_push(cudaStream_t stream, fake_operation *operation)
{
        fake_operation *before;

        atomic_store_explicit(&operation->next, NULL, memory_order_relaxed);
        before = atomic_exchange_explicit(&stream->last, operation, memory_order_acq_rel);
        atomic_store_explicit(&before->next, operation, memory_order_release);
        sem_post(&stream->waiting);
}

/* The node stays the list's first, spent, until the next one is taken. */
static fake_operation *take(cudaStream_t stream)
{
        fake_operation *next;

        while (sem_wait(&stream->waiting) != 0)
                ;
        while (!(next = atomic_load_explicit(&stream->first->next, memory_order_acquire)))
                sched_yield(); /* its pusher has announced it and not linked it yet */
        free(stream->first);
        stream->first = next;
        return next;
}

/* ---- the thread ---- */

static cudaError_t check_operands(const fake_operation *operation)
{
        for (uint32_t i = 0; i < operation->n_operands; i++)
                if (!fake_memory_is_held(&operation->operands[i])) {
                        fake_misuse("work was executed whose memory had been given back");
                        return cudaErrorIllegalAddress;
                }
        return cudaSuccess;
}

static void execute(fake_operation *operation)
{
        cudaError_t error = check_operands(operation);

        if (error == cudaSuccess)
                error = fake_fault(operation->fault);
        if (error == cudaSuccess) {
                fake_wait_as_told();
                error = operation->run(operation);
                atomic_fetch_add_explicit(operation->count, 1, memory_order_relaxed);
        }
        if (error != cudaSuccess)
                fake_break(error);
}

static void *stream_main(void *argument)
{
        cudaStream_t stream = argument;

        for (;;) {
                fake_operation *operation = take(stream);

                if (!operation->run)
                        return NULL;
                if (!operation->fault)
                        operation->run(operation);
                else if (fake_broken() == cudaSuccess)
                        execute(operation);
                spend(operation);
        }
}

/* Signals are for the program's own threads. */
static bool start(cudaStream_t stream)
{
        sigset_t all, before;
        int error;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&stream->thread, NULL, stream_main, stream);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return error == 0;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *ret_stream, unsigned int flags)
{
        const cudaError_t error = fake_enter("cudaStreamCreate");
        cudaStream_t stream;

        (void)flags;
        if (error != cudaSuccess)
                return fake_leave(error);
        stream = calloc(1, sizeof(*stream));
        if (!stream)
                return fake_leave(cudaErrorMemoryAllocation);
        stream->device = fake_current_device();
        stream->first = operation_new(NULL);
        atomic_init(&stream->last, stream->first);
        sem_init(&stream->waiting, 0, 0);
        if (!stream->first || !start(stream)) {
                sem_destroy(&stream->waiting);
                free(stream->first);
                free(stream);
                return fake_leave(cudaErrorMemoryAllocation);
        }
        atomic_fetch_add_explicit(&fake_count.streams, 1, memory_order_relaxed);
        *ret_stream = stream;
        return cudaSuccess;
}

/* An operation that does nothing ends the thread; what was pushed before is done first. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
        fake_operation *end;

        if (!stream)
                return fake_leave(cudaErrorInvalidResourceHandle);
        while (!(end = operation_new(NULL)))
                sched_yield();
        fake_stream_push(stream, end);
        pthread_join(stream->thread, NULL);
        free(stream->first);
        sem_destroy(&stream->waiting);
        free(stream);
        atomic_fetch_sub_explicit(&fake_count.streams, 1, memory_order_relaxed);
        return fake_leave(fake_enter("cudaStreamDestroy"));
}

cudaError_t fake_stream_check(cudaStream_t stream)
{
        return stream && stream->device == fake_current_device() ? cudaSuccess
                                                                 : cudaErrorInvalidResourceHandle;
}

int fake_stream_device(cudaStream_t stream)
{
        return stream->device;
}
