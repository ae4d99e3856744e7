/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory that becomes pinned
 *
 * Making its pages takes most of the time, which threads share; registering them with the device takes little
 * then, as one block. It is done before the readers begin: registering holds a lock of the device's driver,
 * and would keep them from whatever they want of the device.
 */

#include <sys/mman.h>

#include "core/execute/execute.h"

#define PAGE      4096u
#define HUGE_PAGE (UINT64_C(2) << 20)

uint8_t *ckpt_pin_map(uint64_t size)
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

void ckpt_pin_unmap(uint8_t *memory, uint64_t size)
{
        (void)munmap(memory, size);
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

static ckpt_status make_pages(ckpt_execution *execution, uint8_t *memory, uint64_t size)
{
        const uint64_t most = size / HUGE_PAGE; /* a thread for less costs what it saves */
        const ckpt_execute_options *options = execution->options;
        const uint32_t threads = most < options->readers ? (uint32_t)most : options->readers;
        struct pages pages = {.memory = memory, .size = size, .part = size};

        if (threads < 2)
                return touch_part(&pages, 0);
        pages.part = ckpt_align_up((size + threads - 1) / threads, HUGE_PAGE);
        return ckpt_workers_run(execution->session, (uint32_t)((size + pages.part - 1) / pages.part),
                                touch_part, &pages, &execution->stop, options->progress, options->context);
}

ckpt_status ckpt_crew_pin(ckpt_execution *execution, ckpt_crew *crew)
{
        const ckpt_execute_options *options = execution->options;
        const uint64_t size = ckpt_crew_bytes(crew);
        uint64_t start = ckpt_trace_now(execution->session->trace);
        const ckpt_status r = make_pages(execution, crew->host, size);
        int32_t error;

        ckpt_trace_span(execution->session->trace, "make pages", start, size);
        if (r)
                return r;
        start = ckpt_trace_now(execution->session->trace);
        error = options->backend->host_register(options->device, crew->host, size, 0);
        crew->pinned = error == 0;
        ckpt_trace_span(execution->session->trace, "pin pages", start, size);
        return error ? ckpt_execute_device_fail(execution, error, "pinning memory", UINT64_MAX) : CKPT_OK;
}
