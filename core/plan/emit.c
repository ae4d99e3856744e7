/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tiles: opening, filling, cutting, sealing
 */

#include "core/plan/emit.h"

#include <string.h>

#include "core/op/op.h"

void ckpt_emitter_deinit(ckpt_emitter *emitter)
{
        ckpt_array_deinit(&emitter->buffers);
        ckpt_array_deinit(&emitter->buffer_read);
}

int32_t ckpt_emit_memory_device(const ckpt_emitter *emitter)
{
        return emitter->plan->options.memory_device;
}

ckpt_session *ckpt_emit_session(const ckpt_emitter *emitter)
{
        return emitter->plan->session;
}

uint64_t ckpt_emit_tile_bytes(const ckpt_emitter *emitter)
{
        return emitter->plan->options.tile_bytes;
}

ckpt_status ckpt_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                      const ckpt_view *view)
{
        if (ckpt_box_count(box, tensor->rank) == 0)
                return CKPT_OK;
        return tensor->op->emit(emitter, tensor, box, view);
}

void ckpt_emit_uncuttable(ckpt_emitter *emitter)
{
        emitter->uncuttable = true;
}

/* ---- tiles ---- */

static void tile_open(ckpt_emitter *emitter)
{
        ckpt_plan *plan = emitter->plan;

        emitter->tile = (ckpt_tile){
                .param = emitter->param,
                .first_read = plan->reads.count,
                .first_step = plan->steps.count,
                .sort_offset = UINT64_MAX,
        };
        emitter->buffers.count = emitter->buffer_read.count = 0;
        emitter->open = true;
        emitter->uncuttable = false;
}

static void tile_abandon(ckpt_emitter *emitter)
{
        emitter->plan->reads.count = emitter->tile.first_read;
        emitter->plan->steps.count = emitter->tile.first_step;
        emitter->open = false;
}

static void resolve_operand(const ckpt_emitter *emitter, ckpt_operand *operand)
{
        if (operand->space == CKPT_SPACE_STAGING)
                operand->offset += emitter->buffers.items[operand->buffer];
}

static bool is_movable(const ckpt_emitter *emitter)
{
        const ckpt_tile *tile = &emitter->tile;
        const ckpt_read *only = NULL;
        uint64_t filled = 0;

        for (uint64_t i = 0; i < emitter->buffer_read.count; i++)
                filled += emitter->buffer_read.items[i];
        for (uint64_t i = tile->first_read; i < emitter->plan->reads.count; i++) {
                const ckpt_read *read = &emitter->plan->reads.items[i];

                if (read->space == CKPT_SPACE_STAGING && only)
                        return false;
                if (read->space == CKPT_SPACE_STAGING)
                        only = read;
        }
        return only && filled == 1 && only->dst_offset == 0 && ckpt_read_is_range(only) &&
               ckpt_read_lands_packed(only) &&
               only->row_bytes * only->rows == emitter->buffers.items[only->buffer];
}

/* Gives every buffer its place, those that reads fill first, and turns offsets in buffers into offsets in
 * staging. */
static void tile_lay_out(ckpt_emitter *emitter)
{
        ckpt_tile *tile = &emitter->tile;
        uint64_t at = 0;

        tile->movable = is_movable(emitter);
        for (int pass = 0; pass < 2; pass++) {
                for (uint64_t i = 0; i < emitter->buffers.count; i++) {
                        if (emitter->buffer_read.items[i] == (pass == 0)) {
                                const uint64_t size = emitter->buffers.items[i];

                                emitter->buffers.items[i] = at;
                                at += ckpt_align_up(size, CKPT_STAGING_ALIGNMENT);
                        }
                }
                if (pass == 0)
                        tile->read_staging = at;
        }
        tile->staging = at;
        for (uint64_t i = tile->first_read; i < emitter->plan->reads.count; i++) {
                ckpt_read *read = &emitter->plan->reads.items[i];

                if (read->space == CKPT_SPACE_STAGING)
                        read->dst_offset += emitter->buffers.items[read->buffer];
        }
        for (uint64_t i = tile->first_step; i < emitter->plan->steps.count; i++) {
                ckpt_step *step = &emitter->plan->steps.items[i];

                resolve_operand(emitter, &step->dst);
                resolve_operand(emitter, &step->src);
                resolve_operand(emitter, &step->index);
        }
}

static ckpt_status tile_seal(ckpt_emitter *emitter)
{
        ckpt_plan *plan = emitter->plan;
        ckpt_tile *tile = &emitter->tile;

        tile_lay_out(emitter);
        tile->n_reads = plan->reads.count - tile->first_read;
        tile->n_steps = plan->steps.count - tile->first_step;
        emitter->open = false;
        return ckpt_array_push(&plan->tiles, *tile);
}

static ckpt_status tile_check(const ckpt_emitter *emitter)
{
        const ckpt_tile *tile = &emitter->tile;

        if (emitter->unlimited || tile->staging + tile->direct_bytes <= emitter->plan->options.tile_bytes)
                return CKPT_OK;
        return CKPT_TILE_FULL;
}

/* ---- cutting ---- */

static bool find_cut_axis(const ckpt_tensor *tensor, const ckpt_box *box, uint32_t *ret_axis)
{
        const uint32_t hint = tensor->rank > 0 ? ckpt_op_cut_axis(tensor) : 0;

        if (tensor->rank > 0 && box->size[hint] > 1) {
                *ret_axis = hint;
                return true;
        }
        for (uint32_t i = 0; i < tensor->rank; i++) {
                if (box->size[i] > 1) {
                        *ret_axis = i;
                        return true;
                }
        }
        return false;
}

/* Elements of the axis that a piece must hold a multiple of, for types smaller than a byte. */
static int64_t cut_grain(const ckpt_tensor *tensor, uint32_t axis)
{
        for (int64_t grain = 1; grain <= 8; grain *= 2)
                if (ckpt_op_whole_bytes(tensor, (int32_t)axis, grain))
                        return grain;
        return 8;
}

static ckpt_status emit_piece(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view, ckpt_emit_fn emit);

/* Cuts a box into `pieces` ranges of one axis, as equal as they come. */
static ckpt_status emit_pieces(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               const ckpt_view *view, ckpt_emit_fn emit, uint32_t axis, int64_t pieces)
{
        const int64_t grain = cut_grain(tensor, axis), whole = box->size[axis];
        int64_t width = (whole + pieces - 1) / pieces;
        ckpt_status r = CKPT_OK;

        width = (width + grain - 1) / grain * grain;
        for (int64_t at = 0; at < whole && r == CKPT_OK; at += width) {
                ckpt_box part = *box;
                ckpt_view there = *view;

                part.start[axis] += at;
                part.size[axis] = whole - at < width ? whole - at : width;
                ckpt_view_advance(&there, tensor->dtype, axis, at);
                r = ckpt_session_check(emitter->plan->session);
                if (r == CKPT_OK)
                        r = emit_piece(emitter, tensor, &part, &there, emit);
        }
        return r;
}

static ckpt_status emit_piece(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                              const ckpt_view *view, ckpt_emit_fn emit)
{
        const uint64_t bytes =
                (uint64_t)ckpt_box_count(box, tensor->rank) * ckpt_dtype_bits(tensor->dtype) / 8;
        const uint64_t limit = emitter->plan->options.tile_bytes;
        uint32_t axis;
        ckpt_status r;

        tile_open(emitter);
        r = emit(emitter, tensor, box, view);
        if (r == CKPT_OK)
                return tile_seal(emitter);
        tile_abandon(emitter);
        if (r != CKPT_TILE_FULL)
                return r;
        if (!emitter->uncuttable && find_cut_axis(tensor, box, &axis) &&
            box->size[axis] > cut_grain(tensor, axis)) {
                int64_t pieces = (int64_t)((bytes + limit - 1) / limit);

                if (pieces < 2)
                        pieces = 2;
                if (pieces > box->size[axis])
                        pieces = box->size[axis];
                return emit_pieces(emitter, tensor, box, view, emit, axis, pieces);
        }
        /* It cannot be smaller: a tile of the size that it needs. */
        tile_open(emitter);
        emitter->unlimited = true;
        r = emit(emitter, tensor, box, view);
        emitter->unlimited = false;
        if (r == CKPT_OK)
                return tile_seal(emitter);
        tile_abandon(emitter);
        return r;
}

ckpt_status ckpt_emit_tiled(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                            const ckpt_view *view, ckpt_emit_fn emit)
{
        if (emitter->open)
                return emit(emitter, tensor, box, view);
        return emit_piece(emitter, tensor, box, view, emit);
}

/* ---- filling ---- */

ckpt_status ckpt_emit_staging_bytes(ckpt_emitter *emitter, uint64_t size, ckpt_view *ret_view)
{
        ckpt_status r;

        if (size > INT64_MAX / 2 ||
            __builtin_add_overflow(emitter->tile.staging, ckpt_align_up(size, CKPT_STAGING_ALIGNMENT),
                                   &emitter->tile.staging))
                return ckpt_session_fail(emitter->plan->session, CKPT_E_LIMIT, NULL,
                                         "a parameter needs more staging memory than can be addressed");
        r = tile_check(emitter);
        if (r)
                return r;
        ret_view->space = CKPT_SPACE_STAGING;
        ret_view->buffer = (uint32_t)emitter->buffers.count;
        ret_view->bit_offset = 0;
        r = ckpt_array_push(&emitter->buffers, size);
        return r ? r : ckpt_array_push(&emitter->buffer_read, false);
}

ckpt_status ckpt_emit_staging(ckpt_emitter *emitter, ckpt_dtype dtype, uint32_t rank, const int64_t *sizes,
                              ckpt_view *ret_view)
{
        int64_t count = 1;

        for (uint32_t i = 0; i < rank; i++)
                count *= sizes[i];
        ckpt_strides_packed(ret_view->strides, rank, sizes);
        return ckpt_emit_staging_bytes(emitter, ((uint64_t)count * ckpt_dtype_bits(dtype) + 7) / 8, ret_view);
}

ckpt_status ckpt_emit_account(ckpt_emitter *emitter, uint64_t bytes)
{
        if (__builtin_add_overflow(emitter->tile.direct_bytes, bytes, &emitter->tile.direct_bytes))
                return CKPT_TILE_FULL;
        return tile_check(emitter);
}

/* The tile is ordered by its first read; memory comes before files, readers by their own key. */
static void note_position(ckpt_tile *tile, const ckpt_read *read)
{
        const ckpt_place *place = read->place;

        if (tile->sort_offset != UINT64_MAX)
                return;
        tile->sort_source = place->kind == CKPT_PLACE_OBJECT ? 1 : place->kind == CKPT_PLACE_READER ? 2 : 0;
        tile->sort_object = place->kind == CKPT_PLACE_OBJECT ? place->object : place->sort_key;
        tile->sort_offset = read->offset;
}

ckpt_status ckpt_emit_read(ckpt_emitter *emitter, const ckpt_read *read)
{
        const uint64_t bytes = read->row_bytes * read->rows;

        emitter->tile.read_bytes += bytes;
        note_position(&emitter->tile, read);
        if (read->space == CKPT_SPACE_STAGING) {
                emitter->buffer_read.items[read->buffer] = true;
        } else {
                const ckpt_status r = ckpt_emit_account(emitter, bytes);

                if (r)
                        return r;
        }
        if (ckpt_array_push(&emitter->plan->reads, *read) != CKPT_OK)
                return CKPT_E_NOMEM;
        emitter->plan->reads.items[emitter->plan->reads.count - 1].param = emitter->param;
        return CKPT_OK;
}

ckpt_status ckpt_emit_step(ckpt_emitter *emitter, const ckpt_step *step)
{
        return ckpt_array_push(&emitter->plan->steps, *step);
}

ckpt_operand ckpt_emit_operand(const ckpt_view *view)
{
        return (ckpt_operand){
                .space = view->space,
                .buffer = view->buffer,
                .offset = (uint64_t)view->bit_offset / 8,
        };
}
