/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was asked for, what can be had, and what came of it
 */

#include <stdio.h>

#include "core/base/errno.h"
#include "core/io/io.h"

static const ckpt_place *first_object(const ckpt_plan *plan)
{
        for (uint64_t i = 0; i < plan->runs.count; i++)
                if (plan->runs.items[i].place->kind == CKPT_PLACE_OBJECT)
                        return plan->runs.items[i].place;
        return NULL;
}

static bool tells_what_is_cached(const ckpt_place *place)
{
        ckpt_diagnostics unheard;
        bool cached;
        ckpt_status r;

        ckpt_diagnostics_init(&unheard);
        r = ckpt_source_is_cached(&unheard, place->source, place->object, place->offset, 1, &cached);
        ckpt_diagnostics_deinit(&unheard);
        return r != CKPT_ABSENT;
}

void ckpt_io_init(ckpt_io_state *io, ckpt_session *session, ckpt_io requested, const ckpt_plan *plan)
{
        const ckpt_place *place = first_object(plan);

        *io = (ckpt_io_state){.session = session, .chosen = requested};
        atomic_init(&io->bytes_mapped, plan->mapped_bytes);
        if (!place)
                return;
        if (requested == CKPT_IO_AUTO && !tells_what_is_cached(place)) {
                io->chosen = CKPT_IO_BUFFERED;
                io->reason = "the file system does not tell what is cached";
        } else if (requested == CKPT_IO_DIRECT && ckpt_source_direct_fd(place->source, place->object) < 0) {
                io->chosen = CKPT_IO_BUFFERED;
                io->reason = "the file system refuses O_DIRECT";
        }
}

ckpt_io ckpt_io_effective(const ckpt_io_state *io)
{
        const uint64_t buffered = atomic_load(&io->bytes_buffered), direct = atomic_load(&io->bytes_direct);
        const uint64_t mapped = atomic_load(&io->bytes_mapped);

        if (mapped > buffered && mapped > direct)
                return CKPT_IO_MAPPED;
        return direct > buffered ? CKPT_IO_DIRECT : CKPT_IO_BUFFERED;
}

const char *ckpt_io_engine(const ckpt_io_state *io)
{
        if (atomic_load(&io->uring_used))
                return "io_uring";
        return atomic_load(&io->bytes_direct) > 0 ? "pread" : "";
}

/* Which of the three ways were gone, as bits: buffered, direct, mapped. */
static const char *const outcomes[8] = {
        "nothing was read",
        "all of it came through the page cache",
        "all of it was read past the page cache",
        "some of it came from the page cache, the rest was read past it",
        "all of it is mapped",
        "some of it is mapped, the rest came through the page cache",
        "some of it is mapped, the rest was read past the page cache",
        "some of it is mapped, some came from the page cache, the rest was read past it",
};

/* Why it is not as it was asked for, with what follows between it and the rest. */
static void explain_choice(const ckpt_io_state *io, char *ret_text, size_t size)
{
        const unsigned long long rate = atomic_load(&io->mapped_too_slow);

        if (atomic_load(&io->mapped_refused))
                snprintf(ret_text, size, "the device does not take pages of a file; ");
        else if (rate > 0)
                snprintf(ret_text, size,
                         "registering pages ran at %.1f GB/s in a reader, which reading exceeds; ",
                         (double)rate * 1e-9);
        else
                snprintf(ret_text, size, "%s%s", io->reason ? io->reason : "", io->reason ? "; " : "");
}

void ckpt_io_explain(const ckpt_io_state *io, char *ret_text, size_t size)
{
        const int refused = atomic_load(&io->uring_error);
        const unsigned ways = (atomic_load(&io->bytes_buffered) > 0) |
                              (atomic_load(&io->bytes_direct) > 0) << 1 |
                              (atomic_load(&io->bytes_mapped) > 0) << 2;
        char choice[128];

        explain_choice(io, choice, sizeof(choice));
        snprintf(ret_text, size, "%s%s%s%s", choice, outcomes[ways], refused ? "; io_uring is refused: " : "",
                 refused ? ckpt_errno_text(refused) : "");
}
