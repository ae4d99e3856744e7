/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file, as a parser that has to look around in it sees it: a size, and ranges on demand. Nothing of this
 * plugin's grammars opens a file; who calls them says how bytes come.
 */
#ifndef HF_INPUT_H
#define HF_INPUT_H

#include "error.h"

struct hf_input {
        /* Exactly `size` bytes at `offset`, which lie inside the file: 0, or -1 once it is reported. */
        int (*read)(void *context, uint64_t offset, void *buffer, size_t size);
        void *context;
        uint64_t size;
};

/*
 * Whether a range that a file may lie about is inside it: outside it is HF_BAD_TRUNCATED, with `what` in the
 * message ("the central directory"). 0 or -1.
 */
int hf_input_check(const struct hf_input *input, uint64_t offset, uint64_t size, const char *what,
                   struct hf_error *ret_error);

/* Checks such a range and reads it. 0 or -1. */
int hf_input_read(const struct hf_input *input, uint64_t offset, void *buffer, uint64_t size,
                  const char *what, struct hf_error *ret_error);

/*
 * The same into memory that the caller frees; nothing is allocated for a range outside the file. Size 0 gives
 * a valid pointer.
 */
int hf_input_take(const struct hf_input *input, uint64_t offset, uint64_t size, const char *what,
                  char **ret_bytes, struct hf_error *ret_error);

#endif
