/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.safetensors.index.json: {"metadata": {"total_size": N, …}, "weight_map": {tensor: file, …}}. File
 * names come from the checkpoint and are opened beside it, so only plain names are let through. Duplicate
 * tensor names are refused; unknown fields of the two outer objects are skipped.
 */
#ifndef HF_INDEX_H
#define HF_INDEX_H

#include "error.h"

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

/* Frees what parse made; all zeros and NULL are fine. */
void hf_index_deinit(struct hf_index *index);

/*
 * Whether a name is that of a file in the same directory: not empty, no '/', no NUL, not "." or "..", not
 * too long.
 */
bool hf_file_name_is_plain(const char *text, size_t length);

#endif
