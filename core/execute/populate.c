/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fresh memory, before it is written
 *
 * The first write to each page of fresh memory is a fault of its own, and for a load every page is fresh.
 * Asking for a tile's pages in one call took a fifth off a load from the page cache where it was measured.
 */

#include <sys/mman.h>

#include "core/execute/execution.h"

/* Below this the call costs what it saves. */
#define POPULATE_BYTES (128u << 10)
#define PAGE           4096u

void ckpt_populate(void *memory, uint64_t size)
{
        const uintptr_t first = (uintptr_t)memory / PAGE * PAGE;
        const uintptr_t end = ((uintptr_t)memory + size + PAGE - 1) / PAGE * PAGE;

        if (size < POPULATE_BYTES)
                return;
        /* Advice: kernels before 5.14 do not know it, and the writes fault as ever. */
        (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}
