/* SPDX-License-Identifier: Apache-2.0 */

/*
 * repeat_blocks and gather: elements of one axis, some of them again or in another order
 *
 * Long runs are asked for one by one and end as copies. Where whole blocks are repeated, or runs are short,
 * the input is staged once and a kernel writes it out.
 */

#include <string.h>

#include "core/op/op.h"

/* Runs of an index that are at least this long are read to their places; shorter ones go through the kernel.
 */
#define DIRECT_RUN_BYTES 4096

/* `count` elements of the input from `from`, to element `to` of the box. */
static ckpt_status emit_run(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                            const ckpt_view *view, uint32_t axis, int64_t from, int64_t to, int64_t count)
{
        ckpt_box part = *box;
        ckpt_view there = *view;

        part.start[axis] = from;
        part.size[axis] = count;
        ckpt_view_advance(&there, tensor->dtype, axis, to);
        return ckpt_emit(emitter, tensor->inputs[0], &part, &there);
}

/* Bytes of one element of the axis, if everything inside it is packed in the view and nothing but it is
 * outside; else 0. */
static uint64_t packed_row_bytes(const ckpt_tensor *tensor, const ckpt_box *box, const ckpt_view *view,
                                 uint32_t axis)
{
        int64_t stride = 1;

        for (uint32_t i = 0; i < axis; i++)
                if (box->size[i] != 1)
                        return 0;
        for (uint32_t i = tensor->rank; i-- > axis + 1;) {
                if (box->size[i] != 1 && view->strides[i] != stride)
                        return 0;
                stride *= box->size[i];
        }
        return (uint64_t)stride * ckpt_dtype_bits(tensor->dtype) / 8;
}

static int64_t pitch_bytes(const ckpt_tensor *tensor, const ckpt_view *view, uint32_t axis)
{
        return view->strides[axis] * (int64_t)ckpt_dtype_bits(tensor->dtype) / 8;
}

/* ---- repeat_blocks ---- */

static void repeat_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%d, %lld blocks x %lld, ", tensor->as.repeat.axis,
                      (long long)tensor->as.repeat.blocks, (long long)tensor->as.repeat.reps);
}

static int64_t block_rows(const ckpt_tensor *tensor)
{
        return tensor->inputs[0]->shape[tensor->as.repeat.axis] / tensor->as.repeat.blocks;
}

static ckpt_status repeat_by_kernel(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                    const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.repeat.axis;
        const int64_t rows = block_rows(tensor), reps = tensor->as.repeat.reps;
        ckpt_step step = {.kind = CKPT_STEP_REPEAT_BLOCKS};
        ckpt_box part = *box;
        ckpt_view staging;
        ckpt_status r;

        part.start[axis] = box->start[axis] / reps;
        part.size[axis] = box->size[axis] / reps;
        r = ckpt_emit_staging(emitter, tensor->dtype, tensor->rank, part.size, &staging);
        if (r == CKPT_OK)
                r = ckpt_emit(emitter, tensor->inputs[0], &part, &staging);
        if (r)
                return r;
        step.dst = ckpt_emit_operand(view);
        step.src = ckpt_emit_operand(&staging);
        step.as.repeat = (ckpt_repeat_blocks){
                .blocks = part.size[axis] / rows,
                .block_rows = rows,
                .reps = reps,
                .row_bytes = (int64_t)packed_row_bytes(tensor, box, view, axis),
                .src_pitch = pitch_bytes(tensor, &staging, axis),
                .dst_pitch = pitch_bytes(tensor, view, axis),
        };
        return ckpt_emit_step(emitter, &step);
}

static ckpt_status repeat_by_runs(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                  const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.repeat.axis;
        const int64_t rows = block_rows(tensor), group = rows * tensor->as.repeat.reps;
        const int64_t stop = box->start[axis] + box->size[axis];
        ckpt_status r = CKPT_OK;

        for (int64_t at = box->start[axis]; at < stop && r == CKPT_OK;) {
                const int64_t within = at % rows, left = rows - within;
                const int64_t count = left < stop - at ? left : stop - at;

                r = emit_run(emitter, tensor, box, view, axis, at / group * rows + within,
                             at - box->start[axis], count);
                at += count;
        }
        return r;
}

static bool whole_groups(const ckpt_tensor *tensor, const ckpt_box *box, const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.repeat.axis;
        const int64_t group = block_rows(tensor) * tensor->as.repeat.reps;

        return box->start[axis] % group == 0 && box->size[axis] % group == 0 &&
               packed_row_bytes(tensor, box, view, axis) > 0;
}

/* A cut may have gone through a group. */
static ckpt_status repeat_in_tile(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                  const ckpt_view *view)
{
        return whole_groups(tensor, box, view) ? repeat_by_kernel(emitter, tensor, box, view)
                                               : repeat_by_runs(emitter, tensor, box, view);
}

static ckpt_status repeat_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.repeat.axis;
        const int64_t rows = block_rows(tensor), group = rows * tensor->as.repeat.reps;
        const uint64_t block = (uint64_t)rows * packed_row_bytes(tensor, box, view, axis);
        ckpt_status r = CKPT_OK;

        /* Blocks that fill a tile are asked for once per repetition, and go straight to their places. */
        if (!whole_groups(tensor, box, view) || block > ckpt_emit_tile_bytes(emitter))
                return repeat_by_runs(emitter, tensor, box, view);
        for (int64_t at = 0; at < box->size[axis] && r == CKPT_OK; at += group) {
                ckpt_box part = *box;
                ckpt_view there = *view;

                part.start[axis] += at;
                part.size[axis] = group;
                ckpt_view_advance(&there, tensor->dtype, axis, at);
                r = ckpt_emit_tiled(emitter, tensor, &part, &there, repeat_in_tile);
        }
        return r;
}

const ckpt_op ckpt_op_repeat_blocks = {
        .name = "repeat_blocks",
        .print = repeat_print,
        .emit = repeat_emit,
        .cut_axis = ckpt_op_cut_axis_of_input,
        .attributes = CKPT_ATTRIBUTES(repeat),
};

const ckpt_tensor *ckpt_tensor_api_repeat_blocks(const ckpt_tensor *tensor, int32_t axis, int64_t blocks,
                                                 int64_t reps)
{
        int64_t shape[CKPT_RANK_MAX], count;
        ckpt_tensor *repeat;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (!ckpt_op_axis(tensor, &axis))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "repeat along axis %d of a tensor of %u axes",
                                        axis, tensor->rank);
        for (uint32_t i = 0; i < tensor->rank; i++)
                shape[i] = tensor->shape[i];
        if (blocks < 1 || reps < 1 || shape[axis] % blocks != 0 ||
            __builtin_mul_overflow(shape[axis], reps, &shape[axis]))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID,
                                        "repeat of %lld blocks of an axis of %lld elements, %lld times",
                                        (long long)blocks, (long long)tensor->shape[axis], (long long)reps);
        if (!ckpt_op_whole_bytes(tensor, axis, tensor->shape[axis] / blocks))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "repeat of %s cuts a byte",
                                        ckpt_dtype_name(tensor->dtype));
        if (!ckpt_shape_count(tensor->dtype, tensor->rank, shape, &count))
                return ckpt_tensor_fail(tensor, CKPT_E_LIMIT, "repeat is too large to address");
        if (reps == 1)
                return tensor;
        repeat = ckpt_tensor_new(tensor->scope, &ckpt_op_repeat_blocks, tensor->dtype, tensor->rank, shape, 1,
                                 &tensor);
        if (repeat && !ckpt_tensor_is_error(repeat)) {
                repeat->as.repeat.axis = axis;
                repeat->as.repeat.blocks = blocks;
                repeat->as.repeat.reps = reps;
        }
        return repeat;
}

/* ---- gather ---- */

static void gather_print(const ckpt_tensor *tensor, ckpt_text *text)
{
        ckpt_text_add(text, "%d, %lld indices, ", tensor->as.gather.axis,
                      (long long)tensor->shape[tensor->as.gather.axis]);
}

/* Length of the run of following indices that starts at `at`. */
static int64_t index_run(const int64_t *index, int64_t at, int64_t stop)
{
        int64_t count = 1;

        while (at + count < stop && index[at + count] == index[at] + count)
                count++;
        return count;
}

static ckpt_status gather_by_runs(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                  const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.gather.axis;
        const int64_t *index = tensor->as.gather.index, stop = box->start[axis] + box->size[axis];
        ckpt_status r = CKPT_OK;

        for (int64_t at = box->start[axis]; at < stop && r == CKPT_OK;) {
                const int64_t count = index_run(index, at, stop);

                r = emit_run(emitter, tensor, box, view, axis, index[at], at - box->start[axis], count);
                at += count;
        }
        return r;
}

/* The index relative to the staged rows, as memory that a read brings to the device. */
static ckpt_status stage_index(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               int64_t lowest, ckpt_operand *ret_index)
{
        ckpt_arena *arena = &ckpt_emit_session(emitter)->scope.arena;
        const uint32_t axis = (uint32_t)tensor->as.gather.axis;
        const int64_t count = box->size[axis];
        int64_t *relative = ckpt_arena_calloc(arena, (uint64_t)count, sizeof(*relative));
        ckpt_place *place = ckpt_arena_alloc(arena, sizeof(*place));
        ckpt_read read = {.space = CKPT_SPACE_STAGING, .rows = 1, .place = place};
        ckpt_view staging;
        ckpt_status r;

        if (!relative || !place)
                return CKPT_E_NOMEM;
        for (int64_t i = 0; i < count; i++)
                relative[i] = tensor->as.gather.index[box->start[axis] + i] - lowest;
        *place = (ckpt_place){.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = (const uint8_t *)relative};
        r = ckpt_emit_staging_bytes(emitter, (uint64_t)count * sizeof(*relative), &staging);
        if (r)
                return r;
        read.row_bytes = (uint64_t)count * sizeof(*relative);
        read.buffer = staging.buffer;
        *ret_index = ckpt_emit_operand(&staging);
        return ckpt_emit_read(emitter, &read);
}

static ckpt_status gather_by_kernel(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                                    const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.gather.axis;
        const int64_t *index = tensor->as.gather.index + box->start[axis];
        int64_t lowest = index[0], highest = index[0];
        ckpt_step step = {.kind = CKPT_STEP_GATHER_ROWS};
        ckpt_box part = *box;
        ckpt_view staging;
        ckpt_status r;

        for (int64_t i = 1; i < box->size[axis]; i++) {
                lowest = index[i] < lowest ? index[i] : lowest;
                highest = index[i] > highest ? index[i] : highest;
        }
        part.start[axis] = lowest;
        part.size[axis] = highest - lowest + 1;
        /* An order that leaps over the whole input needs the whole input, however few rows are asked for. */
        if (part.size[axis] > 2 * box->size[axis])
                ckpt_emit_uncuttable(emitter);
        r = ckpt_emit_staging(emitter, tensor->dtype, tensor->rank, part.size, &staging);
        if (r == CKPT_OK)
                r = ckpt_emit(emitter, tensor->inputs[0], &part, &staging);
        if (r == CKPT_OK)
                r = stage_index(emitter, tensor, box, lowest, &step.index);
        if (r)
                return r;
        step.dst = ckpt_emit_operand(view);
        step.src = ckpt_emit_operand(&staging);
        step.as.gather = (ckpt_gather_rows){
                .n_rows = box->size[axis],
                .row_bytes = (int64_t)packed_row_bytes(tensor, box, view, axis),
                .src_pitch = pitch_bytes(tensor, &staging, axis),
                .dst_pitch = pitch_bytes(tensor, view, axis),
        };
        return ckpt_emit_step(emitter, &step);
}

static ckpt_status gather_emit(ckpt_emitter *emitter, const ckpt_tensor *tensor, const ckpt_box *box,
                               const ckpt_view *view)
{
        const uint32_t axis = (uint32_t)tensor->as.gather.axis;
        const uint64_t row_bytes = packed_row_bytes(tensor, box, view, axis);
        const int64_t stop = box->start[axis] + box->size[axis];
        int64_t runs = 0;

        for (int64_t at = box->start[axis]; at < stop; at += index_run(tensor->as.gather.index, at, stop))
                runs++;
        if (row_bytes == 0 || (uint64_t)box->size[axis] * row_bytes / (uint64_t)runs >= DIRECT_RUN_BYTES)
                return gather_by_runs(emitter, tensor, box, view);
        return ckpt_emit_tiled(emitter, tensor, box, view, gather_by_kernel);
}

static uint32_t gather_cut_axis(const ckpt_tensor *tensor)
{
        return (uint32_t)tensor->as.gather.axis;
}

const ckpt_op ckpt_op_gather = {
        .name = "gather",
        .print = gather_print,
        .emit = gather_emit,
        .cut_axis = gather_cut_axis,
        .attributes = CKPT_ATTRIBUTES(gather),
};

const ckpt_tensor *ckpt_tensor_api_gather(const ckpt_tensor *tensor, int32_t axis, const int64_t *index,
                                          int64_t count)
{
        int64_t shape[CKPT_RANK_MAX], elements, *copy;
        ckpt_tensor *gather;

        if (ckpt_tensor_is_error(tensor))
                return tensor;
        if (!ckpt_op_axis(tensor, &axis) || count < 0)
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "gather along axis %d of a tensor of %u axes",
                                        axis, tensor->rank);
        for (int64_t i = 0; i < count; i++)
                if (index[i] < 0 || index[i] >= tensor->shape[axis])
                        return ckpt_tensor_fail(tensor, CKPT_E_INVALID,
                                                "gather of element %lld of an axis of %lld",
                                                (long long)index[i], (long long)tensor->shape[axis]);
        if (!ckpt_op_whole_bytes(tensor, axis, 1))
                return ckpt_tensor_fail(tensor, CKPT_E_INVALID, "gather of %s cuts a byte",
                                        ckpt_dtype_name(tensor->dtype));
        for (uint32_t i = 0; i < tensor->rank; i++)
                shape[i] = tensor->shape[i];
        shape[axis] = count;
        if (!ckpt_shape_count(tensor->dtype, tensor->rank, shape, &elements))
                return ckpt_tensor_fail(tensor, CKPT_E_LIMIT, "gather is too large to address");
        gather = ckpt_tensor_new(tensor->scope, &ckpt_op_gather, tensor->dtype, tensor->rank, shape, 1,
                                 &tensor);
        if (!gather || ckpt_tensor_is_error(gather))
                return gather;
        copy = ckpt_arena_calloc(&tensor->scope->arena, (uint64_t)count, sizeof(*copy));
        if (!copy) {
                tensor->scope->out_of_memory = true;
                return ckpt_tensor_error(tensor->scope);
        }
        if (count > 0)
                memcpy(copy, index, (uint64_t)count * sizeof(*copy));
        gather->as.gather.axis = axis;
        gather->as.gather.index = copy;
        return gather;
}
