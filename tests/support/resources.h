/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RESOURCES_H
#define TESTS_SUPPORT_RESOURCES_H

/*
 * What this process holds, so that a test can tell that a failed load left nothing behind
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct resources {
        long threads;
        unsigned descriptors;
        uint64_t heap;   /* bytes of malloc in use */
        uint64_t mapped; /* private writable bytes of the address space */
} resources;

resources resources_now(void);
/**
 * Threads and descriptors must be equal; the heap may have grown by `slack` bytes, and the address space by
 * what the C library keeps of stacks: a leak of mappings shows when what leaked is more than that. Under a
 * sanitizer, whose allocator keeps what is freed, only the first two are compared: it finds leaks itself.
 */
void resources_expect_same(const resources *before, uint64_t slack);

/** Bytes of physical memory that are the process's own: now, and at most since the last reset. */
uint64_t resources_resident(void);
uint64_t resources_peak(void);
void resources_reset_peak(void);
/** Bytes of the address space, whatever they are. */
uint64_t resources_mapped(void);
/** Whether a sanitizer's run time is in the process: its shadow memory makes sizes meaningless. */
bool resources_sanitized(void);

#endif
