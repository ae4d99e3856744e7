/* SPDX-License-Identifier: Apache-2.0 */
/* Of another build */

#include "fake_backend.h"

static int32_t score(const char **ret_why)
{
        (void)ret_why;
        abort(); /* nothing of it may be called */
}

FAKE_BACKEND(CKPT_BACKEND_VERSION + 1, score);
