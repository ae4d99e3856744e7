/* SPDX-License-Identifier: Apache-2.0 */
/* Its id has a blank and a control character */

#include "entry.h"

BAD_ENTRY("test bad\033id", NULL, 0, .flags = 0);
