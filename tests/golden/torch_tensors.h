/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_TORCH_TENSORS_H
#define CKPT_TEST_TORCH_TENSORS_H

/*
 * The torch files of the fixture `torch-tensors`: every dtype in every layout, and an engine's model that
 * wants each tensor as it is
 */

#include "golden.h"

#define TORCH_TENSORS_FILES 6

/** File `number` / GOLDEN_TP_CASES under mapping `number` % GOLDEN_TP_CASES; for golden_deinit. */
void torch_tensors_init(golden *g, int number);
/** The engine's model. */
ckpt_model *torch_tensors_wanted(ckpt_host *host, const golden *g);
/** A configuration: no tensor of these files is of a transformer. */
extern const char torch_tensors_config[];

#endif
