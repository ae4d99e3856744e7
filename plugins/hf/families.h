/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of files that weights come in, and how their names tell them from what lies beside them. */
#ifndef HF_FAMILIES_H
#define HF_FAMILIES_H

#include <stdbool.h>

struct hf_family {
        const char *suffix;             /* of the files' names */
        const char *whole;              /* a file that has everything, whatever lies beside it, or NULL */
        const char *index;              /* or NULL: there is none */
        const char *consolidated_index; /* the same for "consolidated" files */
        bool is_torch;                  /* written by torch.save */
};

/* In the order in which they are preferred. */
enum {
        HF_SAFETENSORS,
        HF_BIN,
        HF_PTH,
        HF_FAMILIES,
};

extern const struct hf_family hf_families[HF_FAMILIES];

/* Whether a file of that name holds weights of this family. */
bool hf_family_has(const struct hf_family *family, const char *name);

/* Whether it is what a trainer leaves beside the weights: "optimizer.bin", "rng_state_0.pth". */
bool hf_is_companion(const struct hf_family *family, const char *name);

/* Mistral's and Meta's originals lie beside the converted files, with the same weights under other names. */
bool hf_is_consolidated(const char *name);

/* Whether it is one of Meta's originals, "consolidated.01.pth". Several are slices of one model. */
bool hf_is_slice(const char *name);

#endif
