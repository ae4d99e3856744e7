/* SPDX-License-Identifier: Apache-2.0 */
/* From elements of a storage to bytes of the file. */
#include "storage.h"

#include "machine.h"

#include <inttypes.h>

static int fail(struct hf_pickle *pickle, const struct hf_rebuilt *tensor, const char *problem)
{
        pickle->at = (size_t)tensor->position;
        return hf_pickle_fail(pickle, HF_BAD_STRIDES, "a tensor %s", problem);
}

static bool multiply(uint64_t a, uint64_t b, uint64_t *ret_product)
{
        *ret_product = a * b;
        return a == 0 || b <= INT64_MAX / a;
}

/* Elements from the first to one past the last by the strides, none when the tensor has none. */
static bool extent_of(const struct hf_rebuilt *tensor, uint64_t *ret_extent)
{
        uint64_t extent = 1, step;
        uint32_t i;

        *ret_extent = 0;
        for (i = 0; i < tensor->rank; i++)
                if (tensor->shape[i] == 0)
                        return true;
        for (i = 0; i < tensor->rank; i++) {
                if (!multiply(tensor->shape[i] - 1, tensor->strides[i], &step) || step > INT64_MAX - extent)
                        return false;
                extent += step;
        }
        *ret_extent = extent;
        return true;
}

/* A tensor of stride 0 may have any number of elements, as long as their bits can be counted. */
static bool can_be_counted(const struct hf_rebuilt *tensor)
{
        uint64_t bits = 8 * (uint64_t)tensor->type->bytes;
        uint32_t i;

        for (i = 0; i < tensor->rank; i++)
                if (!multiply(bits, tensor->shape[i], &bits))
                        return false;
        return true;
}

static int place(struct hf_pickle *pickle, struct hf_rebuilt *tensor)
{
        const struct hf_storage *storage = tensor->storage;
        uint64_t width = hf_storage_width(storage), room = storage->view_count * width;
        uint64_t begin = storage->view_begin * width, extent, offset, size;

        if (!extent_of(tensor, &extent) || !can_be_counted(tensor) ||
            !multiply(tensor->offset, tensor->type->bytes, &offset) ||
            !multiply(extent, tensor->type->bytes, &size))
                return fail(pickle, tensor, "has sizes that overflow");
        if (offset > room || size > room - offset)
                return fail(pickle, tensor, "leaves its storage");
        tensor->begin = storage->place->begin + begin + offset;
        tensor->end = tensor->begin + size;
        return 0;
}

int hf_tensors_place(struct hf_pickle *pickle)
{
        struct hf_rebuilt *tensor;

        for (tensor = pickle->tensors; tensor; tensor = tensor->next)
                if (tensor->storage && place(pickle, tensor) < 0)
                        return -1;
        return 0;
}
