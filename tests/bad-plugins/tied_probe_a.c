/* SPDX-License-Identifier: Apache-2.0 */
/* One of two checkpoint loaders that claim everything equally */

#include <ckpt/plugin.h>

static int32_t probe(ckpt_frame *self, const ckpt_source *source)
{
        (void)self;
        (void)source;
        return 60;
}

static const ckpt_checkpoint_loader loader = {.struct_size = sizeof(loader), .probe = probe};

CKPT_PLUGIN("test.tied-probe-a", "1.0.0", "Apache-2.0", "A plugin of the tests",
            CKPT_CHECKPOINT_LOADER("TIED-A", NULL, &loader));
