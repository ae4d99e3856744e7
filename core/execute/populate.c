/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fresh memory, before it is written
 *
 * The first write to each page of fresh memory is a fault of its own, and for a load every page is fresh.
 * Asking for a tile's pages in one call took a fifth off a load from the page cache where it was measured.
 */

#include <sys/mman.h>

#include "core/execute/execute.h"

/* Below this the call costs what it saves. */
#define POPULATE_BYTES (128u << 10)
#define PAGE           4096u
#define HUGE_PAGE      (UINT64_C(2) << 20)

void ckpt_populate(void *memory, uint64_t size)
{
        const uintptr_t first = (uintptr_t)memory / PAGE * PAGE;
        const uintptr_t end = ((uintptr_t)memory + size + PAGE - 1) / PAGE * PAGE;

        if (size < POPULATE_BYTES)
                return;
        /* Advice: kernels before 5.14 do not know it, and the writes fault as ever. */
        (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}

uint8_t *ckpt_map_fresh(uint64_t size)
{
        uint8_t *start =
                mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint64_t before;

        if (start == MAP_FAILED)
                return NULL;
        before = (HUGE_PAGE - (uint64_t)(uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
        if (before > 0)
                (void)munmap(start, before);
        (void)munmap(start + before + size, HUGE_PAGE - before);
        start += before;
        /* Shared with a child of the process, one of the two would get other pages than the device knows. */
        (void)madvise(start, size, MADV_DONTFORK);
        (void)madvise(start, size, MADV_HUGEPAGE);
        return start;
}

void ckpt_unmap_fresh(uint8_t *memory, uint64_t size)
{
        (void)munmap(memory, size);
}
