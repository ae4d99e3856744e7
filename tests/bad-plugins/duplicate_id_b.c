/* SPDX-License-Identifier: Apache-2.0 */
/* One of two plugins with one id */

#include <ckpt/plugin.h>

static const ckpt_weight_mapper mapper = {.struct_size = sizeof(mapper)};

CKPT_PLUGIN("test.duplicate-id", "1.0.0", "Apache-2.0", "A plugin of the tests",
            CKPT_WEIGHT_MAPPER("DUPLICATE-B", NULL, &mapper));
