/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A chunk's reads: into the image of its slot or, where the host can write to the final memory, straight to
 * their places
 */

#include "core/base/cleanup.h"
#include "core/execute/execution.h"

/* Longer reads are cut, so that cancelling does not wait for them. */
#define READ_BYTES (8u << 20)

/* Pieces of one request; what has more goes to the image first. */
#define PIECES_MAX 256

struct filling {
        ckpt_execution *execution;
        ckpt_lane *lane;
        ckpt_slot *slot;
        const ckpt_run *run;
        uint64_t bytes, reads; /* not counted yet */
};

/* Counters are everybody's: what one row brings is added up before they are touched. */
static void count_flush(struct filling *filling)
{
        ckpt_execute_counters *counters = filling->execution->counters;

        atomic_fetch_add_explicit(&counters->bytes_read, filling->bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&counters->reads, filling->reads, memory_order_relaxed);
        filling->bytes = filling->reads = 0;
}

static void count_read(struct filling *filling, uint64_t bytes)
{
        filling->bytes += bytes;
        filling->reads++;
        if (filling->bytes >= READ_BYTES)
                count_flush(filling);
}

/* ---- from readers and memory ---- */

/* Weights that came from another load: their loader reports to that one, so this one says that it failed. */
static ckpt_status read_from_loader(ckpt_session *session, const ckpt_place *place, uint64_t offset,
                                    uint8_t *to, uint64_t size)
{
        const ckpt_status r = ckpt_chain_read(place->reader, place->cookie, offset, to, size);

        if (r == CKPT_OK || ckpt_link_of(place->reader)->session == session)
                return r;
        return ckpt_session_fail(session, r, NULL,
                                 "the weight loader of the load that the weights came from could not read "
                                 "%llu bytes at %llu of tensor %llu",
                                 (unsigned long long)size, (unsigned long long)offset,
                                 (unsigned long long)place->cookie);
}

static ckpt_status read_piece(ckpt_session *session, const ckpt_place *place, uint64_t offset, uint8_t *to,
                              uint64_t size)
{
        switch (place->kind) {
        case CKPT_PLACE_OBJECT:
                return ckpt_source_read_at(&session->diagnostics, place->source, place->object, offset, to,
                                           size);
        case CKPT_PLACE_READER:
                return read_from_loader(session, place, offset, to, size);
        default:
                memcpy(to, place->memory + offset, size);
                return CKPT_OK;
        }
}

static ckpt_status read_range(struct filling *filling, uint64_t offset, uint8_t *to, uint64_t size)
{
        ckpt_session *session = filling->execution->session;
        const ckpt_place *place = filling->run->place;
        const bool whole = place->kind == CKPT_PLACE_READER && place->access == CKPT_ACCESS_WHOLE;
        const uint64_t limit = whole ? size : READ_BYTES;

        for (uint64_t at = 0; at < size;) {
                const uint64_t left = size - at, piece = left < limit ? left : limit;
                ckpt_status r = ckpt_session_check(session);

                if (r == CKPT_OK)
                        r = read_piece(session, place, offset + at, to + at, piece);
                if (r)
                        return r;
                count_read(filling, piece);
                at += piece;
        }
        return CKPT_OK;
}

static ckpt_status read_rows(struct filling *filling, uint8_t *to, uint64_t pitch)
{
        const ckpt_run *run = filling->run;
        ckpt_status r = CKPT_OK;

        for (uint64_t row = 0; row < run->rows && r == CKPT_OK; row++)
                r = read_range(filling, run->offset + row * run->src_pitch, to + row * pitch, run->row_bytes);
        if (r == CKPT_OK && run->place->kind == CKPT_PLACE_OBJECT)
                atomic_fetch_add_explicit(&filling->execution->io->bytes_buffered, ckpt_run_bytes(run),
                                          memory_order_relaxed);
        return r;
}

/* Readers that deliver in order are told where the tensor begins and ends. */
static ckpt_status read_framed(struct filling *filling, uint8_t *to, uint64_t pitch)
{
        const ckpt_place *place = filling->run->place;
        ckpt_status r;

        if (place->kind != CKPT_PLACE_READER || place->access != CKPT_ACCESS_SEQUENTIAL)
                return read_rows(filling, to, pitch);
        r = ckpt_chain_read_open(place->reader, place->cookie);
        if (r)
                return r;
        r = read_rows(filling, to, pitch);
        ckpt_chain_read_close(place->reader, place->cookie);
        return r;
}

/* ---- ranges of objects ---- */

static int add_piece(struct iovec *pieces, int n, uint8_t *to, uint64_t size)
{
        if (n < PIECES_MAX)
                pieces[n] = (struct iovec){.iov_base = to, .iov_len = size};
        ckpt_populate(to, size);
        return n + 1;
}

/* Where the range goes, piece by piece; gaps go to the image. More than PIECES_MAX: too many. */
static int list_pieces(const struct filling *filling, struct iovec *pieces)
{
        const ckpt_run *run = filling->run;
        uint8_t *image = filling->slot->host + run->image_offset;
        uint64_t at = run->offset;
        int n = 0;

        for (uint64_t i = 0; i < run->n_reads && n <= PIECES_MAX; i++) {
                const ckpt_read *read = ckpt_run_read(filling->execution->plan, run, i);
                const bool packed = ckpt_read_lands_packed(read);
                const uint64_t rows = packed ? 1 : read->rows;
                const uint64_t size = packed ? read->row_bytes * read->rows : read->row_bytes;

                if (read->offset > at)
                        n = add_piece(pieces, n, image + (at - run->offset), read->offset - at);
                for (uint64_t row = 0; row < rows && n <= PIECES_MAX; row++)
                        n = add_piece(pieces, n,
                                      ckpt_read_place(filling->execution, filling->slot, read) +
                                              row * read->dst_pitch,
                                      size);
                at = read->offset + read->row_bytes * read->rows;
        }
        return n;
}

static ckpt_status start_range(struct filling *filling, ckpt_request *request)
{
        ckpt_execution *execution = filling->execution;
        const ckpt_run *run = filling->run;
        struct iovec pieces[PIECES_MAX];
        ckpt_status r;

        *request = (ckpt_request){
                .source = run->place->source,
                .object = run->place->object,
                .offset = run->offset,
                .size = run->row_bytes,
                .image = filling->slot->host + run->image_offset,
                /* What stands in a tile's block has its neighbours right beside it. */
                .has_room = !run->in_block,
        };
        if (execution->options->host_memory && !run->in_block) {
                request->n_pieces = list_pieces(filling, pieces);
                request->pieces = request->n_pieces <= PIECES_MAX ? pieces : NULL;
        }
        r = ckpt_io_start(execution->io, &filling->lane->io, request);
        request->pieces = NULL;
        if (r == CKPT_OK)
                count_read(filling, run->row_bytes);
        return r;
}

/* One read whose rows can be read to where they belong, one after the other. */
static bool is_placeable(const struct filling *filling, const ckpt_read *read)
{
        const ckpt_run *run = filling->run;

        return filling->execution->options->host_memory && !run->in_block && run->n_reads == 1 &&
               (run->rows > 1 || ckpt_read_lands_packed(read));
}

static ckpt_status read_to_place(struct filling *filling, const ckpt_read *read)
{
        uint8_t *to = ckpt_read_place(filling->execution, filling->slot, read);

        if (ckpt_read_lands_packed(read))
                ckpt_populate(to, read->row_bytes * read->rows);
        return read_framed(filling, to, read->dst_pitch);
}

static ckpt_status start_run(struct filling *filling, ckpt_request *request)
{
        const ckpt_run *run = filling->run;
        ckpt_execution *execution = filling->execution;
        const ckpt_read *first = ckpt_run_read(execution->plan, run, 0);
        ckpt_status r = ckpt_session_check(execution->session);

        *request = (ckpt_request){.in_image = !is_placeable(filling, first)};
        if (r)
                return r;
        /* One long read would not hear of a cancellation. */
        if (run->place->kind == CKPT_PLACE_OBJECT && run->rows == 1 && run->row_bytes <= READ_BYTES)
                return start_range(filling, request);
        if (!request->in_image)
                return read_to_place(filling, first);
        return read_framed(filling, filling->slot->host + run->image_offset, run->image_pitch);
}

ckpt_status ckpt_chunk_fill(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot)
{
        const ckpt_chunk *chunk = slot->chunk;
        struct filling filling = {.execution = execution, .lane = lane, .slot = slot};
        ckpt_status r = CKPT_OK;
        uint64_t i;

        slot->source = slot->host;
        if (chunk->n_runs == 1 && ckpt_window_open(execution, slot)) {
                slot->requests[0] = (ckpt_request){.in_image = true};
                filling.bytes = ckpt_run_bytes(&execution->plan->runs.items[chunk->first_run]);
                count_flush(&filling);
                return CKPT_OK;
        }
        for (i = 0; i < chunk->n_runs && r == CKPT_OK; i++) {
                filling.run = &execution->plan->runs.items[chunk->first_run + i];
                r = start_run(&filling, &slot->requests[i]);
        }
        count_flush(&filling);
        for (; i < chunk->n_runs; i++)
                slot->requests[i].pending = false;
        return r;
}

bool ckpt_chunk_is_pending(const ckpt_slot *slot)
{
        for (uint64_t i = 0; i < slot->chunk->n_runs; i++)
                if (slot->requests[i].pending)
                        return true;
        return false;
}
