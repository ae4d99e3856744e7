/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CPU's device memory. A large block is mapped by itself: the kernel zeroes its pages when
 * they are first written, nothing here does so again, and freeing gives them back at once. Huge
 * pages are left to the system's policy: asking for them made the first write of a block three
 * times slower on the virtual machine where it was measured, since the host backs 2 MiB at a time.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cpu.h"

#define ALIGNMENT   256u
#define PAGE        4096u
#define MAPPED_FROM (UINT64_C(1) << 20)

static uint64_t round_up(uint64_t size, uint64_t unit)
{
        return (size + unit - 1) / unit * unit;
}

static int32_t map_block(uint64_t size, void **ret_memory)
{
        void *start =
                mmap(NULL, round_up(size, PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (start == MAP_FAILED)
                return -errno;
        *ret_memory = start;
        return 0;
}

int32_t ckpt_cpu_alloc(ckpt_device *device, uint64_t size, void **ret_memory)
{
        uint64_t alignment;
        void *memory;

        (void)device;
        if (size > INT64_MAX / 2)
                return -ENOMEM;
        if (size >= MAPPED_FROM)
                return map_block(size, ret_memory);
        /* Whole pages begin with one, so that files can be read into them past the page cache. */
        alignment = size >= PAGE ? PAGE : ALIGNMENT;
        memory = aligned_alloc(alignment, round_up(size > 0 ? size : 1, alignment));
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
                (void)munmap(memory, round_up(size, PAGE));
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
