/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways in which torch.save put a pickle and storages into one file. */
#ifndef HF_TORCH_CONTAINER_H
#define HF_TORCH_CONTAINER_H

#include "torch.h"

/* Each fills *torch, which is zero; what it has made of it is for hf_torch_deinit in any case. 0 or -1. */
int hf_torch_read_archive(const struct hf_input *input, const struct hf_torch_options *options,
                          struct hf_torch *torch, struct hf_error *ret_error);
int hf_torch_read_legacy(const struct hf_input *input, const struct hf_torch_options *options,
                         struct hf_torch *torch, struct hf_error *ret_error);

#endif
