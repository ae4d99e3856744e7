/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_LAUNCH_H
#define CKPT_KERNELS_CUDA_LAUNCH_H

/*
 * Between device.c, which makes the calls of the CUDA runtime, and what is kept out of it: launches, in the
 * .cu files, which make nothing else, and the one call that not every toolkit has. The current device is the
 * stream's when these are called. A launch gives 0 or -(int)cudaError; a bad descriptor is
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

/**
 * Host to device, 1 to CKPT_HOST_COPIES_MAX copies: copy_list.c or, for older toolkits, copy_list_each.c. As
 * the runtime's own calls do, it gives a cudaError_t.
 */
cudaError_t ckpt_cuda_copy_list(cudaStream_t stream, const ckpt_host_copy *copies, uint32_t count);

/** Words for -(int)cudaError; a static string. */
const char *ckpt_cuda_describe(int32_t status);

#ifdef __cplusplus
}
#endif

#endif
