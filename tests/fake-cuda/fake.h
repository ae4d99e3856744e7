/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FAKE_CUDA_FAKE_H
#define CKPT_FAKE_CUDA_FAKE_H

/*
 * Inside the CUDA runtime without a device
 *
 * Its use is to show missing waits. So nothing may order the device's work before the host's but an event
 * that was waited for, a synchronisation, or the end of a stream: the queues have no lock that both sides
 * take, what is looked up is looked up under a reader's lock, and counters are relaxed. ThreadSanitizer then
 * sees a slot that is written too early even when the bytes come out right.
 */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#include "fake_cuda.h"

#define FAKE_DEVICES 2

/* ---- control.c: faults, errors, counts ---- */

typedef struct fake_tally {
        atomic_ullong allocations, bytes, peak;
} fake_tally;

typedef struct fake_counts {
        fake_tally device, pinned, registered;
        atomic_ullong streams, events, copies, kernels, pageable_copies;
} fake_counts;

extern fake_counts fake_count;

void fake_tally_add(fake_tally *tally, uint64_t size);
void fake_tally_sub(fake_tally *tally, uint64_t size);

/** What a call of that name begins with: the lost context's error, or the armed one, or success. */
cudaError_t fake_enter(const char *call);
/** The same without the lost context: for what gives back, and for what is executed. */
cudaError_t fake_fault(const char *call);
/** What a call ends with: noted as the thread's last error. */
cudaError_t fake_leave(cudaError_t error);
/** The context is lost: from now on every call fails with this. */
void fake_break(cudaError_t error);
cudaError_t fake_broken(void);
/** Notes what a real device would not have told. `words` is static. */
void fake_misuse(const char *words);
void fake_wait_as_told(void);
uint64_t fake_memory_size(void);

/* ---- memory.c: what is allocated, and whether an operand is in it ---- */

typedef enum fake_kind {
        FAKE_DEVICE = 1,
        FAKE_PINNED = 2,
        FAKE_REGISTERED = 4
} fake_kind;

/** Bytes that queued work reads or writes. */
typedef struct fake_operand {
        const void *start;
        uint64_t size;
        uint64_t allocation; /* 0: memory that the runtime does not know */
} fake_operand;

/** Memory with random bytes in it. */
cudaError_t fake_memory_new(fake_kind kind, int device, uint64_t size, void **ret_memory);
/** Memory of somebody else's. */
cudaError_t fake_memory_add(int device, void *memory, uint64_t size);
/** Overwrites it with random bytes and frees it; the other kind is only forgotten. */
cudaError_t fake_memory_remove(fake_kind kind, void *memory);
/** Finds the allocation that holds all of the operand, on the device if it is device memory, and holds it. */
bool fake_memory_hold(unsigned kinds, int device, fake_operand *operand);
/** Whether it is still there. */
bool fake_memory_is_held(const fake_operand *operand);
void fake_memory_unhold(const fake_operand *operand);
/** Whether the bytes are all in the allocation of that number. */
bool fake_memory_covers(uint64_t allocation, const void *start, uint64_t size);
/** Whether any of the bytes are device memory. */
bool fake_memory_touches_device(const void *start, uint64_t size);

/* ---- stream.c: queues, events ---- */

/** Something for a stream to do. Embedded in what it is done with; of malloc. */
typedef struct fake_operation {
        _Atomic(struct fake_operation *) next;
        const char *fault; /* what a fault at its execution is named by; NULL: done even when all is lost */
        atomic_ullong *count; /* of its kind */
        fake_operand *operands;
        uint32_t n_operands;
        cudaError_t (*run)(struct fake_operation *operation);
        void (*deinit)(struct fake_operation *operation); /* may be NULL */
} fake_operation;

/** Whether a call on this stream may be made now: it is of the current device. */
cudaError_t fake_stream_check(cudaStream_t stream);
int fake_stream_device(cudaStream_t stream);
/** Hands the operation over; its operands are held. */
void fake_stream_push(cudaStream_t stream, fake_operation *operation);
/** Gives back what an operation holds, and itself. */
void fake_operation_free(fake_operation *operation);

int fake_current_device(void);

#endif
