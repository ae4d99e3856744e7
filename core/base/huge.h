/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_HUGE_H
#define CKPT_BASE_HUGE_H

/*
 * Huge pages: for a large checkpoint the first touch of each small page would cost more than what is then written
 * to it
 */

#include <stdint.h>
#include <sys/mman.h>

#define CKPT_HUGE_PAGE (UINT64_C(2) << 20)

/**
 * Asks for huge pages for memory that is about to be filled, if it has the size of one. Advice, no more, so that pages
 * at both ends are advised as a whole, whoever else has a part of them: a mapping stays one.
 */
static inline void ckpt_huge_advise(void *memory, uint64_t size)
{
        const uintptr_t page = 4096, start = (uintptr_t)memory / page * page;

        if (size >= CKPT_HUGE_PAGE)
                (void)madvise((void *)start, ((uintptr_t)memory + size - start + page - 1) / page * page,
                              MADV_HUGEPAGE);
}

#endif
