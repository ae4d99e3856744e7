/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory becomes pinned
 *
 * Making its pages takes most of the time, which threads share; registering them with the device takes little
 * then, as one block. It is done before the readers begin: registering holds a lock of the device's driver,
 * and would keep them from whatever they want of the device.
 */

#include "core/execute/execute.h"

/* A thread for less than this costs what it saves. */
#define PART_BYTES (UINT64_C(2) << 20)

#define PAGE 4096u

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
        const uint64_t most = size / PART_BYTES;
        const ckpt_execute_options *options = execution->options;
        const uint32_t threads = most < options->readers ? (uint32_t)most : options->readers;
        struct pages pages = {.memory = memory, .size = size, .part = size};

        if (threads < 2)
                return touch_part(&pages, 0);
        pages.part = ckpt_align_up((size + threads - 1) / threads, PART_BYTES);
        return ckpt_workers_run(execution->session, (uint32_t)((size + pages.part - 1) / pages.part),
                                touch_part, &pages, &execution->stop, options->progress, options->context);
}

ckpt_status ckpt_crew_pin(ckpt_execution *execution, ckpt_crew *crew)
{
        const ckpt_execute_options *options = execution->options;
        const uint64_t trace = ckpt_trace_now(execution->session->trace), size = ckpt_crew_bytes(crew);
        const ckpt_status r = make_pages(execution, crew->host, size);
        int32_t error;

        if (r)
                return r;
        error = options->backend->host_register(options->device, crew->host, size, 0);
        crew->pinned = error == 0;
        ckpt_trace_span(execution->session->trace, "pin slots", trace, size);
        return error ? ckpt_execute_device_fail(execution, error, "pinning memory", UINT64_MAX) : CKPT_OK;
}
