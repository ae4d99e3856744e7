/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TORCH_READING_H
#define TESTS_SUPPORT_TORCH_READING_H

/*
 * Reading torch files from memory, and judging what came out
 *
 * Needs the grammar of plugins/hf, but not Check: fuzzers use it too.
 */

#include "torch/torch.h"
#include "torch_builder.h"

/** hf_torch_open on bytes; a read outside them ends the program. */
int torch_open_bytes(const void *bytes, size_t size, const struct hf_torch_options *options,
                     struct hf_torch *ret_torch, struct hf_error *ret_error);

/**
 * What the header of the reader promises and this result breaks, or NULL: ranges inside a file of that size
 * that are the ones of shape and strides, names that are UTF-8 without NUL and differ, known dtypes.
 */
const char *torch_broken_promise(const struct hf_torch *torch, uint64_t file_size);

/**
 * A result as a line: "model +2: w F32 [2,3]/[1,2] 0+4:24; b BF16 [] 1+0:2 big". First where the state
 * dictionary is and the number of its other entries, where it is not the top or has some; then of each tensor
 * its name, dtype, shape, strides where they are not those of a contiguous one, and the storage of `file`
 * that it lies in, with its bytes there. One without elements has "-" for these. `text` has room for `size`
 * bytes.
 */
void torch_render(const struct hf_torch *torch, const struct torch_file *file, char *text, size_t size);

#endif
