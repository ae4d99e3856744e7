/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Steps of a tile: operands become addresses, and runs of one kind become one call
 */

#include "core/execute/execute.h"

/* Descriptors handed to the backend at once. */
#define STEP_BATCH 16

struct batch {
        ckpt_execution *execution;
        const ckpt_tile *tile;
        ckpt_slot *slot;
        ckpt_stream *stream;
        uint32_t count;
        union {
                ckpt_strided_copy copy[STEP_BATCH];
                ckpt_elementwise elementwise[STEP_BATCH];
                ckpt_transpose transpose[STEP_BATCH];
                ckpt_repeat_blocks repeat[STEP_BATCH];
                ckpt_gather_rows gather[STEP_BATCH];
        } as;
};

static uint8_t *written(const struct batch *batch, const ckpt_operand *operand)
{
        uint8_t *target = batch->execution->options->data[batch->tile->param];

        return (operand->space == CKPT_SPACE_TARGET ? target : batch->slot->device) + operand->offset;
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
        return error ? ckpt_execute_device_fail(batch->execution, error, "a kernel", batch->tile->param)
                     : CKPT_OK;
}

ckpt_status ckpt_tile_run_steps(ckpt_execution *execution, const ckpt_tile *tile, ckpt_slot *slot,
                                ckpt_stream *stream)
{
        const ckpt_step *steps = execution->plan->steps.items + tile->first_step;
        struct batch batch = {.execution = execution, .tile = tile, .slot = slot, .stream = stream};

        for (uint64_t i = 0; i < tile->n_steps; i++) {
                const bool last = i + 1 == tile->n_steps || steps[i + 1].kind != steps[i].kind;
                ckpt_status r = CKPT_OK;

                populate_target(&batch, &steps[i]);
                batch_add(&batch, &steps[i]);
                /* What is written to staging is read by a later step, and descriptors of one call run at
                 * once. */
                if (last || steps[i].dst.space == CKPT_SPACE_STAGING || batch.count == STEP_BATCH)
                        r = batch_run(&batch, steps[i].kind);
                if (r)
                        return r;
        }
        return CKPT_OK;
}
