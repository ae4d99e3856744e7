/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What torch.save wrote (.bin, .pth, .pt): a pickle that describes tensors, and the bytes of their storages,
 * in a zip archive (torch >= 1.6) or one after the other (the legacy format before it). The pickle is read by
 * a machine that builds typed values and executes nothing; a tensor comes out as a range of the file with
 * strides, as it lies there.
 */
#ifndef HF_TORCH_H
#define HF_TORCH_H

#include "../input.h"
#include "../tensor.h"

enum {
        HF_TORCH_PICKLE_MAX = 96 * 1024 * 1024, /* bytes of the pickles of one file */
        HF_TORCH_SNIFF = 512,                   /* enough of a file's start to tell what it is */
};

enum hf_torch_policy {
        HF_TORCH_STRICT, /* the globals that torch.load(weights_only=True) allows; others are refused */
        HF_TORCH_OPAQUE, /* others become values that do nothing */
};

struct hf_torch_options {
        enum hf_torch_policy policy;
        /*
         * Where the state dictionary is: a key of the top-level dictionary, or keys joined by '/', or "/" for
         * the top level itself. NULL or "": the only one that has tensors, of the top level and its
         * state_dict, model, module and ema; HF_BAD_STATE_DICT when there is none, or a choice.
         */
        const char *state_dict;
        bool verify; /* compare the CRC of every storage that a tensor uses; reads all of it */
};

struct hf_torch {
        struct hf_tensor *tensors; /* in the order of the dictionary */
        size_t n_tensors;
        char state_dict[160];  /* where it was found, printable: "/" or "model" */
        size_t n_others;       /* entries of it that are no tensors, which are passed over */
        char first_other[160]; /* the first of them, printable */
        bool legacy;           /* not a zip archive: there are no checksums to verify */
        char *pickle;          /* what names point into */
        struct hf_arena arena;
};

/* Reads a file's description of its tensors. `options` may be NULL. 0 or -1, and then nothing to free. */
int hf_torch_open(const struct hf_input *input, const struct hf_torch_options *options,
                  struct hf_torch *ret_torch, struct hf_error *ret_error);

/*
 * Whether a file starts as one of these: a zip archive, or a pickle of protocol 2 to 5. Safetensors files may
 * too, for their first bytes are a number: ask hf_safetensors_looks_like() first.
 */
bool hf_torch_looks_like(const void *head, size_t length);

/* Frees what open made; all zeros and NULL are fine. */
void hf_torch_deinit(struct hf_torch *torch);

#endif
