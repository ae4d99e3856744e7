/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_LAUNCH_H
#define CKPT_KERNELS_CUDA_LAUNCH_H

/*
 * Between device.c, which makes every call of the CUDA runtime but launches and the one
 * that a toolkit may not have, and the .cu files, which make nothing but launches. The current device is the stream's when these
 * are called. Each returns 0 or -(int)cudaError; a bad descriptor is
 * cudaErrorInvalidValue, and then some of the list may have been launched.
 */

#include <cuda_runtime_api.h>

#include "../walk.h"

#ifdef __cplusplus
extern "C" {
#endif

int32_t ckpt_cuda_launch_strided_copy(cudaStream_t stream, const ckpt_strided_copy *descriptors,
                                      uint32_t count);
int32_t ckpt_cuda_launch_elementwise(cudaStream_t stream, const ckpt_elementwise *descriptors,
                                     uint32_t count);
int32_t ckpt_cuda_launch_transpose(cudaStream_t stream, const ckpt_transpose *descriptors, uint32_t count);
int32_t ckpt_cuda_launch_repeat_blocks(cudaStream_t stream, const ckpt_repeat_blocks *descriptors,
                                       uint32_t count);
int32_t ckpt_cuda_launch_gather_rows(cudaStream_t stream, const ckpt_gather_rows *descriptors,
                                     uint32_t count);

/** Host to device; an error of the CUDA runtime. */
cudaError_t ckpt_cuda_copy_list(cudaStream_t stream, const ckpt_host_copy *copies, uint32_t count);

/** Words for -(int)cudaError; a static string. */
const char *ckpt_cuda_describe(int32_t status);

#ifdef __cplusplus
}
#endif

#endif
