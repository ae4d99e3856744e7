/* SPDX-License-Identifier: Apache-2.0 */
/* Its component has no table */

#include "entry.h"

static const ckpt_component component = {
        .struct_size = sizeof(component), .kind = CKPT_KIND_WEIGHT_MAPPER, .format = "TEST"};
static const ckpt_component *const components[] = {&component};

BAD_ENTRY("test.null-table", components, 1, .flags = 0);
