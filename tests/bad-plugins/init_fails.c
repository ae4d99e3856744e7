/* SPDX-License-Identifier: Apache-2.0 */
/* Its init says no */

#include "entry.h"

static ckpt_status init(const ckpt_api *api)
{
        return api ? CKPT_E_UNSUPPORTED : CKPT_OK;
}

BAD_ENTRY("test.init-fails", NULL, 0, .init = init);
