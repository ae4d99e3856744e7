/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BAD_PLUGINS_FAKE_BACKEND_H
#define CKPT_BAD_PLUGINS_FAKE_BACKEND_H

/*
 * A device library without a device behind it: three ordinals can be opened, nothing can be run
 */

#include <stdlib.h>

#include <ckpt/abi.h>

#include "backend.h"

struct ckpt_device {
        int32_t ordinal;
};

static const char *fake_describe(int32_t status)
{
        return status == -1 ? "there are three devices" : "out of memory";
}

static int32_t fake_open(int32_t ordinal, ckpt_device **ret_device)
{
        ckpt_device *const device = malloc(sizeof(*device));

        if (ordinal > 2 || !device) {
                free(device);
                return ordinal > 2 ? -1 : -2;
        }
        device->ordinal = ordinal;
        *ret_device = device;
        return 0;
}

static void fake_close(ckpt_device *device)
{
        free(device);
}

#define FAKE_BACKEND(version_, score_)                                                            \
        extern CKPT_EXPORT const ckpt_backend ckpt_backend_entry;                                 \
        CKPT_EXPORT const ckpt_backend ckpt_backend_entry = {.struct_size = sizeof(ckpt_backend), \
                                                             .version = (version_),               \
                                                             .name = "cuda",                      \
                                                             .score = (score_),                   \
                                                             .describe = fake_describe,           \
                                                             .open = fake_open,                   \
                                                             .close = fake_close}

#endif
