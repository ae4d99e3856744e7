/* SPDX-License-Identifier: Apache-2.0 */
/* The 22 element types a safetensors header can name, and what they say of a tensor's size. */
#include "tensor.h"

#include <string.h>

static const struct {
        const char *name;
        uint8_t length, bits;
} dtypes[HF_DTYPES] = {
        [HF_BOOL] = {"BOOL", 4, 8},
        [HF_F4] = {"F4", 2, 4},
        [HF_F6_E2M3] = {"F6_E2M3", 7, 6},
        [HF_F6_E3M2] = {"F6_E3M2", 7, 6},
        [HF_U8] = {"U8", 2, 8},
        [HF_I8] = {"I8", 2, 8},
        [HF_F8_E5M2] = {"F8_E5M2", 7, 8},
        [HF_F8_E4M3] = {"F8_E4M3", 7, 8},
        [HF_F8_E8M0] = {"F8_E8M0", 7, 8},
        [HF_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 11, 8},
        [HF_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 11, 8},
        [HF_I16] = {"I16", 3, 16},
        [HF_U16] = {"U16", 3, 16},
        [HF_F16] = {"F16", 3, 16},
        [HF_BF16] = {"BF16", 4, 16},
        [HF_I32] = {"I32", 3, 32},
        [HF_U32] = {"U32", 3, 32},
        [HF_F32] = {"F32", 3, 32},
        [HF_C64] = {"C64", 3, 64},
        [HF_F64] = {"F64", 3, 64},
        [HF_I64] = {"I64", 3, 64},
        [HF_U64] = {"U64", 3, 64},
};

int hf_dtype_find(const char *text, size_t length)
{
        int i;

        for (i = 0; i < HF_DTYPES; i++)
                if (dtypes[i].length == length && dtypes[i].name[0] == text[0] &&
                    memcmp(dtypes[i].name, text, length) == 0)
                        return i;
        return -1;
}

uint32_t hf_dtype_bits(enum hf_dtype dtype)
{
        return dtypes[dtype].bits;
}

const char *hf_dtype_name(enum hf_dtype dtype)
{
        return dtypes[dtype].name;
}

uint64_t hf_tensor_size(const struct hf_tensor *tensor)
{
        uint64_t bits = hf_dtype_bits(tensor->dtype);
        uint32_t i;

        for (i = 0; i < tensor->rank; i++)
                bits *= tensor->shape[i];
        return bits / 8;
}
