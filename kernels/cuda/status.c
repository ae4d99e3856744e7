/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words for the runtime's errors. The common ones have their own sentence, with what it
 * usually means; the others are given the runtime's name.
 */

#include "launch.h"

#define SENTENCE(error, text) \
        case error:           \
                return #error ": " text

const char *ckpt_cuda_describe(int32_t status)
{
        switch (-(int64_t)status) {
                SENTENCE(cudaSuccess, "no error");
                SENTENCE(cudaErrorInvalidValue, "invalid argument or kernel descriptor");
                SENTENCE(cudaErrorMemoryAllocation,
                         "out of memory on the device, or of memory that can be pinned");
                SENTENCE(cudaErrorInitializationError, "the driver could not be initialised");
                SENTENCE(cudaErrorCudartUnloading, "the driver is shutting down: the process is ending");
                SENTENCE(cudaErrorInsufficientDriver, "no CUDA driver, or one older than this library needs");
                SENTENCE(cudaErrorNoDevice, "no device: the driver sees none (is CUDA_VISIBLE_DEVICES set?)");
                SENTENCE(cudaErrorInvalidDevice, "no device has this number");
                SENTENCE(cudaErrorDevicesUnavailable, "the device is busy or in exclusive use");
                SENTENCE(cudaErrorInvalidResourceHandle,
                         "a stream or event of another device, or a freed one");
                SENTENCE(cudaErrorNotReady, "not finished yet");
                SENTENCE(cudaErrorNoKernelImageForDevice, "this library has no code for this kind of GPU");
                SENTENCE(cudaErrorUnsupportedPtxVersion, "the driver is too old for this library's PTX");
                SENTENCE(cudaErrorInvalidDeviceFunction, "this library has no code for this kind of GPU");
                SENTENCE(cudaErrorLaunchOutOfResources, "the kernel needs more than the device has");
                SENTENCE(cudaErrorLaunchFailure, "a kernel failed on the device; the context is lost");
                SENTENCE(cudaErrorLaunchTimeout,
                         "a kernel ran into the device's time limit; the context is lost");
                SENTENCE(cudaErrorIllegalAddress,
                         "a kernel read or wrote outside its memory; the context is lost");
                SENTENCE(cudaErrorMisalignedAddress,
                         "a kernel used an unaligned address; the context is lost");
                SENTENCE(cudaErrorECCUncorrectable,
                         "the device's memory has an error that cannot be corrected");
                SENTENCE(cudaErrorHostMemoryAlreadyRegistered, "this host memory is registered already");
                SENTENCE(cudaErrorHostMemoryNotRegistered, "this host memory is not registered");
                SENTENCE(cudaErrorNotPermitted, "not permitted here");
                SENTENCE(cudaErrorNotSupported, "not supported on this machine");
                SENTENCE(cudaErrorStreamCaptureUnsupported, "not possible while the stream is captured");
                SENTENCE(cudaErrorSystemDriverMismatch,
                         "the driver's kernel module and library do not match");
                SENTENCE(cudaErrorSystemNotReady, "the system is not ready (is the fabric manager running?)");
                SENTENCE(cudaErrorUnknown, "unknown error of the driver");
        default:
                return status > 0 ? "not a status of the CUDA backend"
                                  : cudaGetErrorName((cudaError_t)-status);
        }
}
