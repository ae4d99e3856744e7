/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.safetensors.index.json: {"metadata": {"total_size": N, …}, "weight_map": {tensor: file, …}}. File
 * names come from the checkpoint and are opened beside it, so only plain names are let through. Duplicate
 * tensor names are refused; unknown fields of the two outer objects are skipped.
 */
#ifndef HF_INDEX_H
#define HF_INDEX_H

#include "error.h"
#include "tensor.h"

enum {
        HF_INDEX_ENTRIES_MAX = 1 << 22,
        HF_INDEX_FILE_NAME_MAX = 255,
        HF_INDEX_DEPTH_MAX = 32,
};

struct hf_index_entry {
        struct hf_name name; /* first: hf_names_group walks it; entries are in the order of the file */
        uint32_t file;       /* which of the files */
};

struct hf_index {
        struct hf_index_entry *entries;
        size_t n_entries;
        struct hf_name *files; /* each once, in the order in which they are first named */
        size_t n_files;
        uint64_t total_size; /* when has_total_size */
        bool has_total_size;
        struct hf_arena arena;
};

/*
 * Parses the `length` bytes at `text`, which must outlive *ret_index: names point into them. 0 or -1, and
 * then there is nothing to free. hf_index_deinit() frees the rest.
 */
int hf_index_parse(const char *text, size_t length, struct hf_index *ret_index, struct hf_error *ret_error);

/*
 * How many tensors of a file, up to the first that is not, stand in the index as that file's. Their names are
 * all different, as the index's are, so no entry is met twice. Where names are in no order some may be missed,
 * but nothing is found that is not there.
 */
size_t hf_index_match(const struct hf_index *index, uint32_t file, const struct hf_tensor *tensors,
                      size_t count);

/* Frees what parse made; all zeros and NULL are fine. */
void hf_index_deinit(struct hf_index *index);

/*
 * Whether a name is that of a file in the same directory: not empty, no '/', no NUL, not "." or "..", not
 * too long.
 */
bool hf_file_name_is_plain(const char *text, size_t length);

#endif
