/* SPDX-License-Identifier: Apache-2.0 */
/* Built for a later major version of the ABI */

#include "entry.h"

BAD_ENTRY("test.wrong-abi", NULL, 0, .abi_major = CKPT_ABI_MAJOR + 1);
