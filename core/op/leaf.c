/* SPDX-License-Identifier: Apache-2.0 */

/*
 * leaf: where taking apart ends and reading begins
 *
 * Three ways to bring a box of a leaf into a view:
 *
 * - rows: runs that are contiguous on both sides go straight to their place, if they are long or alone.
 * - cover: one read of everything from the first to the last byte into staging, then a strided copy; where
 *   the gaps that are read for nothing cost less than a read each.
 * - packed: each run is read by itself into staging, then a strided copy; where runs are short and gaps wide.
 */

#include <string.h>

#include "core/op/op.h"

/* Shorter rows are not worth a copy of their own: they go through staging and the strided kernel. */
#define DIRECT_ROW_BYTES 4096

/* Reading a gap of this many bytes costs about what a second read does: one page of a cached file, one system
 * call. */
#define GAP_BYTES 4096

/* A box of a leaf in bytes: merged axes, and where it begins. */
struct run {
        const ckpt_tensor *leaf;
        const ckpt_view *view;
        ckpt_axes axes;
        uint64_t unit;  /* bytes of what the axes count */
        uint64_t start; /* bytes from the leaf's first element */
        uint64_t bytes; /* wanted */
        uint64_t span;  /* from the first to one past the last wanted byte */
};

static ckpt_status run_init(struct run *run, ckpt_session *session, const ckpt_tensor *leaf,
                            const ckpt_box *box, const ckpt_view *view)
{
        const int64_t *strides = leaf->as.leaf.strides;
        const uint32_t bits = ckpt_dtype_bits(leaf->dtype);
        int64_t first = 0, span = 0;

        ckpt_axes_init(&run->axes, leaf->rank, box->size, view->strides, strides);
        for (uint32_t i = 0; i < leaf->rank; i++)
                first += box->start[i] * strides[i];
        run->leaf = leaf;
        run->view = view;
        run->unit = bits % 8 == 0 ? bits / 8 : 1;
        /* Describing makes sure of it; a hole there must not become wrong bytes here. */
        if (first * bits % 8 != 0 || view->bit_offset % 8 != 0 || !ckpt_axes_to_bytes(&run->axes, bits))
                return ckpt_session_fail(session, CKPT_E_UNSUPPORTED, NULL,
                                         "a range of %s elements does not fill whole bytes",
                                         ckpt_dtype_name(leaf->dtype));
        run->start = (uint64_t)first * bits / 8;
        run->bytes = (uint64_t)ckpt_box_count(box, leaf->rank) * bits / 8;
        for (uint32_t i = 0; i < run->axes.count; i++)
                span += (run->axes.size[i] - 1) * run->axes.src[i];
        run->span = (uint64_t)(span + 1) * run->unit;
        return CKPT_OK;
}

/* Bytes that follow each other on both sides. */
static uint64_t run_width(const struct run *run)
{
        const ckpt_axes *axes = &run->axes;
        const uint32_t last = axes->count - 1;

        if (axes->count > 0 && axes->src[last] == 1 && axes->dst[last] == 1)
                return (uint64_t)axes->size[last] * run->unit;
        return run->unit;
}

/* How many of the innermost axes lie without a gap in the source. */
static uint32_t packed_axes(const struct run *run)
{
        const ckpt_axes *axes = &run->axes;
        int64_t stride = 1;
        uint32_t count = 0;

        while (count < axes->count && axes->src[axes->count - 1 - count] == stride) {
                stride *= axes->size[axes->count - 1 - count];
                count++;
        }
        return count;
}

/* A complex number is two floats, each turned round by itself. */
static uint32_t swap_width(const ckpt_tensor *leaf)
{
        const uint32_t width = ckpt_dtype_bits(leaf->dtype) / (leaf->dtype == CKPT_DTYPE_C64 ? 16 : 8);

        return leaf->as.leaf.place.big_endian && width > 1 ? width : 0;
}

static ckpt_read read_first(const struct run *run, uint64_t row_bytes)
{
        return (ckpt_read){
                .place = &run->leaf->as.leaf.place,
                .offset = run->leaf->as.leaf.place.offset + run->start,
                .row_bytes = row_bytes,
                .rows = 1,
                .swap = swap_width(run->leaf),
        };
}

/* Rows of the axis before the `inner` innermost ones in one read, axes before that one by one. */
static ckpt_status read_rows(ckpt_emitter *emitter, const struct run *run, const ckpt_read *row,
                             const int64_t *dst_strides, uint32_t axis, uint32_t inner)
{
        const ckpt_axes *axes = &run->axes;
        const uint32_t outer = axes->count - inner;
        ckpt_read read = *row;
        ckpt_status r = CKPT_OK;

        if (axis + 1 < outer) {
                for (int64_t i = 0; i < axes->size[axis] && r == CKPT_OK; i++) {
                        read.offset = row->offset + (uint64_t)(i * axes->src[axis]) * run->unit;
                        read.dst_offset = row->dst_offset + (uint64_t)(i * dst_strides[axis]) * run->unit;
                        r = read_rows(emitter, run, &read, dst_strides, axis + 1, inner);
                }
                return r;
        }
        if (axis < outer) {
                read.rows = (uint64_t)axes->size[axis];
                read.src_pitch = (uint64_t)axes->src[axis] * run->unit;
                read.dst_pitch = (uint64_t)dst_strides[axis] * run->unit;
        }
        return ckpt_emit_read(emitter, &read);
}

static ckpt_status emit_rows(ckpt_emitter *emitter, const struct run *run)
{
        ckpt_read read = read_first(run, run_width(run));
        const uint32_t inner = run->axes.count > 0 && read.row_bytes > run->unit ? 1 : 0;

        read.space = run->view->space;
        read.buffer = run->view->buffer;
        read.dst_offset = (uint64_t)run->view->bit_offset / 8;
        return read_rows(emitter, run, &read, run->axes.dst, 0, inner);
}

/* From a staging buffer laid out like `strides` into the view. */
static ckpt_status copy_from_staging(ckpt_emitter *emitter, const struct run *run, ckpt_view *staging,
                                     const int64_t *strides)
{
        const ckpt_dtype bytes = run->unit == 1 ? CKPT_DTYPE_U8 : run->leaf->dtype;
        ckpt_view there = *run->view;

        memcpy(staging->strides, strides, run->axes.count * sizeof(*strides));
        memcpy(there.strides, run->axes.dst, run->axes.count * sizeof(*strides));
        return ckpt_emit_copy(emitter, bytes, run->axes.count, run->axes.size, &there, staging, NULL);
}

static ckpt_status emit_cover(ckpt_emitter *emitter, const struct run *run)
{
        ckpt_read read = read_first(run, run->span);
        ckpt_view staging;
        ckpt_status r = ckpt_emit_staging_bytes(emitter, run->span, &staging);

        if (r)
                return r;
        read.space = CKPT_SPACE_STAGING;
        read.buffer = staging.buffer;
        r = ckpt_emit_read(emitter, &read);
        return r ? r : copy_from_staging(emitter, run, &staging, run->axes.src);
}

static ckpt_status emit_packed(ckpt_emitter *emitter, const struct run *run)
{
        const uint32_t inner = packed_axes(run);
        uint64_t width = run->unit;
        int64_t strides[CKPT_RANK_MAX], stride = 1;
        ckpt_view staging;
        ckpt_read read;
        ckpt_status r;

        for (uint32_t i = run->axes.count; i-- > 0;) {
                /* A repeated axis is read once. */
                strides[i] = run->axes.src[i] == 0 ? 0 : stride;
                if (run->axes.src[i] != 0)
                        stride *= run->axes.size[i];
                if (run->axes.count - i <= inner)
                        width *= (uint64_t)run->axes.size[i];
        }
        r = ckpt_emit_staging_bytes(emitter, (uint64_t)stride * run->unit, &staging);
        if (r)
                return r;
        read = read_first(run, width);
        read.space = CKPT_SPACE_STAGING;
        read.buffer = staging.buffer;
        r = read_rows(emitter, run, &read, strides, 0, inner);
        return r ? r : copy_from_staging(emitter, run, &staging, strides);
}

/* Where the device's kernels can read the memory themselves there is nothing to read. */
static ckpt_status emit_memory(ckpt_emitter *emitter, const struct run *run)
{
        const ckpt_dtype bytes = run->unit == 1 ? CKPT_DTYPE_U8 : run->leaf->dtype;
        ckpt_view from = {.space = CKPT_SPACE_MEMORY}, there = *run->view;
        const ckpt_status r = ckpt_emit_account(emitter, run->bytes);

        if (r)
                return r;
        memcpy(from.strides, run->axes.src, run->axes.count * sizeof(*from.strides));
        memcpy(there.strides, run->axes.dst, run->axes.count * sizeof(*there.strides));
        return ckpt_emit_copy(emitter, bytes, run->axes.count, run->axes.size, &there, &from,
                              run->leaf->as.leaf.place.memory + run->start);
}

/* A reader that cannot be asked for any range: all of it into staging, then the box out of that. */
static ckpt_status emit_whole(ckpt_emitter *emitter, const struct run *run)
{
        const ckpt_place *place = &run->leaf->as.leaf.place;
        ckpt_read read = {.place = place, .row_bytes = place->size, .rows = 1, .swap = swap_width(run->leaf)};
        ckpt_view staging;
        ckpt_status r;

        ckpt_emit_uncuttable(emitter);
        r = ckpt_emit_staging_bytes(emitter, place->size, &staging);
        if (r)
                return r;
        read.space = CKPT_SPACE_STAGING;
        read.buffer = staging.buffer;
        r = ckpt_emit_read(emitter, &read);
        if (r)
                return r;
        staging.bit_offset = (int64_t)run->start * 8;
        return copy_from_staging(emitter, run, &staging, run->axes.src);
}

static ckpt_status leaf_in_tile(ckpt_emitter *emitter, const ckpt_tensor *leaf, const ckpt_box *box,
                                const ckpt_view *view)
{
        const ckpt_place *place = &leaf->as.leaf.place;
        struct run run;
        uint64_t width, gaps;
        bool sparse;
        const ckpt_status r = run_init(&run, ckpt_emit_session(emitter), leaf, box, view);

        if (r)
                return r;
        if (place->kind == CKPT_PLACE_MEMORY && place->device == ckpt_emit_memory_device(emitter))
                return emit_memory(emitter, &run);
        if (place->kind == CKPT_PLACE_READER && place->access != CKPT_ACCESS_RANDOM)
                return emit_whole(emitter, &run);
        width = run_width(&run);
        if (width == run.bytes)
                return emit_rows(emitter, &run);
        /* Repetition makes the span shorter than what is wanted. */
        gaps = run.span > run.bytes ? run.span - run.bytes : 0;
        sparse = gaps > run.bytes / width * GAP_BYTES;
        if (width >= DIRECT_ROW_BYTES && (gaps == 0 || sparse))
                return emit_rows(emitter, &run);
        return sparse ? emit_packed(emitter, &run) : emit_cover(emitter, &run);
}

static ckpt_status leaf_emit(ckpt_emitter *emitter, const ckpt_tensor *leaf, const ckpt_box *box,
                             const ckpt_view *view)
{
        const ckpt_place *place = &leaf->as.leaf.place;

        if (place->kind == CKPT_PLACE_MEMORY && place->device >= 0 &&
            place->device != ckpt_emit_memory_device(emitter))
                return ckpt_session_fail(
                        ckpt_emit_session(emitter), CKPT_E_UNSUPPORTED, NULL,
                        "a tensor in the memory of cuda:%d cannot be loaded to another device",
                        place->device);
        return ckpt_emit_tiled(emitter, leaf, box, view, leaf_in_tile);
}

static uint32_t leaf_cut_axis(const ckpt_tensor *leaf)
{
        uint32_t axis = 0;

        for (uint32_t i = 1; i < leaf->rank; i++)
                if (leaf->shape[axis] == 1 ||
                    (leaf->shape[i] > 1 && leaf->as.leaf.strides[i] > leaf->as.leaf.strides[axis]))
                        axis = i;
        return axis;
}

const ckpt_op ckpt_op_leaf = {
        .name = "leaf",
        .emit = leaf_emit,
        .cut_axis = leaf_cut_axis,
        .attributes = CKPT_ATTRIBUTES(leaf),
};
