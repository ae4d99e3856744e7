/* SPDX-License-Identifier: Apache-2.0 */
/* It calls a function that nobody has */

#include <ckpt/plugin.h>

extern void ckpt_test_function_that_nobody_has(void);

static void destroy(ckpt_frame *self)
{
        (void)self;
        ckpt_test_function_that_nobody_has();
}

static const ckpt_weight_mapper mapper = {.struct_size = sizeof(mapper), .destroy = destroy};

CKPT_PLUGIN("test.undefined-symbol", "1.0.0", "Apache-2.0", "A plugin of the tests",
            CKPT_WEIGHT_MAPPER("TEST", NULL, &mapper));
