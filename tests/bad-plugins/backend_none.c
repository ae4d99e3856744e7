/* SPDX-License-Identifier: Apache-2.0 */
/* It finds no device */

#include "fake_backend.h"

static int32_t score(const char **ret_why)
{
        *ret_why = "no device answers";
        return 0;
}

FAKE_BACKEND(CKPT_BACKEND_VERSION, score);
