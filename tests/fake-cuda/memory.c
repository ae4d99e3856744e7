/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The allocations of both devices and of pinned memory, and the ranges that are registered
 *
 * Memory is exactly as long as was asked for, so that AddressSanitizer sees the byte behind it, and holds
 * random bytes before its first write and after its last. Freeing does not wait for queued work, as the real
 * calls happen to do: nobody should build on it.
 */

#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define DEVICE_ALIGNMENT 256
#define PINNED_ALIGNMENT 4096

typedef struct allocation {
        fake_kind kind;
        int device;
        uint8_t *start;
        uint64_t size, number;
        atomic_uint held; /* by queued work */
} allocation;

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static allocation *allocations;
static uint64_t n_allocations, n_room, last_number;

static void poison(uint8_t *memory, uint64_t size, uint64_t seed)
{
        uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;

        for (uint64_t at = 0; at < size; at += sizeof(state)) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                memcpy(memory + at, &state, size - at < sizeof(state) ? size - at : sizeof(state));
        }
}

static fake_tally *tally_of(fake_kind kind)
{
        switch (kind) {
        case FAKE_DEVICE:
                return &fake_count.device;
        case FAKE_PINNED:
                return &fake_count.pinned;
        default:
                return &fake_count.registered;
        }
}

/* ---- under the lock ---- */

static bool covers(const allocation *a, const void *start, uint64_t size)
{
        const uintptr_t at = (uintptr_t)start, first = (uintptr_t)a->start;

        return at >= first && at - first <= a->size && size <= a->size - (at - first);
}

static bool overlaps(const allocation *a, const void *start, uint64_t size)
{
        const uintptr_t at = (uintptr_t)start, first = (uintptr_t)a->start;

        return at < first + a->size && first < at + size;
}

static allocation *find_number(uint64_t number)
{
        for (uint64_t i = 0; i < n_allocations; i++)
                if (allocations[i].number == number)
                        return &allocations[i];
        return NULL;
}

static uint64_t device_bytes(int device)
{
        uint64_t sum = 0;

        for (uint64_t i = 0; i < n_allocations; i++)
                if (allocations[i].kind == FAKE_DEVICE && allocations[i].device == device)
                        sum += allocations[i].size;
        return sum;
}

static cudaError_t append(fake_kind kind, int device, void *memory, uint64_t size)
{
        if (n_allocations == n_room) {
                const uint64_t room = 2 * n_room + 16;
                allocation *larger = realloc(allocations, room * sizeof(*larger));

                if (!larger)
                        return cudaErrorMemoryAllocation;
                allocations = larger;
                n_room = room;
        }
        allocations[n_allocations++] = (allocation){
                .kind = kind, .device = device, .start = memory, .size = size, .number = ++last_number};
        fake_tally_add(tally_of(kind), size);
        return cudaSuccess;
}

static cudaError_t allocate(fake_kind kind, int device, uint64_t size, void **ret_memory)
{
        void *memory = NULL;
        cudaError_t error;

        if (kind == FAKE_DEVICE && device_bytes(device) + size > fake_memory_size())
                return cudaErrorMemoryAllocation;
        if (posix_memalign(&memory, kind == FAKE_DEVICE ? DEVICE_ALIGNMENT : PINNED_ALIGNMENT, size) != 0)
                return cudaErrorMemoryAllocation;
        poison(memory, size, last_number + 1);
        error = append(kind, device, memory, size);
        if (error == cudaSuccess)
                *ret_memory = memory;
        else
                free(memory);
        return error;
}

static cudaError_t add_registered(int device, void *memory, uint64_t size)
{
        for (uint64_t i = 0; i < n_allocations; i++)
                if (allocations[i].kind != FAKE_DEVICE && overlaps(&allocations[i], memory, size))
                        return cudaErrorHostMemoryAlreadyRegistered;
        return append(FAKE_REGISTERED, device, memory, size);
}

static cudaError_t take_out(fake_kind kind, const void *memory, allocation *ret_allocation)
{
        for (uint64_t i = 0; i < n_allocations; i++)
                if (allocations[i].kind == kind && allocations[i].start == memory) {
                        *ret_allocation = allocations[i];
                        allocations[i] = allocations[--n_allocations];
                        if (n_allocations > 0)
                                return cudaSuccess;
                        free(allocations);
                        allocations = NULL;
                        n_room = 0;
                        return cudaSuccess;
                }
        return kind == FAKE_REGISTERED ? cudaErrorHostMemoryNotRegistered : cudaErrorInvalidValue;
}

/* ---- with the lock ---- */

cudaError_t fake_memory_new(fake_kind kind, int device, uint64_t size, void **ret_memory)
{
        cudaError_t error;

        pthread_rwlock_wrlock(&lock);
        error = allocate(kind, device, size, ret_memory);
        pthread_rwlock_unlock(&lock);
        return error;
}

cudaError_t fake_memory_add(int device, void *memory, uint64_t size)
{
        cudaError_t error;

        pthread_rwlock_wrlock(&lock);
        error = add_registered(device, memory, size);
        pthread_rwlock_unlock(&lock);
        return error;
}

cudaError_t fake_memory_remove(fake_kind kind, void *memory)
{
        allocation gone;
        cudaError_t error;

        pthread_rwlock_wrlock(&lock);
        error = take_out(kind, memory, &gone);
        pthread_rwlock_unlock(&lock);
        if (error != cudaSuccess) {
                fake_misuse("memory was given back that is not there");
                return error;
        }
        fake_tally_sub(tally_of(kind), gone.size);
        if (atomic_load_explicit(&gone.held, memory_order_relaxed) > 0)
                fake_misuse("memory was given back while work on it was queued");
        if (kind == FAKE_REGISTERED)
                return cudaSuccess;
        poison(gone.start, gone.size, gone.number + 1);
        free(gone.start);
        return cudaSuccess;
}

bool fake_memory_hold(unsigned kinds, int device, fake_operand *operand)
{
        bool found = false;

        pthread_rwlock_rdlock(&lock);
        for (uint64_t i = 0; i < n_allocations && !found; i++) {
                allocation *a = &allocations[i];

                if (!(a->kind & kinds) || (a->kind == FAKE_DEVICE && a->device != device) ||
                    !covers(a, operand->start, operand->size))
                        continue;
                atomic_fetch_add_explicit(&a->held, 1, memory_order_relaxed);
                operand->allocation = a->number;
                found = true;
        }
        pthread_rwlock_unlock(&lock);
        return found;
}

bool fake_memory_is_held(const fake_operand *operand)
{
        return operand->allocation == 0 ||
               fake_memory_covers(operand->allocation, operand->start, operand->size);
}

void fake_memory_unhold(const fake_operand *operand)
{
        allocation *a;

        pthread_rwlock_rdlock(&lock);
        a = find_number(operand->allocation);
        if (a)
                atomic_fetch_sub_explicit(&a->held, 1, memory_order_relaxed);
        pthread_rwlock_unlock(&lock);
}

bool fake_memory_covers(uint64_t allocation_number, const void *start, uint64_t size)
{
        const allocation *a;
        bool is;

        pthread_rwlock_rdlock(&lock);
        a = find_number(allocation_number);
        is = a && covers(a, start, size);
        pthread_rwlock_unlock(&lock);
        return is;
}

bool fake_memory_touches_device(const void *start, uint64_t size)
{
        bool is = false;

        pthread_rwlock_rdlock(&lock);
        for (uint64_t i = 0; i < n_allocations && !is; i++)
                is = allocations[i].kind == FAKE_DEVICE && overlaps(&allocations[i], start, size);
        pthread_rwlock_unlock(&lock);
        return is;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
        const cudaError_t error = fake_enter("cudaMemGetInfo");
        uint64_t used;

        if (error != cudaSuccess)
                return fake_leave(error);
        pthread_rwlock_rdlock(&lock);
        used = device_bytes(fake_current_device());
        *total = fake_memory_size();
        *available = *total > used ? *total - used : 0;
        pthread_rwlock_unlock(&lock);
        return cudaSuccess;
}
