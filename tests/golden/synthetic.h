/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_SYNTHETIC_H
#define CKPT_TEST_SYNTHETIC_H

/*
 * A checkpoint whose every element is a function of its place
 *
 * So what a load must make of it can be computed element by element, without reading the file back
 * and without the operations under test. Floats are finite and of moderate size: how a cast treats
 * the others is the kernels' tests.
 */

#include <stdint.h>

#include <ckpt/dtype.h>

typedef struct synthetic_tensor {
        const char *name;
        ckpt_dtype dtype; /* F32, BF16 or I32 */
        uint32_t rank;
        int64_t shape[3];
} synthetic_tensor;

enum {
        SYNTHETIC_ROWS,
        SYNTHETIC_TURNED,
        SYNTHETIC_PICKED,
        SYNTHETIC_BATCHED,
        SYNTHETIC_PLAIN,
        SYNTHETIC_FIRST,
        SYNTHETIC_SECOND,
        SYNTHETIC_TENSORS
};

/** Shapes for this size (a multiple of 4). */
void synthetic_describe(int64_t side, synthetic_tensor ret_tensors[SYNTHETIC_TENSORS]);
/** Writes them as one safetensors file. */
void synthetic_write(const char *path, const synthetic_tensor *tensors);
/** The bits of an element, as its dtype has them; `at` counts in row-major order. */
uint32_t synthetic_bits(const synthetic_tensor *tensors, int tensor, int64_t at);
/** The bits of an F32 element as BF16, rounded to nearest even. */
uint16_t synthetic_bf16(const synthetic_tensor *tensors, int tensor, int64_t at);
/** Row `row` of `rows` of the gathered tensor is this row of its source. */
int64_t synthetic_index(int64_t row, int64_t rows);

#endif
