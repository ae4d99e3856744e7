/* SPDX-License-Identifier: Apache-2.0 */
/* The state dictionary: where in a pickle it is, and its tensors by name. */
#ifndef HF_TORCH_STATE_DICT_H
#define HF_TORCH_STATE_DICT_H

#include "pickle.h"

/*
 * Finds the dictionary in `root`, the pickle's value, as options->state_dict asks, and fills the tensors, the
 * others and the place of *torch. Storages have their places. 0 or -1.
 */
int hf_state_dict_read(struct hf_pickle *pickle, const struct hf_value *root,
                       const struct hf_torch_options *options, bool big_endian, struct hf_torch *torch);

#endif
