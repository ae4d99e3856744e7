/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A list of copies, one by one: for toolkits before CUDA 13, which have no such call, or one of other arguments
 */

#include "launch.h"

cudaError_t ckpt_cuda_copy_list(cudaStream_t stream, const ckpt_host_copy *copies, uint32_t count)
{
        cudaError_t error = cudaSuccess;

        for (uint32_t i = 0; i < count && error == cudaSuccess; i++)
                error = cudaMemcpyAsync(copies[i].dst, copies[i].src, copies[i].size, cudaMemcpyHostToDevice,
                                        stream);
        return error;
}
