/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_KERNELS_CASES_H
#define CKPT_TEST_KERNELS_CASES_H

/*
 * Random descriptors
 *
 * The same seed gives the same descriptors over any two pairs of buffers: one test runs
 * them against a plain loop, another on a device against the CPU. Destinations never
 * touch one another and keep guard bytes between them; sources lie anywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backend.h>

#define CASES_POISON      0xA5
#define CASES_INDEX_COUNT 4096
/** Values of the index are below this. */
#define CASES_INDEX_LIMIT 64

typedef struct cases {
        uint64_t state; /* of the random numbers */
        uint8_t *dst;
        const uint8_t *src;
        const int64_t *index; /* CASES_INDEX_COUNT values, on the device that runs them */
        int64_t dst_size, src_size;
        int64_t dst_used;
} cases;

uint64_t cases_random(cases *c);
/** 0 … limit - 1 */
int64_t cases_below(cases *c, int64_t limit);
void cases_fill(uint64_t seed, void *memory, size_t size);
void cases_fill_index(uint64_t seed, int64_t *index);
/** Where two buffers first differ; -1: nowhere. */
int64_t cases_first_difference(const uint8_t *got, const uint8_t *want, int64_t size);

/* Each makes the next descriptor; false when the destination buffer is full. */
bool cases_strided_copy(cases *c, ckpt_strided_copy *ret_copy);
bool cases_elementwise(cases *c, bool with_exp, ckpt_elementwise *ret_elementwise);
bool cases_transpose(cases *c, ckpt_transpose *ret_transpose);
bool cases_repeat_blocks(cases *c, ckpt_repeat_blocks *ret_repeat);
bool cases_gather_rows(cases *c, ckpt_gather_rows *ret_gather);

#endif
