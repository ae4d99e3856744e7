/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry ends before the first version did */

#include "entry.h"

BAD_ENTRY("test.short-struct", NULL, 0, .struct_size = offsetof(ckpt_plugin, components));
