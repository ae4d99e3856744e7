/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object without an entry */

#include <ckpt/abi.h>

extern CKPT_EXPORT const int something_else;
CKPT_EXPORT const int something_else = 1;
