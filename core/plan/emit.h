/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_PLAN_EMIT_H
#define CKPT_PLAN_EMIT_H

/*
 * Taking a description apart
 *
 * The planner asks for a box of a tensor in a view, and the tensor's operation answers: layout operations
 * move the box and the view and pass the question on, computed ones stage their input and add a step, leaves
 * add reads. So a slice at the top ends as a smaller read at the bottom, and nothing that can be a copy
 * becomes a kernel.
 *
 * Tiles are opened by the first operation that needs one (ckpt_emit_tiled), which cuts its box until each
 * piece fits.
 */

#include "core/plan/plan.h"

typedef struct ckpt_emitter ckpt_emitter;

typedef ckpt_status (*ckpt_emit_fn)(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                    const ckpt_view *view);

/** Positive: the piece does not fit into a tile. Forwarded by every emit function up to ckpt_emit_tiled,
 * which cuts it. */
#define CKPT_TILE_FULL 2

/** Asks the tensor's operation; an empty box is nothing to do. */
ckpt_status ckpt_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                      const ckpt_view *view);

/**
 * Calls `emit` inside a tile: the one that is open, or else new ones, cutting the box along the tensor's cut
 * axis until each piece fits. A piece that cannot be cut any further gets a tile of whatever size it needs.
 */
ckpt_status ckpt_emit_tiled(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                            const ckpt_view *view, ckpt_emit_fn emit);
/** Inside a tile: cutting would not make it smaller, since a whole operand is staged for every piece. */
void ckpt_emit_uncuttable(ckpt_emitter *emitter);

/** A staging buffer for a packed tensor of these sizes. */
ckpt_status ckpt_emit_staging(ckpt_emitter *emitter, ckpt_dtype dtype, uint32_t rank, const int64_t *sizes,
                              ckpt_view *ret_view);
/** A staging buffer of so many bytes; the view's strides are left alone. */
ckpt_status ckpt_emit_staging_bytes(ckpt_emitter *emitter, uint64_t size, ckpt_view *ret_view);
/** Adds a read to the open tile. */
ckpt_status ckpt_emit_read(ckpt_emitter *emitter, const ckpt_read *read);
/** Adds a step to the open tile. */
ckpt_status ckpt_emit_step(ckpt_emitter *emitter, const ckpt_step *step);
/** Counts bytes that a step moves without staging, as reads straight into the parameter are counted. */
ckpt_status ckpt_emit_account(ckpt_emitter *emitter, uint64_t bytes);
/** Zeros into a box of a view, of the tensor's dtype. */
ckpt_status ckpt_emit_zero(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                           const ckpt_view *view);
/** Steps that copy a strided tensor of these sizes; `src` MEMORY takes its address from `memory`. */
ckpt_status ckpt_emit_copy(ckpt_emitter *emitter, ckpt_dtype dtype, uint32_t rank, const int64_t *sizes,
                           const ckpt_view *dst, const ckpt_view *src, const uint8_t *memory);

/** Which memory the device's kernels can address (ckpt_plan_options). */
int32_t ckpt_emit_memory_device(const ckpt_emitter *emitter);
ckpt_session *ckpt_emit_session(const ckpt_emitter *emitter);
uint64_t ckpt_emit_tile_bytes(const ckpt_emitter *emitter);

/** An operand at a view's start. */
ckpt_operand ckpt_emit_operand(const ckpt_view *view);

/* ---- axes of a copy, merged ---- */

/** Sizes and strides of a copy, outermost first; strides in elements. */
typedef struct ckpt_axes {
        uint32_t count;
        int64_t size[CKPT_RANK_MAX], dst[CKPT_RANK_MAX], src[CKPT_RANK_MAX];
} ckpt_axes;

/**
 * Leaves out axes of one element, orders by falling source stride (axes of stride 0 first) and merges
 * neighbours that both sides run through without a gap.
 */
void ckpt_axes_init(ckpt_axes *axes, uint32_t rank, const int64_t *sizes, const int64_t *dst,
                    const int64_t *src);

/**
 * For types smaller than a byte: axes that count elements of so many bits become axes that count bytes. False
 * where a run or a stride is no whole number of them. Types of whole bytes are left as they are.
 */
bool ckpt_axes_to_bytes(ckpt_axes *axes, uint32_t bits);

/** The emitter's own side: used by plan.c alone. */
struct ckpt_emitter {
        ckpt_plan *plan;
        uint64_t param;
        ckpt_tile tile;
        bool open, unlimited, uncuttable;
        CKPT_ARRAY(uint64_t) buffers; /* sizes */
        CKPT_ARRAY(bool) buffer_read; /* filled by a read */
};

/** Drops a target's reads, from the first one on, if the target can be mapped instead. */
void ckpt_plan_map_target(ckpt_plan *plan, ckpt_target *target, uint64_t first_read, ckpt_dtype dtype);

void ckpt_emitter_deinit(ckpt_emitter *emitter);

#endif
