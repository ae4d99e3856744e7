/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The globals that a pickle may name: those that torch.load(weights_only=True) allows, and what each means
 * here. None of them is ever looked up, imported or called.
 */
#ifndef HF_TORCH_GLOBALS_H
#define HF_TORCH_GLOBALS_H

#include "../tensor.h"

enum hf_meaning {
        HF_MEANS_UNKNOWN, /* not in the list: for the opaque policy alone */
        HF_MEANS_INERT,   /* allowed, and of no interest: a device, a layout, a set */
        HF_MEANS_DICT,    /* OrderedDict, Counter */
        HF_MEANS_SIZE,    /* torch.Size, a tuple */
        HF_MEANS_PARAMETER,
        HF_MEANS_TENSOR_CLASS,
        HF_MEANS_DTYPE,
        HF_MEANS_STORAGE,         /* a storage class of one dtype */
        HF_MEANS_UNTYPED_STORAGE, /* one that counts bytes */
        HF_MEANS_REBUILD,         /* torch._utils._rebuild_tensor and its successors … */
        HF_MEANS_REBUILD_V2,
        HF_MEANS_REBUILD_V3,
        HF_MEANS_REBUILD_PARAMETER,
        HF_MEANS_REBUILD_PARAMETER_STATE,
        HF_MEANS_REBUILD_FROM_TYPE,
        HF_MEANS_REBUILD_OTHER, /* … and those that make a kind of tensor that is not read */
};

struct hf_global {
        const char *module, *name; /* terminated; printable when unknown */
        uint8_t meaning;           /* enum hf_meaning */
        uint8_t dtype;             /* DTYPE, STORAGE: enum hf_dtype; HF_DTYPES for one that is not read */
        uint8_t bytes;             /* of an element of such */
};

/* The list's entry, or NULL. */
const struct hf_global *hf_global_find(const char *module, size_t module_length, const char *name,
                                       size_t name_length);

#endif
