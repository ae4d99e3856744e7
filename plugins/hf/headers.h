/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of many safetensors files. Parsing one is a matter of memory alone, so that several can be parsed
 * at once.
 */
#ifndef HF_HEADERS_H
#define HF_HEADERS_H

#include "safetensors.h"

/* A header, and what became of it. */
struct hf_header {
        char *text; /* of malloc, what the table's names point into; NULL: there is nothing to parse */
        size_t length;
        uint64_t file_size;
        struct hf_safetensors table; /* zeros until it is parsed */
        bool failed;
        struct hf_error *error; /* of malloc: why it failed; NULL: there was no memory to say so */
};

/*
 * Parses all that have a text, whatever becomes of the others. Where there is much of it, in several threads,
 * which have ended when this returns; the result is the same.
 */
void hf_headers_parse(struct hf_header *headers, size_t count, const struct hf_safetensors_options *options);

/* Notes why a header cannot be had. */
void hf_header_fail(struct hf_header *header, const struct hf_error *error);

/* Frees what the headers own, but not the array; all zeros are fine. */
void hf_headers_deinit(struct hf_header *headers, size_t count);

#endif
