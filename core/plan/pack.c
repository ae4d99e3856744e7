/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tiles packed into chunks
 *
 * Tiles come in the order of the files, so the reads of neighbours often follow each other there: these
 * become one request. What one chunk holds is read into one slot, copied to a device at once, and computed in
 * a handful of launches, however many tensors it is.
 */

#include "core/plan/plan.h"

/* A gap that is read for nothing because asking twice costs more. */
#define GAP_BYTES 4096

struct packer {
        ckpt_plan *plan;
        ckpt_chunk chunk;     /* the one being filled */
        uint64_t image, work; /* bounds of what it needs so far */
};

/* What adding a tile may have changed. */
struct mark {
        struct packer packer;
        uint64_t runs, run_reads;
        ckpt_run last;
};

static bool takes_blocks(const ckpt_run *run)
{
        return run->place->kind == CKPT_PLACE_OBJECT && run->rows == 1 &&
               run->row_bytes >= CKPT_DIRECT_BYTES && !run->in_block;
}

/* The most that a run may take of the image. */
static uint64_t room_for(const ckpt_run *run)
{
        if (run->in_block)
                return 0;
        /* One block before it, for what lies there may end anywhere, and two that it touches and does not
         * fill. */
        return ckpt_run_bytes(run) + (takes_blocks(run) ? 3 * CKPT_BLOCK_BYTES : CKPT_STAGING_ALIGNMENT);
}

/* ---- runs ---- */

static bool can_join(const struct packer *packer, const ckpt_run *run, const ckpt_read *read)
{
        const uint64_t end = run->offset + run->row_bytes;
        const ckpt_read *before = ckpt_run_read(packer->plan, run, run->n_reads - 1);

        if (run->place->kind != CKPT_PLACE_OBJECT || run->rows != 1 || run->in_block || before->swap)
                return false;
        if (read->place->kind != CKPT_PLACE_OBJECT || read->swap || !ckpt_read_is_range(read))
                return false;
        if (read->place->source != run->place->source || read->place->object != run->place->object)
                return false;
        return read->offset >= (packer->plan->options.scatter ? end : before->offset) &&
               read->offset <= end + GAP_BYTES;
}

static void join(ckpt_run *run, const ckpt_read *read)
{
        const uint64_t end = read->offset + read->row_bytes * read->rows;

        if (end > run->offset + run->row_bytes)
                run->row_bytes = end - run->offset;
        run->n_reads++;
}

static ckpt_run run_of(const struct packer *packer, const ckpt_read *read, bool in_block)
{
        const bool whole = ckpt_read_is_range(read) && (!in_block || ckpt_read_lands_packed(read));

        return (ckpt_run){
                .place = read->place,
                .offset = read->offset,
                .row_bytes = whole ? read->row_bytes * read->rows : read->row_bytes,
                .rows = whole ? 1 : read->rows,
                .src_pitch = read->src_pitch,
                .image_offset = read->dst_offset,
                .image_pitch = in_block ? read->dst_pitch : read->row_bytes,
                .first_read = packer->plan->run_reads.count,
                .n_reads = 1,
                .in_block = in_block,
        };
}

static ckpt_status add_read(struct packer *packer, uint64_t index, bool in_block)
{
        ckpt_plan *plan = packer->plan;
        const ckpt_read *read = &plan->reads.items[index];
        ckpt_run *last = packer->chunk.n_runs > 0 ? &plan->runs.items[plan->runs.count - 1] : NULL;
        ckpt_run run;

        if (last && !in_block && can_join(packer, last, read)) {
                packer->image -= room_for(last);
                join(last, read);
                packer->image += room_for(last);
        } else {
                run = run_of(packer, read, in_block);
                if (ckpt_array_push(&plan->runs, run) != CKPT_OK)
                        return CKPT_E_NOMEM;
                packer->chunk.n_runs++;
                packer->image += room_for(&run);
        }
        return ckpt_array_push(&plan->run_reads, index);
}

static ckpt_status add_tile(struct packer *packer, const ckpt_tile *tile)
{
        const uint64_t end = tile->first_read + tile->n_reads;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = tile->first_read; i < end && r == CKPT_OK; i++) {
                const ckpt_read *read = &packer->plan->reads.items[i];
                const bool staged = read->space == CKPT_SPACE_STAGING;

                r = add_read(packer, i, staged && !tile->movable);
                packer->chunk.stages |= staged;
                packer->chunk.pieces += !staged;
                packer->chunk.spreads |= !ckpt_read_lands_packed(read);
        }
        if (!tile->movable)
                packer->image += tile->read_staging + CKPT_STAGING_ALIGNMENT;
        packer->work += ckpt_align_up(tile->staging - tile->read_staging, CKPT_STAGING_ALIGNMENT);
        if (tile->n_steps > packer->chunk.levels)
                packer->chunk.levels = tile->n_steps;
        packer->chunk.n_tiles++;
        return r;
}

/* ---- layout ---- */

static uint64_t place_run(ckpt_run *run, uint64_t at)
{
        if (run->in_block)
                return at;
        if (!takes_blocks(run)) {
                run->image_offset = ckpt_align_up(at, CKPT_STAGING_ALIGNMENT);
                return run->image_offset + ckpt_run_bytes(run);
        }
        run->image_offset = ckpt_align_up(at, CKPT_BLOCK_BYTES) + run->offset % CKPT_BLOCK_BYTES;
        return ckpt_align_up(run->image_offset + run->row_bytes, CKPT_BLOCK_BYTES);
}

/* Reads learn their place from their run; within a tile's block that is still relative to the block. */
static void place_reads(ckpt_plan *plan, const ckpt_run *run)
{
        for (uint64_t i = 0; i < run->n_reads; i++) {
                ckpt_read *read = ckpt_run_read(plan, run, i);

                read->image_offset = run->image_offset + (read->offset - run->offset);
        }
}

static uint64_t place_tile(ckpt_plan *plan, ckpt_tile *tile, uint64_t at)
{
        if (!tile->movable) {
                tile->image_base = ckpt_align_up(at, CKPT_STAGING_ALIGNMENT);
                return tile->read_staging > 0 ? tile->image_base + tile->read_staging : at;
        }
        for (uint64_t i = 0; i < tile->n_reads; i++)
                if (plan->reads.items[tile->first_read + i].space == CKPT_SPACE_STAGING)
                        tile->image_base = plan->reads.items[tile->first_read + i].image_offset;
        return at;
}

/* Now that the tile's block has its place: what lies in it. */
static void settle_block(ckpt_plan *plan, const ckpt_tile *tile)
{
        for (uint64_t i = 0; i < tile->n_reads && !tile->movable; i++) {
                ckpt_read *read = &plan->reads.items[tile->first_read + i];

                if (read->space == CKPT_SPACE_STAGING)
                        read->image_offset += tile->image_base;
        }
}

static void lay_out(ckpt_plan *plan, ckpt_chunk *chunk)
{
        ckpt_tile *tiles = plan->tiles.items + chunk->first_tile;
        ckpt_run *runs = plan->runs.items + chunk->first_run;
        uint64_t at = 0;

        for (uint64_t i = 0; i < chunk->n_runs; i++) {
                at = place_run(&runs[i], at);
                place_reads(plan, &runs[i]);
        }
        for (uint64_t i = 0; i < chunk->n_tiles; i++) {
                at = place_tile(plan, &tiles[i], at);
                settle_block(plan, &tiles[i]);
        }
        for (uint64_t i = 0; i < chunk->n_runs; i++)
                if (runs[i].in_block)
                        runs[i].image_offset = ckpt_run_read(plan, &runs[i], 0)->image_offset;
        chunk->image_bytes = at;
        for (uint64_t i = 0; i < chunk->n_tiles; i++) {
                tiles[i].work_base = ckpt_align_up(at, CKPT_STAGING_ALIGNMENT);
                at = tiles[i].work_base + (tiles[i].staging - tiles[i].read_staging);
        }
        chunk->slot_bytes = ckpt_align_up(at, CKPT_BLOCK_BYTES);
}

static ckpt_status chunk_close(struct packer *packer)
{
        ckpt_plan *plan = packer->plan;
        ckpt_chunk *chunk = &packer->chunk;

        lay_out(plan, chunk);
        if (chunk->slot_bytes > plan->slot_bytes && chunk->slot_bytes > plan->oversize)
                plan->oversize = chunk->slot_bytes;
        if (chunk->slot_bytes <= plan->slot_bytes && chunk->slot_bytes > plan->largest_slot)
                plan->largest_slot = chunk->slot_bytes;
        if (chunk->n_runs > plan->most_runs)
                plan->most_runs = chunk->n_runs;
        return ckpt_array_push(&plan->chunks, *chunk);
}

static void chunk_open(struct packer *packer, uint64_t tile)
{
        packer->chunk = (ckpt_chunk){.first_tile = tile, .first_run = packer->plan->runs.count};
        packer->image = packer->work = 0;
}

/* ---- marks ---- */

static void mark_set(struct mark *mark, const struct packer *packer)
{
        const ckpt_plan *plan = packer->plan;

        mark->packer = *packer;
        mark->runs = plan->runs.count;
        mark->run_reads = plan->run_reads.count;
        if (plan->runs.count > 0)
                mark->last = plan->runs.items[plan->runs.count - 1];
}

static void mark_return(const struct mark *mark, struct packer *packer)
{
        ckpt_plan *plan = packer->plan;

        *packer = mark->packer;
        plan->runs.count = mark->runs;
        plan->run_reads.count = mark->run_reads;
        if (mark->runs > 0)
                plan->runs.items[mark->runs - 1] = mark->last;
}

ckpt_status ckpt_plan_pack(ckpt_plan *plan)
{
        struct packer packer = {.plan = plan};
        ckpt_status r = CKPT_OK;

        plan->slot_bytes = ckpt_plan_slot_bytes(plan->options.tile_bytes);
        for (uint64_t i = 0; i < plan->tiles.count && r == CKPT_OK; i++) {
                struct mark mark;

                mark_set(&mark, &packer);
                r = add_tile(&packer, &plan->tiles.items[i]);
                if (r || packer.image + packer.work <= plan->slot_bytes || packer.chunk.n_tiles == 1)
                        continue;
                mark_return(&mark, &packer);
                r = chunk_close(&packer);
                chunk_open(&packer, i);
                if (r == CKPT_OK)
                        r = add_tile(&packer, &plan->tiles.items[i]);
        }
        if (r == CKPT_OK && packer.chunk.n_tiles > 0)
                r = chunk_close(&packer);
        return r;
}
