/* SPDX-License-Identifier: Apache-2.0 */
/* One of two plugins that have a component under one key */

#include <ckpt/plugin.h>

static const ckpt_weight_mapper mapper = {.struct_size = sizeof(mapper)};

CKPT_PLUGIN("test.equal-keys-b", "1.0.0", "Apache-2.0", "A plugin of the tests",
            CKPT_WEIGHT_MAPPER("EQUAL", "EqualForCausalLM", &mapper));
