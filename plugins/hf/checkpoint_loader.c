/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises the format by the files that are there. The orchestration is the runtime's own. */
#include "components.h"

/* How sure each finding makes it. Half a checkpoint still is this format's to complain about. */
enum {
        SURE = 90,
        ONE_FILE = 60,
        WEIGHTS_ALONE = 40,
        OTHER_WEIGHTS = 30,
        CONFIG_ALONE = 20,
};

static int32_t probe(ckpt_frame *self, const ckpt_source *source)
{
        bool weights = false, others = false, config;
        uint32_t object, count = ckpt_source_count(source);

        (void)self;
        config = ckpt_source_find(source, "config.json", &object) == 0;
        for (object = 0; object < count; object++) {
                const char *name = ckpt_source_name(source, object);

                weights |= hf_has_suffix(name, ".safetensors");
                others |= hf_has_suffix(name, ".bin") || hf_has_suffix(name, ".pth");
        }

        if (weights)
                return config ? SURE : count == 1 ? ONE_FILE : WEIGHTS_ALONE;
        if (config)
                return others ? OTHER_WEIGHTS : CONFIG_ALONE;
        return 0;
}

const ckpt_checkpoint_loader hf_checkpoint_loader = {
        .struct_size = sizeof hf_checkpoint_loader,
        .probe = probe,
};
