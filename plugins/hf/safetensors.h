/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The safetensors header: u64le length, that many bytes of JSON, then the data, which the tensors must
 * cover to the last byte without holes or overlaps. What the reference implementation refuses is refused;
 * so are duplicate names (compared after unescaping), names with a NUL or over 4096 bytes, ranks over 64,
 * and the array and object forms that its JSON library lets through. Leading whitespace, trailing spaces,
 * a null __metadata__ and unknown extra fields of a tensor are accepted. The parser sees the header only:
 * nothing here reads a file.
 */
#ifndef HF_SAFETENSORS_H
#define HF_SAFETENSORS_H

#include "error.h"
#include "tensor.h"

#define HF_SAFETENSORS_HEADER_MAX UINT64_C(100000000)

enum {
        HF_SAFETENSORS_PREFIX = 8,      /* bytes of the length */
        HF_SAFETENSORS_SNIFF = 64,      /* enough of a file's start for hf_safetensors_header_length */
        HF_SAFETENSORS_FIELDS_MAX = 16, /* unknown fields of one tensor */
        HF_SAFETENSORS_DEPTH_MAX = 16,
};

struct hf_metadata {
        struct hf_name key; /* first */
        struct hf_name value;
};

struct hf_safetensors {
        struct hf_tensor *tensors; /* in the order of their bytes, then of their names */
        size_t n_tensors;
        struct hf_metadata *metadata;
        size_t n_metadata;
        uint64_t data;     /* where the data begins in the file */
        uint64_t trailing; /* bytes after the last tensor: 0 unless they were allowed */
        struct hf_arena arena;
};

struct hf_safetensors_options {
        bool allow_trailing; /* bytes after the last tensor are counted instead of refused */
};

/*
 * From the first `length` bytes of a file (the file's first HF_SAFETENSORS_SNIFF, or all of a shorter
 * one) and its size: how long the header is. 0 or -1.
 */
int hf_safetensors_header_length(const void *head, size_t length, uint64_t file_size, uint64_t *ret_length,
                                 struct hf_error *ret_error);

/*
 * Parses the `length` bytes that follow the prefix. They must outlive *ret_table, whose names point into
 * them; hf_safetensors_deinit() frees the rest. `options` may be NULL. 0 or -1, and then there is nothing
 * to free.
 */
int hf_safetensors_parse(const char *header, size_t length, uint64_t file_size,
                         const struct hf_safetensors_options *options, struct hf_safetensors *ret_table,
                         struct hf_error *ret_error);

/* Frees what parse made; all zeros and NULL are fine. */
void hf_safetensors_deinit(struct hf_safetensors *table);

/*
 * Whether the file starts as this format does: a length that fits it, then an object. Magic numbers prove
 * nothing here, for many lengths begin like a zip or a pickle. `head` as above.
 */
bool hf_safetensors_looks_like(const void *head, size_t length, uint64_t file_size);

/* ---- between the parser's own files ---- */

struct hf_safetensors_parser {
        struct hf_json json;
        struct hf_safetensors table;
        struct hf_error *error;
        uint64_t file_size;
        size_t tensors_size, metadata_size;
        bool metadata_seen;
};

/* One tensor, its key (`name`) just read; fills everything but the name. 0 or -1. */
int hf_safetensors_parse_tensor(struct hf_safetensors_parser *parser, struct hf_tensor *tensor);

/* Sorts the tensors and checks that they cover the data. 0 or -1. */
int hf_safetensors_check_layout(struct hf_safetensors_parser *parser, bool allow_trailing);

/* The byte of the file at which the last token stands. */
uint64_t hf_safetensors_position(const struct hf_safetensors_parser *parser);

#endif
