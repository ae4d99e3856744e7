/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TEST_MEMORY_FILES_H
#define TESTS_UNIT_TEST_MEMORY_FILES_H

/*
 * Large safetensors files that are mostly holes: they take next to no room on disk
 */

#include <stdint.h>

/** A tensor of such a file; `offset` (in the file) is filled in when it is made. */
typedef struct sparse_tensor {
        const char *name, *dtype;
        int64_t shape[2]; /* shape[1] 0: a vector */
        uint32_t element; /* bytes */
        uint64_t offset, size;
} sparse_tensor;

/** Makes a file of the scratch directory that has these tensors in this order, all zero. */
void sparse_make(const char *file, sparse_tensor *tensors, unsigned count);
/** Writes bytes into it, at an offset in the file. */
void sparse_write(const char *file, uint64_t offset, const void *bytes, uint64_t size);

/** A float as BF16, rounded to nearest even; by comparing neighbours, not by the trick with the carry. */
uint16_t bf16_of(float value);
/** Some number that is neither tiny nor huge, different for each seed. */
float some_float(uint64_t seed);

#endif
