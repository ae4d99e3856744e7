/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two files of the functions that rebuild tensors. */
#ifndef HF_TORCH_REBUILD_H
#define HF_TORCH_REBUILD_H

#include "machine.h"

/* Refusals of a call of `maker`; -1. */
int hf_rebuild_fail_argument(struct hf_pickle *pickle, const struct hf_global *maker, const char *what,
                             const struct hf_value *value);
int hf_rebuild_fail_count(struct hf_pickle *pickle, const struct hf_global *maker, uint32_t count);

/* requires_grad and backward_hooks, of which nothing is needed. 0 or -1. */
int hf_rebuild_check_training(struct hf_pickle *pickle, const struct hf_global *maker,
                              const struct hf_value *const *arguments);

/* A copy of a tensor as a value. */
const struct hf_value *hf_rebuild_add(struct hf_pickle *pickle, const struct hf_rebuilt *rebuilt);

/* _rebuild_tensor, _v2 and _v3. */
const struct hf_value *hf_rebuild_tensor(struct hf_pickle *pickle, const struct hf_global *maker,
                                         const struct hf_value *arguments);

#endif
