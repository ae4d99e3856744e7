/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Weights in memory: a state dictionary that an embedder has already
 */

#include <ckpt/ckpt.h>
#include <stdlib.h>
#include <string.h>

#include "core/weights/view.h"

ckpt_status ckpt_weights_new(ckpt_host *host, ckpt_weights **ret_weights)
{
        return host ? ckpt_weights_store_new(ret_weights) : CKPT_E_INVALID;
}

/* "cpu" and NULL: host memory, -1; "cuda", "cuda:N": the device's number. */
static bool parse_device(const char *device, int32_t *ret_ordinal)
{
        static const char cuda[] = "cuda";
        const size_t n = sizeof(cuda) - 1;
        char *end = NULL;
        long ordinal;

        *ret_ordinal = -1;
        if (!device || strcmp(device, "cpu") == 0)
                return true;
        *ret_ordinal = 0;
        if (strncmp(device, cuda, n) != 0)
                return false;
        if (device[n] == '\0')
                return true;
        if (device[n] != ':' || device[n + 1] < '0' || device[n + 1] > '9')
                return false;
        ordinal = strtol(device + n + 1, &end, 10);
        *ret_ordinal = (int32_t)ordinal;
        return *end == '\0' && ordinal <= 1023;
}

static ckpt_status add(ckpt_weights *weights, const char *name, ckpt_dtype dtype, uint32_t rank,
                       const int64_t *shape, const int64_t *strides, const void *memory, int32_t device)
{
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = device, .memory = memory};
        const ckpt_tensor *tensor =
                ckpt_tensor_leaf(weights->scope, name, &place, dtype, rank, shape, strides);

        if (!tensor || weights->scope->out_of_memory)
                return CKPT_E_NOMEM;
        if (ckpt_tensor_is_error(tensor) || (!memory && ckpt_tensor_size(tensor) > 0))
                return CKPT_E_INVALID;
        return ckpt_weights_store_add(weights, name, tensor);
}

ckpt_status ckpt_weights_add_memory(ckpt_weights *weights, const char *name, ckpt_dtype dtype, uint32_t rank,
                                    const int64_t *shape, const int64_t *strides, const void *memory,
                                    const char *device, ckpt_release release, void *context)
{
        void *released = (void *)(uintptr_t)memory;
        int32_t ordinal;
        ckpt_status r = CKPT_E_INVALID;

        /* Kept before it is added: an entry must never outlive its memory. */
        if (weights && release && ckpt_weights_store_keep(weights, release, context, released) != CKPT_OK) {
                release(context, released);
                return CKPT_E_NOMEM;
        }
        if (weights && name && (rank == 0 || shape) && parse_device(device, &ordinal))
                r = add(weights, name, dtype, rank, shape, strides, memory, ordinal);
        if (r != CKPT_OK && release && weights)
                ckpt_weights_store_release_last(weights);
        if (!weights && release)
                release(context, released);
        return r;
}
