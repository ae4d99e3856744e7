/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_PLAN_PLAN_H
#define CKPT_PLAN_PLAN_H

/*
 * The plan: what will be done, as flat arrays
 *
 * A tile is the unit of work: some reads, then some steps, on one piece of one parameter, with staging memory
 * of its own. Tiles do not depend on each other; a reader thread takes one after the other. They are ordered
 * by where their first read lies, so that files are read forwards.
 *
 * A plan is made from descriptions alone. It knows neither threads nor addresses, except where a tensor was
 * given in memory.
 */

#include "core/base/array.h"
#include "core/mapper/mapper.h"
#include "core/plan/geometry.h"
#include "kernels/backend.h"

/** Rows of bytes from a place, into the parameter or into staging. */
typedef struct ckpt_read {
        const ckpt_place *place;
        uint64_t param;  /* whose tile it belongs to */
        uint64_t offset; /* of the first row: in the object, the reader's bytes, or the memory */
        uint64_t row_bytes, rows;
        uint64_t src_pitch, dst_pitch; /* bytes from row to row */
        enum ckpt_space space;         /* TARGET or STAGING */
        uint32_t buffer;
        uint64_t dst_offset;   /* in the parameter; in the buffer, from the start of staging once the tile is
                                sealed */
        uint32_t swap;         /* bytes of an element to be turned round; 0: none */
        uint64_t image_offset; /* where its first byte comes to lie in a slot, once the tiles are packed */
} ckpt_read;

/** Whether its rows follow each other in the source without a gap. */
static inline bool ckpt_read_is_range(const ckpt_read *read)
{
        return read->rows == 1 || read->src_pitch == read->row_bytes;
}

/** Whether its rows follow each other where they go. */
static inline bool ckpt_read_lands_packed(const ckpt_read *read)
{
        return read->rows == 1 || read->dst_pitch == read->row_bytes;
}

enum ckpt_step_kind {
        CKPT_STEP_COPY,
        CKPT_STEP_ELEMENTWISE,
        CKPT_STEP_TRANSPOSE,
        CKPT_STEP_REPEAT_BLOCKS,
        CKPT_STEP_GATHER_ROWS
};

#define CKPT_STEP_KINDS (CKPT_STEP_GATHER_ROWS + 1)

/** Where a kernel's operand is: an offset that becomes an address when the tile runs. */
typedef struct ckpt_operand {
        enum ckpt_space space;
        uint32_t buffer;
        uint64_t offset;       /* bytes; as ckpt_read.dst_offset */
        const uint8_t *memory; /* MEMORY */
} ckpt_operand;

/** One kernel call; the descriptor's pointers are filled in when it runs. */
typedef struct ckpt_step {
        enum ckpt_step_kind kind;
        ckpt_operand dst, src, index;
        union {
                ckpt_strided_copy copy;
                ckpt_elementwise elementwise;
                ckpt_transpose transpose;
                ckpt_repeat_blocks repeat;
                ckpt_gather_rows gather;
        } as;
} ckpt_step;

typedef struct ckpt_tile {
        uint64_t param;
        uint64_t first_read, n_reads;
        uint64_t first_step, n_steps;
        uint64_t read_staging; /* leading bytes of staging that reads fill */
        uint64_t staging;      /* all of it; what steps write to lies behind */
        /* read_staging is one buffer, filled by one range: it may lie wherever that is read to */
        bool movable;
        uint64_t image_base, work_base; /* of the two parts of staging in a slot, once the tiles are packed */
        uint64_t direct_bytes;          /* what reads put into the parameter without staging */
        uint64_t read_bytes;
        uint64_t sort_source, sort_object, sort_offset;
} ckpt_tile;

/**
 * One request to a source, for one or more reads: a range of bytes, or rows that are read one by one.
 *
 * The image is the part of a slot that requests fill. A range of an object lies in it at the same distance
 * from a block's start as in the file, where it is long enough to be read past the page cache.
 */
typedef struct ckpt_run {
        const ckpt_place *place;
        uint64_t offset, row_bytes, rows, src_pitch;
        uint64_t image_offset, image_pitch;
        uint64_t first_read, n_reads; /* in ckpt_plan.run_reads, by rising offset */
        bool in_block;                /* its place in the image is fixed by a tile's staging */
} ckpt_run;

static inline uint64_t ckpt_run_bytes(const ckpt_run *run)
{
        return run->row_bytes * run->rows;
}

/** Tiles that go through one slot together: the unit of the readers' queue, of copies and of launches. */
typedef struct ckpt_chunk {
        uint64_t first_tile, n_tiles;
        uint64_t first_run, n_runs;
        uint64_t image_bytes, slot_bytes; /* the image, and all of it: the image and what steps write to */
        uint64_t levels;                  /* most steps of a tile */
        uint64_t pieces;                  /* copies to final places */
        bool stages;                      /* some tile reads into staging */
        bool spreads;                     /* some read's rows do not follow each other where they go */
} ckpt_chunk;

typedef struct ckpt_target {
        uint64_t offset; /* in the arena, unless the engine gave a buffer */
        uint64_t size;
        void *buffer;
        uint64_t first_tile, n_tiles; /* before the tiles are ordered */
        uint64_t n_reads, n_steps, read_bytes;
        uint64_t first_extent, n_extents;
        uint64_t n_ranges;        /* of its extents */
        const char *expression;   /* made when it is asked for */
        const ckpt_place *mapped; /* it is this file's bytes from mapped_offset on; NULL: it is made */
        uint64_t mapped_offset;
} ckpt_target;

/** A range that is read, or rows that do not touch. */
typedef struct ckpt_extent {
        const ckpt_place *place;
        uint64_t offset, size; /* of the first row */
        uint64_t pitch, rows;
} ckpt_extent;

/** What a plan is made for. */
typedef struct ckpt_plan_options {
        uint64_t tile_bytes; /* bound of one tile's staging and direct bytes, where it can be cut */
        bool maps;           /* parameters may be mapped files */
        bool scatter; /* reads can end anywhere at once: no two of one request may want the same bytes */
        int32_t memory_device; /* which memory the device's kernels can address: -1 host, else a cuda ordinal
                                */
} ckpt_plan_options;

struct ckpt_plan {
        ckpt_session *session;
        const ckpt_model *model;
        const ckpt_binding *bindings;
        ckpt_plan_options options;
        CKPT_ARRAY(ckpt_target) targets; /* one per parameter */
        CKPT_ARRAY(ckpt_tile) tiles;
        CKPT_ARRAY(ckpt_read) reads;
        CKPT_ARRAY(ckpt_step) steps;
        CKPT_ARRAY(ckpt_extent) extents; /* per target, ascending; their ranges do not touch */
        CKPT_ARRAY(ckpt_run) runs;
        CKPT_ARRAY(uint64_t) run_reads; /* indices of reads */
        CKPT_ARRAY(ckpt_chunk) chunks;
        uint64_t arena_bytes;
        uint64_t slot_bytes;   /* what every chunk fits into but for some that hold one tile */
        uint64_t largest_slot; /* of the chunks that fit */
        uint64_t oversize;     /* of the largest chunk that does not; 0: there is none */
        uint64_t most_runs;    /* of a chunk */
        uint64_t mapped_bytes;
        ckpt_plan_totals totals;
};

/** One of the reads that a run serves, by rising offset. */
static inline ckpt_read *ckpt_run_read(const ckpt_plan *plan, const ckpt_run *run, uint64_t index)
{
        return &plan->reads.items[plan->run_reads.items[run->first_read + index]];
}

/** Blocks that are read past the page cache begin and end at multiples of this, in the file and in memory. */
#define CKPT_BLOCK_BYTES 4096u

/** Shorter ranges are not worth to be read past the page cache. */
#define CKPT_DIRECT_BYTES 16384u

/** The slot that tiles of this size go through: room for blocks at both ends, and for a few ranges more. */
static inline uint64_t ckpt_plan_slot_bytes(uint64_t tile_bytes)
{
        return (tile_bytes + tile_bytes / 16 + 3 * CKPT_BLOCK_BYTES) / CKPT_BLOCK_BYTES * CKPT_BLOCK_BYTES;
}

static inline uint64_t ckpt_align_up(uint64_t value, uint64_t unit)
{
        return (value + unit - 1) / unit * unit;
}

/** Alignment of what lies in staging: where every kernel is at its fastest. */
#define CKPT_STAGING_ALIGNMENT 256u

/** Alignment of a parameter in the arena. */
#define CKPT_ARENA_ALIGNMENT 256u

/**
 * Plans every parameter of a model whose bindings are complete. Reads nothing. The plan refers to the
 * session, the model and the bindings.
 */
ckpt_status ckpt_plan_new(ckpt_session *session, const ckpt_model *model, const ckpt_binding *bindings,
                          const ckpt_plan_options *options, ckpt_plan **ret_plan);
ckpt_plan *ckpt_plan_free(ckpt_plan *plan);

/** Which ranges a parameter's reads want, from `first_read` on to the last so far. Called by ckpt_plan_new. */
ckpt_status ckpt_plan_list_extents(ckpt_plan *plan, ckpt_target *target, uint64_t first_read);
/** Range `index` of a target, less than its n_ranges: the extent that it is in, and which row of it. */
void ckpt_plan_find_range(const ckpt_plan *plan, const ckpt_target *target, uint64_t index,
                          const ckpt_extent **ret_extent, uint64_t *ret_row);
/** Packs the ordered tiles into chunks and lays these out. Called by ckpt_plan_new. */
ckpt_status ckpt_plan_pack(ckpt_plan *plan);

#endif
