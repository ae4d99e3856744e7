/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One tile: its reads, and their way to the device
 */

#include <string.h>

#include "core/execute/execute.h"

/* Longer reads are cut, so that cancelling does not wait for them. */
#define READ_BYTES (8u << 20)

struct reading {
        ckpt_execution *execution;
        const ckpt_tile *tile;
        ckpt_slot *slot;
        ckpt_stream *stream;
        uint64_t bounce; /* next free byte of the slot for what goes straight to another device */
};

static void swap_elements(uint8_t *bytes, uint64_t size, uint32_t width)
{
        for (uint64_t at = 0; width > 0 && at + width <= size; at += width)
                for (uint32_t i = 0; i < width / 2; i++) {
                        const uint8_t byte = bytes[at + i];

                        bytes[at + i] = bytes[at + width - 1 - i];
                        bytes[at + width - 1 - i] = byte;
                }
}

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

static ckpt_status read_piece(struct reading *reading, const ckpt_place *place, uint64_t offset, uint8_t *to,
                              uint64_t size)
{
        ckpt_session *session = reading->execution->session;

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

/* One contiguous range, in pieces. */
static ckpt_status read_range(struct reading *reading, const ckpt_read *read, uint64_t offset, uint8_t *to,
                              uint64_t size)
{
        ckpt_execution *execution = reading->execution;
        const bool whole = read->place->kind == CKPT_PLACE_READER && read->place->access == CKPT_ACCESS_WHOLE;
        const uint64_t limit = whole ? size : READ_BYTES;

        for (uint64_t at = 0; at < size;) {
                const uint64_t left = size - at, piece = left < limit ? left : limit;
                ckpt_status r = ckpt_session_check(execution->session);

                if (r == CKPT_OK)
                        r = read_piece(reading, read->place, offset + at, to + at, piece);
                if (r)
                        return r;
                atomic_fetch_add_explicit(&execution->counters->bytes_read, piece, memory_order_relaxed);
                atomic_fetch_add_explicit(&execution->counters->reads, 1, memory_order_relaxed);
                at += piece;
        }
        swap_elements(to, size, read->swap);
        return CKPT_OK;
}

/* Rows of a read to host memory with a pitch of its own. */
static ckpt_status read_rows(struct reading *reading, const ckpt_read *read, uint8_t *to, uint64_t pitch)
{
        ckpt_status r = CKPT_OK;

        if (read->rows == 1 || (read->src_pitch == read->row_bytes && pitch == read->row_bytes))
                return read_range(reading, read, read->offset, to, read->row_bytes * read->rows);
        for (uint64_t row = 0; row < read->rows && r == CKPT_OK; row++)
                r = read_range(reading, read, read->offset + row * read->src_pitch, to + row * pitch,
                               read->row_bytes);
        return r;
}

/* Straight to a device that the host cannot write to: through the slot, row behind row. */
static ckpt_status read_to_device(struct reading *reading, const ckpt_read *read, uint8_t *to)
{
        const ckpt_execute_options *options = reading->execution->options;
        uint8_t *bounce = reading->slot->host + reading->bounce;
        ckpt_status r = read_rows(reading, read, bounce, read->row_bytes);
        int32_t error;

        if (r)
                return r;
        reading->bounce += read->row_bytes * read->rows;
        if (read->rows == 1 || read->dst_pitch == read->row_bytes)
                error = options->backend->copy_to_device(reading->stream, to, bounce,
                                                         read->row_bytes * read->rows);
        else
                error = options->backend->copy_rows_to_device(reading->stream, to, read->dst_pitch, bounce,
                                                              read->row_bytes, read->row_bytes, read->rows);
        atomic_fetch_add_explicit(&reading->execution->counters->copies, 1, memory_order_relaxed);
        return error ? ckpt_execute_device_fail(reading->execution, error, "copying to the device",
                                                reading->tile->param)
                     : CKPT_OK;
}

static ckpt_status run_read(struct reading *reading, const ckpt_read *read)
{
        const ckpt_execute_options *options = reading->execution->options;
        uint8_t *target = options->data[reading->tile->param];

        if (read->space == CKPT_SPACE_STAGING)
                return read_rows(reading, read, reading->slot->host + read->dst_offset, read->dst_pitch);
        if (options->host_memory && (read->rows == 1 || read->dst_pitch == read->row_bytes))
                ckpt_populate(target + read->dst_offset, read->row_bytes * read->rows);
        if (options->host_memory)
                return read_rows(reading, read, target + read->dst_offset, read->dst_pitch);
        return read_to_device(reading, read, target + read->dst_offset);
}

/* Readers that deliver in order are told where the tensor begins and ends. */
static ckpt_status run_framed_read(struct reading *reading, const ckpt_read *read)
{
        const ckpt_place *place = read->place;
        ckpt_status r;

        if (place->kind != CKPT_PLACE_READER || place->access != CKPT_ACCESS_SEQUENTIAL)
                return run_read(reading, read);
        r = ckpt_chain_read_open(place->reader, place->cookie);
        if (r)
                return r;
        r = run_read(reading, read);
        ckpt_chain_read_close(place->reader, place->cookie);
        return r;
}

ckpt_status ckpt_tile_run(ckpt_execution *execution, const ckpt_tile *tile, ckpt_slot *slot,
                          ckpt_stream *stream)
{
        struct reading reading = {
                .execution = execution,
                .tile = tile,
                .slot = slot,
                .stream = stream,
                .bounce = tile->staging,
        };
        const ckpt_execute_options *options = execution->options;

        for (uint64_t i = 0; i < tile->n_reads; i++) {
                const ckpt_status r =
                        run_framed_read(&reading, &execution->plan->reads.items[tile->first_read + i]);

                if (r)
                        return r;
        }
        if (!options->host_memory && tile->read_staging > 0) {
                const int32_t error = options->backend->copy_to_device(stream, slot->device, slot->host,
                                                                       tile->read_staging);

                atomic_fetch_add_explicit(&execution->counters->copies, 1, memory_order_relaxed);
                if (error)
                        return ckpt_execute_device_fail(execution, error, "copying to the device",
                                                        tile->param);
        }
        return ckpt_tile_run_steps(execution, tile, slot, stream);
}
