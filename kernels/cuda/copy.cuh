/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_COPY_CUH
#define CKPT_KERNELS_CUDA_COPY_CUH

/*
 * Copies, for the .cu files: walks are collected and launched together, whichever
 * operation they come from.
 */

#include "batch.cuh"

/** One run of contiguous bytes: `head` single bytes, then units, then what is left. */
struct flat_copy {
        uint8_t *dst;
        const uint8_t *src; /* NULL: zeros */
        int64_t bytes;
        int32_t head, unit;
};

template <int R> struct rows_copy {
        rows<R> walk;
        int64_t unit;
};

struct copy_batches {
        batch<flat_copy> flat;
        batch<rows_copy<2>> small;
        batch<rows_copy<CKPT_WALK_RANK>> large;
};

/** Before the first use. */
void ckpt_cuda_copy_init(copy_batches *batches);
int32_t ckpt_cuda_copy_add(cudaStream_t stream, copy_batches *batches, const ckpt_walk *walk);
int32_t ckpt_cuda_copy_flush(cudaStream_t stream, copy_batches *batches);

#endif
