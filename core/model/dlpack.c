/* SPDX-License-Identifier: Apache-2.0 */

/*
 * DLPack 1.x: a parameter handed to another framework without a copy
 *
 * The structs follow the DLPack specification, version 1.1: https://dmlc.github.io/dlpack/latest/c_api.html
 */

#include <stdlib.h>

#include "core/model/model.h"

typedef struct dl_version {
        uint32_t major, minor;
} dl_version;

typedef struct dl_device {
        int32_t type;
        int32_t id;
} dl_device;

typedef struct dl_dtype {
        uint8_t code, bits;
        uint16_t lanes;
} dl_dtype;

typedef struct dl_tensor {
        void *data;
        dl_device device;
        int32_t ndim;
        dl_dtype dtype;
        int64_t *shape, *strides;
        uint64_t byte_offset;
} dl_tensor;

struct DLManagedTensorVersioned {
        dl_version version;
        void *manager_context;
        void (*deleter)(struct DLManagedTensorVersioned *self);
        uint64_t flags;
        dl_tensor tensor;
};

enum { DL_DEVICE_CPU = 1, DL_DEVICE_CUDA = 2 };

/* The specification's type codes, in the order of our types; a code of 255 where it has no name for one. */
static const dl_dtype types[CKPT_DTYPE_COUNT] = {
        [CKPT_DTYPE_NONE] = {255, 0, 0},
        [CKPT_DTYPE_BOOL] = {6, 8, 1},
        [CKPT_DTYPE_F4] = {17, 4, 1},
        [CKPT_DTYPE_F6_E2M3] = {15, 6, 1},
        [CKPT_DTYPE_F6_E3M2] = {16, 6, 1},
        [CKPT_DTYPE_U8] = {1, 8, 1},
        [CKPT_DTYPE_I8] = {0, 8, 1},
        [CKPT_DTYPE_F8_E5M2] = {12, 8, 1},
        [CKPT_DTYPE_F8_E4M3] = {10, 8, 1},
        [CKPT_DTYPE_F8_E8M0] = {14, 8, 1},
        [CKPT_DTYPE_F8_E4M3FNUZ] = {11, 8, 1},
        [CKPT_DTYPE_F8_E5M2FNUZ] = {13, 8, 1},
        [CKPT_DTYPE_I16] = {0, 16, 1},
        [CKPT_DTYPE_U16] = {1, 16, 1},
        [CKPT_DTYPE_F16] = {2, 16, 1},
        [CKPT_DTYPE_BF16] = {4, 16, 1},
        [CKPT_DTYPE_I32] = {0, 32, 1},
        [CKPT_DTYPE_U32] = {1, 32, 1},
        [CKPT_DTYPE_F32] = {2, 32, 1},
        [CKPT_DTYPE_C64] = {5, 64, 1},
        [CKPT_DTYPE_F64] = {2, 64, 1},
        [CKPT_DTYPE_I64] = {0, 64, 1},
        [CKPT_DTYPE_U64] = {1, 64, 1},
};

static void tensor_delete(struct DLManagedTensorVersioned *managed)
{
        if (!managed)
                return;
        ckpt_model_unref(managed->manager_context);
        free(managed);
}

ckpt_status ckpt_model_to_dlpack(ckpt_model *model, const ckpt_param *param, struct DLManagedTensorVersioned **ret_tensor)
{
        struct DLManagedTensorVersioned *managed;
        int64_t *shape, stride = 1;

        if (!model->memory || (!param->data && param->size > 0))
                return CKPT_E_INVALID;
        if (types[param->dtype].code == 255 || ckpt_dtype_bits(param->dtype) % 8 != 0)
                return CKPT_E_UNSUPPORTED;
        managed = calloc(1, sizeof(*managed) + 2 * param->rank * sizeof(*shape));
        if (!managed)
                return CKPT_E_NOMEM;
        shape = (int64_t *)(void *)(managed + 1);
        managed->version = (dl_version){.major = 1, .minor = 1};
        managed->manager_context = ckpt_model_ref(model);
        managed->deleter = tensor_delete;
        managed->tensor.data = param->data;
        managed->tensor.device.type = model->memory->backend == &ckpt_backend_cpu ? DL_DEVICE_CPU : DL_DEVICE_CUDA;
        managed->tensor.device.id = model->memory->backend == &ckpt_backend_cpu ? 0 : model->memory->ordinal;
        managed->tensor.ndim = (int32_t)param->rank;
        managed->tensor.dtype = types[param->dtype];
        managed->tensor.shape = shape;
        managed->tensor.strides = shape + param->rank;
        for (uint32_t i = param->rank; i-- > 0;) {
                shape[i] = param->shape[i];
                shape[param->rank + i] = stride;
                stride *= param->shape[i] > 0 ? param->shape[i] : 1;
        }
        *ret_tensor = managed;
        return CKPT_OK;
}
