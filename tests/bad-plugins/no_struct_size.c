/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry says nothing of its size */

#include "entry.h"

BAD_ENTRY("test.no-struct-size", NULL, 0, .struct_size = 0);
