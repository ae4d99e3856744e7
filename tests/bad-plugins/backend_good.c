/* SPDX-License-Identifier: Apache-2.0 */
/* It has devices */

#include "fake_backend.h"

static int32_t score(const char **ret_why)
{
        (void)ret_why;
        return 10;
}

FAKE_BACKEND(CKPT_BACKEND_VERSION, score);
