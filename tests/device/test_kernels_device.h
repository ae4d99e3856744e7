/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_KERNELS_DEVICE_H
#define CKPT_TEST_KERNELS_DEVICE_H

/*
 * What the device tests of the kernels share.
 */

#include <check.h>

#include "test_kernels_open.h"

#define OK(call)                                                                     \
        do {                                                                         \
                const int32_t status = (call);                                       \
                                                                                     \
                ck_assert_msg(status >= 0, "%s: %s", #call, cuda->describe(status)); \
        } while (0)

static inline const ckpt_backend *cuda_table(void)
{
        char why[4200];
        const ckpt_backend *cuda = kernels_open(why, sizeof(why));

        ck_assert_msg(cuda != NULL, "%s", why);
        return cuda;
}

/** Tensors of more than 2^31 elements. */
TCase *kernels_giants(void);

#endif
