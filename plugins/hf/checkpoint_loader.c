/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises the format by the files that are there. The orchestration is the runtime's own. */
#include "components.h"
#include "families.h"

/* How sure each finding makes it. Half a checkpoint still is this format's to complain about. */
enum {
        SURE = 90,
        SURE_OF_TORCH = 85, /* many formats call a file .bin */
        ONE_FILE = 60,
        ONE_TORCH_FILE = 50,
        WEIGHTS_ALONE = 40,
        CONFIG_ALONE = 20,
};

static bool has_files(const ckpt_source *source, const struct hf_family *family)
{
        uint32_t object;

        for (object = 0; object < ckpt_source_count(source); object++)
                if (hf_family_has(family, ckpt_source_name(source, object)))
                        return true;
        return false;
}

static int32_t probe(ckpt_frame *self, const ckpt_source *source)
{
        bool safetensors = has_files(source, &hf_families[HF_SAFETENSORS]);
        bool torch = has_files(source, &hf_families[HF_BIN]) || has_files(source, &hf_families[HF_PTH]);
        bool alone = ckpt_source_count(source) == 1;
        uint32_t object;

        (void)self;
        if (ckpt_source_find(source, "config.json", &object) == 0)
                return safetensors ? SURE : torch ? SURE_OF_TORCH : CONFIG_ALONE;
        if (safetensors)
                return alone ? ONE_FILE : WEIGHTS_ALONE;
        return torch && alone ? ONE_TORCH_FILE : 0;
}

const ckpt_checkpoint_loader hf_checkpoint_loader = {
        .struct_size = sizeof hf_checkpoint_loader,
        .probe = probe,
};
