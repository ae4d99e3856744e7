/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A list of copies as one call of the CUDA runtime, from CUDA 13 on
 */

#include "launch.h"

cudaError_t ckpt_cuda_copy_list(cudaStream_t stream, const ckpt_host_copy *copies, uint32_t count)
{
        /* One set of attributes for all, from the first on: sources are read in the order of the stream. */
        struct cudaMemcpyAttributes attributes = {.srcAccessOrder = cudaMemcpySrcAccessOrderStream};
        void *dst[CKPT_HOST_COPIES_MAX];
        const void *src[CKPT_HOST_COPIES_MAX];
        size_t size[CKPT_HOST_COPIES_MAX], from = 0;

        for (uint32_t i = 0; i < count; i++) {
                dst[i] = copies[i].dst;
                src[i] = copies[i].src;
                size[i] = copies[i].size;
        }
        return cudaMemcpyBatchAsync(dst, src, size, count, &attributes, &from, 1, stream);
}
