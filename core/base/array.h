/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_ARRAY_H
#define CKPT_BASE_ARRAY_H

/*
 * Growable arrays of one type. An array is zero-initialised, grows by doubling, and is freed with
 * ckpt_array_deinit; items move when it grows, so nothing keeps a pointer to one while it is filled.
 */

#include <stdlib.h>
#include <string.h>

#include <ckpt/abi.h>

#include "core/base/huge.h"

#define CKPT_ARRAY(type)                  \
        struct {                          \
                type *items;              \
                uint64_t count, capacity; \
        }

/** Makes room for one more item. CKPT_E_NOMEM leaves the array as it was. */
#define ckpt_array_grow(array)              \
        ((array)->count < (array)->capacity \
                 ? CKPT_OK                  \
                 : ckpt_array_grow_((void **)&(array)->items, &(array)->capacity, sizeof(*(array)->items)))

/** Makes room for so many items in all, where their number is known beforehand. As above. */
#define ckpt_array_reserve(array, wanted)                                                                 \
        ((wanted) <= (array)->capacity ? CKPT_OK                                                          \
                                       : ckpt_array_resize_((void **)&(array)->items, &(array)->capacity, \
                                                            (wanted), sizeof(*(array)->items)))

/** Appends a value: CKPT_OK or CKPT_E_NOMEM. */
#define ckpt_array_push(array, ...)                                                                    \
        (ckpt_array_grow(array) == CKPT_OK ? ((array)->items[(array)->count++] = __VA_ARGS__, CKPT_OK) \
                                           : CKPT_E_NOMEM)

#define ckpt_array_deinit(array) \
        (free((array)->items), (array)->items = NULL, (array)->count = (array)->capacity = 0)

static inline ckpt_status ckpt_array_resize_(void **items, uint64_t *capacity, uint64_t wanted, size_t size)
{
        void *resized = reallocarray(*items, wanted, size);

        if (!resized)
                return CKPT_E_NOMEM;
        ckpt_huge_advise(resized, wanted * size);
        *items = resized;
        *capacity = wanted;
        return CKPT_OK;
}

static inline ckpt_status ckpt_array_grow_(void **items, uint64_t *capacity, size_t size)
{
        return ckpt_array_resize_(items, capacity, *capacity ? *capacity * 2 : 16, size);
}

#endif
