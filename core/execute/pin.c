/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory that becomes pinned
 *
 * Making its pages is shared by threads; registering them with the device is one call, which holds a lock of
 * the device's driver and would keep readers from whatever they want of the device. So both are done before
 * readers begin.
 */

#include <sys/mman.h>

#include "core/base/huge.h"
#include "core/execute/pin.h"
#include "core/execute/workers.h"
#include "core/plan/plan.h"

#define PAGE 4096u

/* Addresses that get pages as they are written, from a huge page's start on. NULL: out of memory. */
static uint8_t *map(uint64_t size)
{
        uint8_t *start =
                mmap(NULL, size + CKPT_HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint64_t before;

        if (start == MAP_FAILED)
                return NULL;
        before = (CKPT_HUGE_PAGE - (uint64_t)(uintptr_t)start % CKPT_HUGE_PAGE) % CKPT_HUGE_PAGE;
        if (before > 0)
                (void)munmap(start, before);
        (void)munmap(start + before + size, CKPT_HUGE_PAGE - before);
        start += before;
        /* Shared with a child of the process, one of the two would get other pages than the device knows. */
        (void)madvise(start, size, MADV_DONTFORK);
        ckpt_huge_advise(start, size);
        return start;
}

struct pages {
        uint8_t *memory;
        uint64_t size, part;
};

/* A byte of every page is written: asking the kernel for all at once would hold up threads that are being made. */
static ckpt_status touch_part(void *context, uint32_t index)
{
        const struct pages *pages = context;
        const uint64_t begin = index * pages->part;
        const uint64_t end = pages->size - begin < pages->part ? pages->size : begin + pages->part;

        for (uint64_t at = begin; at < end; at += PAGE)
                *(volatile uint8_t *)(pages->memory + at) = 0;
        return CKPT_OK;
}

static ckpt_status make_pages(const ckpt_pinning *how, const ckpt_pinned *pinned)
{
        const uint64_t most = pinned->size / CKPT_HUGE_PAGE; /* a thread for less costs what it saves */
        const uint32_t threads = most < how->threads ? (uint32_t)most : how->threads;
        struct pages pages = {.memory = pinned->memory, .size = pinned->size, .part = pinned->size};

        if (threads < 2)
                return touch_part(&pages, 0);
        pages.part = ckpt_align_up((pages.size + threads - 1) / threads, CKPT_HUGE_PAGE);
        return ckpt_workers_run(how->session, (uint32_t)((pages.size + pages.part - 1) / pages.part),
                                touch_part, &pages, how->stop, how->progress, how->context);
}

static ckpt_status register_pages(const ckpt_pinning *how, ckpt_pinned *pinned)
{
        const int32_t error = how->backend->host_register(how->device, pinned->memory, pinned->size, 0);

        pinned->registered = error == 0;
        return error ? ckpt_session_fail(how->session, CKPT_E_DEVICE, NULL, "%s: pinning memory failed: %s",
                                         how->backend->name, how->backend->describe(error))
                     : CKPT_OK;
}

ckpt_status ckpt_pinned_init(ckpt_pinned *pinned, const ckpt_pinning *how, uint64_t size)
{
        ckpt_trace *trace = how->session->trace;
        uint64_t start = ckpt_trace_now(trace);
        ckpt_status r;

        *pinned = (ckpt_pinned){.memory = map(size), .size = size};
        if (!pinned->memory)
                return CKPT_E_NOMEM;
        r = make_pages(how, pinned);
        ckpt_trace_span(trace, "make pages", start, size);
        if (r == CKPT_OK && atomic_load(how->stop))
                r = CKPT_E_CANCELLED;
        if (r)
                return r;
        start = ckpt_trace_now(trace);
        r = register_pages(how, pinned);
        ckpt_trace_span(trace, "pin pages", start, size);
        return r;
}

void ckpt_pinned_deinit(ckpt_pinned *pinned, const ckpt_backend *backend, ckpt_device *device)
{
        if (pinned->registered)
                (void)backend->host_unregister(device, pinned->memory);
        if (pinned->memory)
                (void)munmap(pinned->memory, pinned->size);
        *pinned = (ckpt_pinned){0};
}
