/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_WALK_H
#define CKPT_KERNELS_WALK_H

/*
 * How a kernel walks its operands
 *
 * Every descriptor becomes a walk: axes from the outermost to the innermost with steps
 * in bytes, ordered by the destination, merged where they can be, with the widest unit
 * that all steps and pointers allow. A whole contiguous tensor comes out as one axis.
 * Both backends start from the same walk, so a descriptor that one refuses, or that one
 * reads in a certain way, the other does too.
 */

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A descriptor's axes, and one more for the bytes of an element. */
#define CKPT_WALK_RANK (CKPT_KERNEL_RANK + 1)

typedef struct ckpt_walk {
        uint8_t *dst;
        const uint8_t *src;               /* NULL: zeros */
        uint32_t unit;                    /* bytes moved at once: 1, 2, 4, 8, 16; 0 for elementwise walks */
        uint32_t rank;                    /* >= 1 */
        int64_t shape[CKPT_WALK_RANK];    /* innermost axis last, in units */
        int64_t inside[CKPT_WALK_RANK];   /* how much of the axis the source has */
        int64_t dst_step[CKPT_WALK_RANK]; /* bytes */
        int64_t src_step[CKPT_WALK_RANK]; /* bytes */
} ckpt_walk;

/** Arithmetic in which a chain of operations runs. */
typedef int32_t ckpt_domain;

enum {
        CKPT_DOMAIN_BITS = 0,   /* nothing to compute: a copy */
        CKPT_DOMAIN_FLOAT = 1,  /* every value met is a float exactly */
        CKPT_DOMAIN_DOUBLE = 2, /* some value is a double */
        CKPT_DOMAIN_INTEGER = 3 /* widening integer casts */
};

typedef struct ckpt_chain_op {
        ckpt_elementwise_kind kind;
        ckpt_dtype dtype; /* rounded to this */
        double value;
} ckpt_chain_op;

/** The operations that do something: a cast to the dtype at hand is dropped. */
typedef struct ckpt_chain {
        ckpt_dtype src_dtype;
        ckpt_dtype dst_dtype;
        ckpt_domain domain;
        uint32_t n_ops;
        ckpt_chain_op ops[CKPT_ELEMENTWISE_OPS];
} ckpt_chain;

/*
 * Each gives 1 with *ret_walk filled, 0 when there is nothing to do (an extent is zero),
 * and -1 for a descriptor that no planner makes: bad element size, rank, extent or step,
 * a dtype pair that has no cast, sizes that overflow.
 */
int ckpt_walk_strided_copy(const ckpt_strided_copy *copy, ckpt_walk *ret_walk);
int ckpt_walk_repeat_blocks(const ckpt_repeat_blocks *repeat, ckpt_walk *ret_walk);
/** For a transpose whose pointers or pitches are not aligned to the element. */
int ckpt_walk_transpose(const ckpt_transpose *transpose, ckpt_walk *ret_walk);
/** The chain too; in the BITS domain the walk is a copy's (unit set). */
int ckpt_walk_elementwise(const ckpt_elementwise *elementwise, ckpt_walk *ret_walk, ckpt_chain *ret_chain);

/** 1: a transpose with something to do, 0: nothing to do, -1: invalid. */
int ckpt_transpose_check(const ckpt_transpose *transpose);
/** The same for a gather. */
int ckpt_gather_rows_check(const ckpt_gather_rows *gather);

/*
 * The steps those are made of. A shape: -1 invalid, 0 empty, 1 something to do. Steps must
 * not overflow when multiplied out, and a destination's must run forwards.
 */
int ckpt_walk_check_shape(const int64_t *shape, uint32_t rank, int64_t size);
bool ckpt_walk_steps_fit(const int64_t *shape, const int64_t *stride, uint32_t rank, int64_t size);
bool ckpt_walk_steps_positive(const int64_t *shape, const int64_t *step, uint32_t rank);
void ckpt_walk_finish_copy(ckpt_walk *walk, uint32_t elem_size);
void ckpt_walk_finish_elementwise(ckpt_walk *walk, uint32_t dst_size, uint32_t src_size);

/** Largest of 1, 2, 4, 8, 16 that divides the number (of bytes, or an address). */
static inline uint32_t ckpt_unit_of(uint64_t number)
{
        const uint64_t lowest = (number | 16u) & (~(number | 16u) + 1u);

        return (uint32_t)lowest;
}

#ifdef __cplusplus
}
#endif

#endif
