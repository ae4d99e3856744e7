/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CHECKPOINT_H
#define TESTS_SUPPORT_CHECKPOINT_H

/*
 * Spoiling a checkpoint: a fixture is copied into the scratch directory and changed there. Safetensors
 * files are taken apart and put together again here, by code that shares nothing with the library's.
 */

#include <jansson.h>
#include <stdint.h>

/** Copies config.json, the index and the shards of a fixture. */
void checkpoint_copy(const char *fixture);
/** Sets a key of config.json; the reference to `value` is taken; NULL removes the key. */
void checkpoint_set_config(const char *key, json_t *value);
/** Moves a tensor in the index's weight_map to another file; NULL removes it. */
void checkpoint_set_index(const char *tensor, const char *file);
/** Cuts a file to `size` bytes. */
void checkpoint_truncate(const char *file, uint64_t size);
uint64_t checkpoint_size(const char *file);

/** A safetensors file in memory. */
typedef struct tensor_file {
        json_t *header;
        char *data;
        size_t size;
} tensor_file;

tensor_file tensor_file_read(const char *file);
/** Writes with offsets recomputed, so that what was taken out leaves no hole; frees. */
void tensor_file_write(tensor_file *tensors, const char *file);
void tensor_file_drop(tensor_file *tensors, const char *name);
/** Drops every tensor whose name begins so. */
void tensor_file_drop_prefix(tensor_file *tensors, const char *prefix);
/** Adds a tensor of zeros. */
void tensor_file_add(tensor_file *tensors, const char *name, const char *dtype, const int64_t *shape,
                     uint32_t rank, uint64_t size);

/** The commonest of the above in one call on model.safetensors. */
void checkpoint_drop(const char *tensor);

/** Fills a file's header up with blanks, to `size` bytes of text: so much that threads share the parsing. */
void checkpoint_pad(const char *file, size_t size);

/** Writes length, header text and `size` zero bytes, right or wrong. */
void checkpoint_write_raw(const char *file, const char *header, uint64_t size);

#endif
