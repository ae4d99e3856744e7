/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MODEL_DLPACK_H
#define CKPT_MODEL_DLPACK_H

/*
 * The layout of a DLPack tensor, version 1.1: how array libraries hand tensors to each other. Written down
 * here from its specification, so that nothing needs its header; the tag is the one under which ckpt/ckpt.h
 * hands it out.
 */

#include <stdint.h>

#define CKPT_DLPACK_MAJOR 1u
#define CKPT_DLPACK_MINOR 1u

enum {
        CKPT_DLPACK_CPU = 1,
        CKPT_DLPACK_CUDA = 2
};

typedef struct ckpt_dlpack_dtype {
        uint8_t code, bits;
        uint16_t lanes;
} ckpt_dlpack_dtype;

typedef struct ckpt_dlpack_tensor {
        void *data;
        struct {
                int32_t type, id;
        } device;
        int32_t rank;
        ckpt_dlpack_dtype dtype;
        int64_t *shape;
        int64_t *strides; /* in elements */
        uint64_t byte_offset;
} ckpt_dlpack_tensor;

struct DLManagedTensorVersioned {
        struct {
                uint32_t major, minor;
        } version;
        void *manager;
        void (*deleter)(struct DLManagedTensorVersioned *self);
        uint64_t flags;
        ckpt_dlpack_tensor tensor;
};

#endif
