/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_CHECKPOINT_H
#define CKPT_TEST_CHECKPOINT_H

/*
 * A checkpoint in memory: every tensor of some safetensors files, read by a reader of the tests' own
 *
 * It trusts the files, which PyTorch wrote or the test itself had written; what matters here is
 * that it shares no code with the plugins.
 */

#include <stddef.h>
#include <stdint.h>

#include <ckpt/dtype.h>

typedef struct checkpoint_tensor {
        char *name;
        ckpt_dtype dtype;
        uint32_t rank;
        int64_t shape[8];
        const uint8_t *data;
        uint64_t offset, size; /* in its file */
} checkpoint_tensor;

typedef struct checkpoint {
        checkpoint_tensor *tensors;
        uint64_t count;
        uint8_t **files;
        uint64_t n_files;
} checkpoint;

/** All *.safetensors of a directory, or the one file. */
void checkpoint_init(checkpoint *c, const char *path);
void checkpoint_deinit(checkpoint *c);
/** NULL when there is no such tensor. */
const checkpoint_tensor *checkpoint_find(const checkpoint *c, const char *name);

#endif
