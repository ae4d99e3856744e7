/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as a file of this format describes it, whichever grammar the description was written in. */
#ifndef HF_TENSOR_H
#define HF_TENSOR_H

#include "names.h"

enum {
        HF_RANK_MAX = 64,
        HF_TENSORS_MAX = 1 << 22, /* of one file */
};

/* In the order of the safetensors reference: sorted by width, which is how its writer sorts the data. */
enum hf_dtype {
        HF_BOOL,
        HF_F4,
        HF_F6_E2M3,
        HF_F6_E3M2,
        HF_U8,
        HF_I8,
        HF_F8_E5M2,
        HF_F8_E4M3,
        HF_F8_E8M0,
        HF_F8_E4M3FNUZ,
        HF_F8_E5M2FNUZ,
        HF_I16,
        HF_U16,
        HF_F16,
        HF_BF16,
        HF_I32,
        HF_U32,
        HF_F32,
        HF_C64,
        HF_F64,
        HF_I64,
        HF_U64,
        HF_DTYPES,
};

struct hf_tensor {
        struct hf_name name;     /* first: hf_names_group walks it */
        const uint64_t *shape;   /* rank dimensions */
        const uint64_t *strides; /* rank numbers, in elements; NULL: row-major without gaps */
        uint64_t begin, end;     /* bytes of the file that its elements lie in */
        uint8_t dtype;           /* enum hf_dtype */
        uint8_t rank;
        bool big_endian;
};

/* The dtype of a name as it stands in a safetensors header, or -1; its width in bits; its name. */
int hf_dtype_find(const char *text, size_t length);
uint32_t hf_dtype_bits(enum hf_dtype dtype);
const char *hf_dtype_name(enum hf_dtype dtype);

/* Bytes of the elements, one by one: what a contiguous copy would have. The shape has been checked. */
uint64_t hf_tensor_size(const struct hf_tensor *tensor);

#endif
