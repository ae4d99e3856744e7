/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parameters as DLPack tensors: the same memory, kept alive by a reference to the model
 */

#include "core/model/dlpack.h"

#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"

/* The codes of the specification; 0xff where it has none. */
#define NO_CODE 0xffu

static const uint8_t codes[CKPT_DTYPE_COUNT] = {
        [CKPT_DTYPE_NONE] = NO_CODE,   [CKPT_DTYPE_I8] = 0,           [CKPT_DTYPE_I16] = 0,
        [CKPT_DTYPE_I32] = 0,          [CKPT_DTYPE_I64] = 0,          [CKPT_DTYPE_U8] = 1,
        [CKPT_DTYPE_U16] = 1,          [CKPT_DTYPE_U32] = 1,          [CKPT_DTYPE_U64] = 1,
        [CKPT_DTYPE_F16] = 2,          [CKPT_DTYPE_F32] = 2,          [CKPT_DTYPE_F64] = 2,
        [CKPT_DTYPE_BF16] = 4,         [CKPT_DTYPE_C64] = 5,          [CKPT_DTYPE_BOOL] = 6,
        [CKPT_DTYPE_F8_E4M3] = 10,     [CKPT_DTYPE_F8_E4M3FNUZ] = 11, [CKPT_DTYPE_F8_E5M2] = 12,
        [CKPT_DTYPE_F8_E5M2FNUZ] = 13, [CKPT_DTYPE_F8_E8M0] = 14,     [CKPT_DTYPE_F6_E2M3] = 15,
        [CKPT_DTYPE_F6_E3M2] = 16,     [CKPT_DTYPE_F4] = 17,
};

typedef struct lent {
        struct DLManagedTensorVersioned managed; /* first, so that the tensor is what is freed */
        ckpt_model *model;
        int64_t dims[]; /* shape, then strides */
} lent;

static void give_back(struct DLManagedTensorVersioned *managed)
{
        lent *l = (lent *)(void *)managed;

        if (!managed)
                return;
        ckpt_model_unref(l->model);
        free(l);
}

static void describe(ckpt_dlpack_tensor *tensor, const ckpt_param *param, int64_t *dims)
{
        int64_t stride = 1;

        tensor->data = param->size > 0 ? param->data : NULL;
        tensor->rank = (int32_t)param->rank;
        tensor->dtype = (ckpt_dlpack_dtype){codes[param->dtype], (uint8_t)ckpt_dtype_bits(param->dtype), 1};
        tensor->shape = dims;
        tensor->strides = dims + param->rank;
        for (uint32_t i = param->rank; i-- > 0;) {
                tensor->shape[i] = param->shape[i];
                tensor->strides[i] = stride;
                /* An axis without elements leaves the strides before it as they are. */
                stride *= param->shape[i] > 0 ? param->shape[i] : 1;
        }
}

ckpt_status ckpt_model_to_dlpack(ckpt_model *model, const ckpt_param *param,
                                 struct DLManagedTensorVersioned **ret_tensor)
{
        lent *l;

        if (!model || !param || !model->memory || (!param->data && param->size > 0) || param->skipped)
                return CKPT_E_INVALID;
        if (param->dtype < 0 || param->dtype >= CKPT_DTYPE_COUNT || codes[param->dtype] == NO_CODE)
                return CKPT_E_UNSUPPORTED;
        l = calloc(1, sizeof(*l) + 2 * (size_t)param->rank * sizeof(l->dims[0]));
        if (!l)
                return CKPT_E_NOMEM;
        l->managed.version.major = CKPT_DLPACK_MAJOR;
        l->managed.version.minor = CKPT_DLPACK_MINOR;
        l->managed.deleter = give_back;
        describe(&l->managed.tensor, param, l->dims);
        l->managed.tensor.device.type =
                strcmp(model->memory->backend->name, "cpu") == 0 ? CKPT_DLPACK_CPU : CKPT_DLPACK_CUDA;
        l->managed.tensor.device.id = model->memory->ordinal;
        l->model = ckpt_model_ref(model);
        *ret_tensor = &l->managed;
        return CKPT_OK;
}
