/* SPDX-License-Identifier: Apache-2.0 */
/* The four components of the format "HF", and what they share. */
#ifndef HF_COMPONENTS_H
#define HF_COMPONENTS_H

#include <ckpt/interfaces.h>

#include "error.h"

extern const ckpt_checkpoint_loader hf_checkpoint_loader;
extern const ckpt_config_loader hf_config_loader;
extern const ckpt_weight_loader hf_weight_loader;
extern const ckpt_weight_mapper hf_weight_mapper;

/* Whether a file name has this ending. */
bool hf_has_suffix(const char *name, const char *suffix);

/*
 * Reads a whole object of at most `limit` bytes into memory that the caller frees. A failure is recorded.
 * The text is not terminated.
 */
ckpt_status hf_read_object(const ckpt_frame *self, const ckpt_source *source, uint32_t object, uint64_t limit,
                           char **ret_text, uint64_t *ret_size);

/* Records what a parser of this plugin refused, in the object of that name. */
ckpt_status hf_fail_parse(const ckpt_frame *self, const char *object, const struct hf_error *error);

/* Allocation failed. */
ckpt_status hf_fail_memory(const ckpt_frame *self);

#endif
