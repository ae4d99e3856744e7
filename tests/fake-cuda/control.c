/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Faults that are asked for, the error state, and what is counted
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

#define DEFAULT_MEMORY (UINT64_C(4) << 30)

fake_counts fake_count;

static struct {
        _Atomic(const char *) call;
        atomic_ullong n, calls;
        atomic_int error;
        atomic_bool failed;
} fault;

static atomic_int broken;
static atomic_ullong misuses, delay, memory;
static _Atomic(const char *) misuse;
static _Thread_local cudaError_t last_error;

/* ---- counts ---- */

static uint64_t get(const atomic_ullong *count)
{
        return atomic_load_explicit(count, memory_order_relaxed);
}

static void set(atomic_ullong *count, uint64_t value)
{
        atomic_store_explicit(count, value, memory_order_relaxed);
}

void fake_tally_add(fake_tally *tally, uint64_t size)
{
        const uint64_t now = atomic_fetch_add_explicit(&tally->bytes, size, memory_order_relaxed) + size;
        unsigned long long peak = get(&tally->peak);

        atomic_fetch_add_explicit(&tally->allocations, 1, memory_order_relaxed);
        while (peak < now && !atomic_compare_exchange_weak_explicit(
                                     &tally->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
                ;
}

void fake_tally_sub(fake_tally *tally, uint64_t size)
{
        atomic_fetch_sub_explicit(&tally->bytes, size, memory_order_relaxed);
        atomic_fetch_sub_explicit(&tally->allocations, 1, memory_order_relaxed);
}

static void get_counts(fake_cuda_counts *ret_counts)
{
        *ret_counts = (fake_cuda_counts){
                .device_allocations = get(&fake_count.device.allocations),
                .device_bytes = get(&fake_count.device.bytes),
                .device_peak = get(&fake_count.device.peak),
                .pinned_allocations = get(&fake_count.pinned.allocations),
                .pinned_bytes = get(&fake_count.pinned.bytes),
                .pinned_peak = get(&fake_count.pinned.peak),
                .registered_ranges = get(&fake_count.registered.allocations),
                .registered_bytes = get(&fake_count.registered.bytes),
                .streams = get(&fake_count.streams),
                .events = get(&fake_count.events),
                .copies = get(&fake_count.copies),
                .kernels = get(&fake_count.kernels),
                .pageable_copies = get(&fake_count.pageable_copies),
                .misuses = get(&misuses),
                .misuse = atomic_load(&misuse),
                .broken = atomic_load(&broken),
        };
}

/* ---- faults ---- */

static void fail_at(const char *call, uint64_t n, int32_t error)
{
        atomic_store(&fault.call, NULL);
        atomic_store(&fault.n, n);
        atomic_store(&fault.calls, 0);
        atomic_store(&fault.error, error);
        atomic_store(&fault.failed, false);
        atomic_store(&fault.call, call);
}

static int32_t has_failed(void)
{
        return atomic_load(&fault.failed);
}

static uint64_t calls(void)
{
        return get(&fault.calls);
}

cudaError_t fake_fault(const char *call)
{
        const char *armed = atomic_load_explicit(&fault.call, memory_order_relaxed);

        if (!armed || strcmp(armed, call) != 0 ||
            atomic_fetch_add_explicit(&fault.calls, 1, memory_order_relaxed) + 1 != get(&fault.n))
                return cudaSuccess;
        atomic_store_explicit(&fault.failed, true, memory_order_relaxed);
        return (cudaError_t)atomic_load_explicit(&fault.error, memory_order_relaxed);
}

cudaError_t fake_enter(const char *call)
{
        const cudaError_t lost = fake_broken();

        return lost != cudaSuccess ? lost : fake_fault(call);
}

cudaError_t fake_leave(cudaError_t error)
{
        if (error != cudaSuccess)
                last_error = error;
        return error;
}

void fake_break(cudaError_t error)
{
        int none = cudaSuccess;

        atomic_compare_exchange_strong_explicit(&broken, &none, (int)error, memory_order_relaxed,
                                                memory_order_relaxed);
}

cudaError_t fake_broken(void)
{
        return (cudaError_t)atomic_load_explicit(&broken, memory_order_relaxed);
}

void fake_misuse(const char *words)
{
        atomic_fetch_add_explicit(&misuses, 1, memory_order_relaxed);
        atomic_store_explicit(&misuse, words, memory_order_relaxed);
        fprintf(stderr, "fake CUDA: %s\n", words);
}

cudaError_t cudaGetLastError(void)
{
        const cudaError_t error = cudaPeekAtLastError();

        last_error = cudaSuccess;
        return error;
}

cudaError_t cudaPeekAtLastError(void)
{
        return fake_broken() != cudaSuccess ? fake_broken() : last_error;
}

/* ---- settings ---- */

static void set_delay(uint64_t nanoseconds)
{
        set(&delay, nanoseconds);
}

static void set_memory(uint64_t bytes)
{
        set(&memory, bytes);
}

void fake_wait_as_told(void)
{
        const uint64_t nanoseconds = get(&delay);

        if (nanoseconds > 0)
                nanosleep(&(struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000),
                                             .tv_nsec = (long)(nanoseconds % 1000000000)},
                          NULL);
}

uint64_t fake_memory_size(void)
{
        return get(&memory) ? get(&memory) : DEFAULT_MEMORY;
}

static void reset(void)
{
        fail_at(NULL, 0, 0);
        atomic_store(&broken, cudaSuccess);
        atomic_store(&misuse, NULL);
        set(&misuses, 0);
        set(&delay, 0);
        set(&memory, 0);
        set(&fake_count.device.peak, get(&fake_count.device.bytes));
        set(&fake_count.pinned.peak, get(&fake_count.pinned.bytes));
        set(&fake_count.copies, 0);
        set(&fake_count.kernels, 0);
        set(&fake_count.pageable_copies, 0);
        last_error = cudaSuccess;
}

static uint64_t number_of(const char *variable)
{
        const char *text = secure_getenv(variable);

        return text ? strtoull(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void read_environment(void)
{
        static char call[64];
        const char *text = secure_getenv("CKPT_FAKE_CUDA_FAIL");
        unsigned long long n;
        int error;

        set_delay(number_of("CKPT_FAKE_CUDA_DELAY"));
        set_memory(number_of("CKPT_FAKE_CUDA_MEMORY"));
        if (text && sscanf(text, "%63[^:]:%llu:%d", call, &n, &error) == 3)
                fail_at(call, n, error);
}

__attribute__((visibility("default"))) extern const fake_cuda_control fake_cuda;

const fake_cuda_control fake_cuda = {
        .get_counts = get_counts,
        .fail_at = fail_at,
        .has_failed = has_failed,
        .calls = calls,
        .set_delay = set_delay,
        .set_memory = set_memory,
        .reset = reset,
};
