/* SPDX-License-Identifier: Apache-2.0 */
/* How a checkpoint says that it is quantised. */
#ifndef HF_QUANTIZATION_H
#define HF_QUANTIZATION_H

#include <ckpt/interfaces.h>

/*
 * Sets "quantization" {method, algorithm, source} from hf_quant_config.json, which wins when it names an
 * algorithm, or else from config.json's quantization_config, which the builder holds already. Neither:
 * sets nothing.
 */
ckpt_status hf_load_quantization(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder);

#endif
