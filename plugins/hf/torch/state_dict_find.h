/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HF_TORCH_STATE_DICT_FIND_H
#define HF_TORCH_STATE_DICT_FIND_H

#include "pickle.h"

/*
 * The dictionary at `wanted`, or, when that is NULL or empty, the only one that can be meant; *ret_path says
 * where it is. NULL when refused.
 */
const struct hf_value *hf_state_dict_find(struct hf_pickle *pickle, const struct hf_value *root,
                                          const char *wanted, const char **ret_path);

#endif
