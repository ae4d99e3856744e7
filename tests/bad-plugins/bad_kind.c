/* SPDX-License-Identifier: Apache-2.0 */
/* Its component is of a kind that this host does not know */

#include "entry.h"

static const ckpt_weight_mapper table = {.struct_size = sizeof(table)};
static const ckpt_component component = {.struct_size = sizeof(component),
                                         .kind = CKPT_KIND_COUNT,
                                         .format = "TEST",
                                         .as = {.weight_mapper = &table}};
static const ckpt_component *const components[] = {&component};

BAD_ENTRY("test.bad-kind", components, 1, .flags = 0);
