/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CPU's device memory. A large block is mapped by itself, at a huge page's boundary
 * and with huge pages asked for: the first write to each page is a large part of a load's
 * cost. The kernel zeroes it on that write; nothing here does so again.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cpu.h"

#define ALIGNMENT   256u
#define HUGE_PAGE   (UINT64_C(2) << 20)
#define MAPPED_FROM (UINT64_C(1) << 20)

static uint64_t round_up(uint64_t size, uint64_t unit)
{
        return (size + unit - 1) / unit * unit;
}

/* A mapping has no alignment beyond the page's: take more, return both ends. */
static int32_t map_block(uint64_t size, void **ret_memory)
{
        const uint64_t page = 4096, length = round_up(size, page);
        uint8_t *start, *aligned;
        uint64_t before, after;

        start = mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED)
                return -errno;
        before = round_up((uint64_t)(uintptr_t)start, HUGE_PAGE) - (uint64_t)(uintptr_t)start;
        after = HUGE_PAGE - before;
        aligned = start + before;
        if (before > 0)
                (void)munmap(start, before);
        if (after > 0)
                (void)munmap(aligned + length, after);
        /* Advice: where the kernel knows no huge pages, small ones do. */
        (void)madvise(aligned, length, MADV_HUGEPAGE);
        *ret_memory = aligned;
        return 0;
}

int32_t ckpt_cpu_alloc(ckpt_device *device, uint64_t size, void **ret_memory)
{
        void *memory;

        (void)device;
        if (size > INT64_MAX / 2)
                return -ENOMEM;
        if (size >= MAPPED_FROM)
                return map_block(size, ret_memory);
        memory = aligned_alloc(ALIGNMENT, round_up(size > 0 ? size : 1, ALIGNMENT));
        if (memory == NULL)
                return -ENOMEM;
        *ret_memory = memory;
        return 0;
}

void ckpt_cpu_free(ckpt_device *device, void *memory, uint64_t size)
{
        (void)device;
        if (memory == NULL)
                return;
        if (size >= MAPPED_FROM)
                (void)munmap(memory, round_up(size, 4096));
        else
                free(memory);
}

int32_t ckpt_cpu_memory_info(ckpt_device *device, uint64_t *ret_free, uint64_t *ret_total)
{
        FILE *file = fopen("/proc/meminfo", "re");
        unsigned long long total = 0, available = 0;
        char line[256];

        (void)device;
        if (file == NULL)
                return -errno;
        while (fgets(line, sizeof(line), file) != NULL) {
                (void)sscanf(line, "MemTotal: %llu kB", &total);
                (void)sscanf(line, "MemAvailable: %llu kB", &available);
        }
        (void)fclose(file);
        if (total == 0)
                return -ENODATA;
        *ret_free = (uint64_t)available * 1024;
        *ret_total = (uint64_t)total * 1024;
        return 0;
}
