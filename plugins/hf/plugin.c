/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's entry: Hugging Face checkpoints, safetensors and torch files, the format "HF". */
#include "components.h"

#include <ckpt/plugin.h>

CKPT_PLUGIN("org.ckpt.hf", "0.1.0", "Apache-2.0", "Hugging Face checkpoints: safetensors, .bin and .pth",
            CKPT_CHECKPOINT_LOADER("HF", NULL, &hf_checkpoint_loader),
            CKPT_CONFIG_LOADER("HF", NULL, &hf_config_loader),
            CKPT_WEIGHT_LOADER("HF", NULL, &hf_weight_loader),
            CKPT_WEIGHT_MAPPER("HF", NULL, &hf_weight_mapper));
