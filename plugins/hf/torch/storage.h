/* SPDX-License-Identifier: Apache-2.0 */
/* Where storages lie, and what of them a tensor takes. */
#ifndef HF_TORCH_STORAGE_H
#define HF_TORCH_STORAGE_H

#include "pickle.h"

/* The bytes of a storage, as the container has them. */
struct hf_place {
        struct hf_name name; /* first: hf_names_group walks it; the storage's key */
        uint64_t begin, size;
        const struct hf_storage *storage;   /* a mention of it, a typed one if there is; NULL: none */
        bool used;                          /* by a tensor that is taken */
        const struct hf_zip_member *member; /* in an archive */
};

/* Bytes of one element, and of all that a storage should have. */
uint64_t hf_storage_width(const struct hf_storage *storage);
uint64_t hf_storage_size(const struct hf_storage *storage);

/*
 * Gives each mention of a storage the place of its name. A key without a place is refused, and so are two
 * mentions that differ. `places` must outlive the machine's values. 0 or -1.
 */
int hf_storages_match(struct hf_pickle *pickle, struct hf_place *places, size_t n_places);

/* Checks that every place that is mentioned has just the bytes that it should. 0 or -1. */
int hf_storages_check(struct hf_pickle *pickle, const struct hf_place *places, size_t n_places);

/* Works out which bytes every tensor takes, and checks that they lie inside its storage. 0 or -1. */
int hf_tensors_place(struct hf_pickle *pickle);

#endif
