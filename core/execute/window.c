/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The page cache's own pages as the source of a copy to the device
 *
 * The pages of a chunk's range are mapped and registered with the device, which then reads them where they
 * are: nothing is copied on the host, and no byte of the mapping is touched by it. What registering costs
 * differs between kernels by more than ten times, so the first windows are timed, and where reading is faster
 * the rest is read.
 */

#include <sys/mman.h>

#include "core/base/clock.h"
#include "core/execute/execution.h"

/* Shorter ranges may be copied by the driver itself, which would touch the mapping. */
#define WINDOW_MIN (UINT64_C(1) << 20)

/* Windows that are timed, and bytes per second of one reader below which reading into the ring is faster. */
#define PROBES   4
#define RATE_MIN 12e9

static bool is_wanted(ckpt_execution *execution, const ckpt_run *run)
{
        return !execution->options->host_memory && execution->io->chosen == CKPT_IO_MAPPED &&
               !atomic_load_explicit(&execution->io->mapped_refused, memory_order_relaxed) &&
               atomic_load_explicit(&execution->io->mapped_too_slow, memory_order_relaxed) == 0 &&
               run->place->kind == CKPT_PLACE_OBJECT && run->rows == 1 && !run->in_block &&
               run->row_bytes >= WINDOW_MIN;
}

static bool swaps(const ckpt_plan *plan, const ckpt_run *run)
{
        for (uint64_t i = 0; i < run->n_reads; i++)
                if (ckpt_run_read(plan, run, i)->swap)
                        return true;
        return false;
}

static void judge(ckpt_execution *execution, uint64_t bytes, double seconds)
{
        ckpt_io_state *io = execution->io;
        const unsigned probe = atomic_fetch_add_explicit(&io->mapped_probes, 1, memory_order_relaxed);

        if (probe < PROBES && (double)bytes < seconds * RATE_MIN)
                atomic_store(&io->mapped_too_slow, (uint64_t)((double)bytes / seconds));
}

/* What is wrong with a file is said by reading it. */
static int quiet_fd(const ckpt_place *place)
{
        ckpt_diagnostics unheard;
        int fd;

        ckpt_diagnostics_init(&unheard);
        fd = ckpt_source_fd(&unheard, place->source, place->object);
        ckpt_diagnostics_deinit(&unheard);
        return fd;
}

bool ckpt_window_open(ckpt_execution *execution, ckpt_slot *slot)
{
        const ckpt_run *run = &execution->plan->runs.items[slot->chunk->first_run];
        const uint64_t before = run->offset % CKPT_BLOCK_BYTES, size = before + run->row_bytes;
        const double start = ckpt_clock();
        uint8_t *window;
        int fd;

        if (!is_wanted(execution, run) || swaps(execution->plan, run))
                return false;
        fd = quiet_fd(run->place);
        if (fd < 0)
                return false;
        window = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)(run->offset - before));
        if (window == MAP_FAILED)
                return false;
        if (execution->options->backend->host_register(execution->options->device, window, size, 1)) {
                atomic_store(&execution->io->mapped_refused, true);
                munmap(window, size);
                return false;
        }
        slot->window = window;
        slot->window_bytes = size;
        slot->source = window + before - run->image_offset;
        atomic_fetch_add_explicit(&execution->io->bytes_mapped, run->row_bytes, memory_order_relaxed);
        judge(execution, size, ckpt_clock() - start);
        return true;
}

void ckpt_window_close(ckpt_execution *execution, ckpt_slot *slot)
{
        if (!slot->window)
                return;
        (void)execution->options->backend->host_unregister(execution->options->device, slot->window);
        munmap(slot->window, slot->window_bytes);
        slot->window = NULL;
}
