/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a chunk computes: operands become addresses, and steps of one kind one call
 *
 * Steps of different tiles do not depend on each other; those of one tile do, one after the other. So the
 * first steps of all tiles run before the second ones, and among those of one level all of a kind are one
 * list of descriptors.
 */

#include "core/execute/execution.h"

/* Descriptors handed to the backend at once. */
#define BATCH_MAX 64

struct batch {
        ckpt_execution *execution;
        const ckpt_tile *tile;
        ckpt_slot *slot;
        ckpt_stream *stream;
        uint32_t count;
        union {
                ckpt_strided_copy copy[BATCH_MAX];
                ckpt_elementwise elementwise[BATCH_MAX];
                ckpt_transpose transpose[BATCH_MAX];
                ckpt_repeat_blocks repeat[BATCH_MAX];
                ckpt_gather_rows gather[BATCH_MAX];
        } as;
};

static uint8_t *staged(const struct batch *batch, const ckpt_operand *operand)
{
        const ckpt_tile *tile = batch->tile;

        if (operand->offset < tile->read_staging)
                return batch->slot->device + tile->image_base + operand->offset;
        return batch->slot->device + tile->work_base + (operand->offset - tile->read_staging);
}

static uint8_t *written(const struct batch *batch, const ckpt_operand *operand)
{
        uint8_t *target = batch->execution->options->data[batch->tile->param];

        return operand->space == CKPT_SPACE_TARGET ? target + operand->offset : staged(batch, operand);
}

static const uint8_t *read_from(const struct batch *batch, const ckpt_operand *operand)
{
        switch (operand->space) {
        case CKPT_SPACE_NONE:
                return NULL;
        case CKPT_SPACE_MEMORY:
                return operand->memory + operand->offset;
        default:
                return written(batch, operand);
        }
}

/* What a pass writes in one piece, into memory that may never have been touched. */
static void populate_target(const struct batch *batch, const ckpt_step *step)
{
        const ckpt_elementwise *pass = &step->as.elementwise;

        if (batch->execution->options->host_memory && step->kind == CKPT_STEP_ELEMENTWISE &&
            step->dst.space == CKPT_SPACE_TARGET && pass->rank == 1 && pass->dst_stride[0] == 1)
                ckpt_populate(written(batch, &step->dst),
                              (uint64_t)pass->shape[0] * ckpt_dtype_bits(pass->dst_dtype) / 8);
}

static void batch_add(struct batch *batch, const ckpt_step *step)
{
        const uint32_t at = batch->count++;
        void *dst = written(batch, &step->dst);
        const uint8_t *src = read_from(batch, &step->src);

        switch (step->kind) {
        case CKPT_STEP_COPY:
                batch->as.copy[at] = step->as.copy;
                batch->as.copy[at].dst = dst;
                batch->as.copy[at].src = src;
                break;
        case CKPT_STEP_ELEMENTWISE:
                batch->as.elementwise[at] = step->as.elementwise;
                batch->as.elementwise[at].dst = dst;
                batch->as.elementwise[at].src = src;
                break;
        case CKPT_STEP_TRANSPOSE:
                batch->as.transpose[at] = step->as.transpose;
                batch->as.transpose[at].dst = dst;
                batch->as.transpose[at].src = src;
                break;
        case CKPT_STEP_REPEAT_BLOCKS:
                batch->as.repeat[at] = step->as.repeat;
                batch->as.repeat[at].dst = dst;
                batch->as.repeat[at].src = src;
                break;
        case CKPT_STEP_GATHER_ROWS:
                batch->as.gather[at] = step->as.gather;
                batch->as.gather[at].dst = dst;
                batch->as.gather[at].src = src;
                batch->as.gather[at].index = (const int64_t *)(const void *)read_from(batch, &step->index);
                break;
        }
}

static ckpt_status batch_run(struct batch *batch, enum ckpt_step_kind kind)
{
        const ckpt_backend *backend = batch->execution->options->backend;
        int32_t error = 0;

        switch (kind) {
        case CKPT_STEP_COPY:
                error = backend->strided_copy(batch->stream, batch->as.copy, batch->count);
                break;
        case CKPT_STEP_ELEMENTWISE:
                error = backend->elementwise(batch->stream, batch->as.elementwise, batch->count);
                break;
        case CKPT_STEP_TRANSPOSE:
                error = backend->transpose(batch->stream, batch->as.transpose, batch->count);
                break;
        case CKPT_STEP_REPEAT_BLOCKS:
                error = backend->repeat_blocks(batch->stream, batch->as.repeat, batch->count);
                break;
        case CKPT_STEP_GATHER_ROWS:
                error = backend->gather_rows(batch->stream, batch->as.gather, batch->count);
                break;
        }
        batch->count = 0;
        atomic_fetch_add_explicit(&batch->execution->counters->kernels, 1, memory_order_relaxed);
        return error ? ckpt_execute_device_fail(batch->execution, error, "a kernel",
                                                ckpt_chunk_param(batch->execution, batch->slot))
                     : CKPT_OK;
}

static ckpt_status batch_flush(struct batch *batch, enum ckpt_step_kind kind)
{
        return batch->count > 0 ? batch_run(batch, kind) : CKPT_OK;
}

/* ---- levels ---- */

static ckpt_status run_kind(struct batch *batch, uint64_t level, enum ckpt_step_kind kind)
{
        const ckpt_plan *plan = batch->execution->plan;
        const ckpt_chunk *chunk = batch->slot->chunk;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < chunk->n_tiles && r == CKPT_OK; i++) {
                const ckpt_tile *tile = &plan->tiles.items[chunk->first_tile + i];
                const ckpt_step *step = plan->steps.items + tile->first_step + level;

                if (level >= tile->n_steps || step->kind != kind)
                        continue;
                batch->tile = tile;
                populate_target(batch, step);
                batch_add(batch, step);
                if (batch->count == BATCH_MAX)
                        r = batch_run(batch, kind);
        }
        return r ? r : batch_flush(batch, kind);
}

static ckpt_status run_level(struct batch *batch, uint64_t level)
{
        ckpt_status r = CKPT_OK;

        for (int kind = 0; kind < CKPT_STEP_KINDS && r == CKPT_OK; kind++)
                r = run_kind(batch, level, (enum ckpt_step_kind)kind);
        return r;
}

/* ---- from the image to final places ---- */

static ckpt_strided_copy scatter_of(const struct batch *batch, const ckpt_read *read)
{
        uint8_t *target = batch->execution->options->data[read->param];
        ckpt_strided_copy copy = {
                .dst = target + read->dst_offset,
                .src = batch->slot->device + read->image_offset,
                .elem_size = 1,
                .rank = 1,
                .dst_shape = {(int64_t)(read->row_bytes * read->rows)},
                .src_shape = {(int64_t)(read->row_bytes * read->rows)},
                .dst_stride = {1},
                .src_stride = {1},
        };

        if (ckpt_read_lands_packed(read))
                return copy;
        copy.rank = 2;
        copy.dst_shape[0] = copy.src_shape[0] = (int64_t)read->rows;
        copy.dst_shape[1] = copy.src_shape[1] = (int64_t)read->row_bytes;
        copy.dst_stride[0] = (int64_t)read->dst_pitch;
        copy.src_stride[0] = (int64_t)read->row_bytes;
        copy.dst_stride[1] = copy.src_stride[1] = 1;
        return copy;
}

static ckpt_status scatter_tile(struct batch *batch)
{
        const ckpt_tile *tile = batch->tile;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < tile->n_reads && r == CKPT_OK; i++) {
                const ckpt_read *read = &batch->execution->plan->reads.items[tile->first_read + i];

                if (read->space != CKPT_SPACE_TARGET)
                        continue;
                batch->as.copy[batch->count++] = scatter_of(batch, read);
                if (batch->count == BATCH_MAX)
                        r = batch_run(batch, CKPT_STEP_COPY);
        }
        return r;
}

static ckpt_status scatter(struct batch *batch)
{
        const ckpt_chunk *chunk = batch->slot->chunk;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < chunk->n_tiles && r == CKPT_OK; i++) {
                batch->tile = &batch->execution->plan->tiles.items[chunk->first_tile + i];
                r = scatter_tile(batch);
        }
        return r ? r : batch_flush(batch, CKPT_STEP_COPY);
}

ckpt_status ckpt_chunk_run_steps(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot, bool scatters)
{
        struct batch batch = {.execution = execution, .slot = slot, .stream = lane->stream};
        ckpt_status r = CKPT_OK;

        if (scatters)
                r = scatter(&batch);
        for (uint64_t level = 0; level < slot->chunk->levels && r == CKPT_OK; level++)
                r = run_level(&batch, level);
        return r;
}
