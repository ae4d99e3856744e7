/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leaves: bytes that are somewhere, checked before anybody believes them
 *
 * What is checked here need not be checked again: shapes whose products fit, and a last element that lies
 * inside its object. Everything after this works with numbers that cannot overflow.
 */

#include <string.h>

#include "core/op/op.h"
#include "core/source/source.h"
#include "core/tensor/tensor.h"

static uint64_t place_size(const ckpt_place *place)
{
        switch (place->kind) {
        case CKPT_PLACE_OBJECT:
                return ckpt_source_api_size(place->source, place->object);
        case CKPT_PLACE_READER:
                return place->size;
        default:
                return UINT64_MAX;
        }
}

/* Elements from the first to one past the last, by the strides; false when it overflows. */
static bool stride_extent(uint32_t rank, const int64_t *shape, const int64_t *strides, int64_t *ret_extent)
{
        int64_t extent = 1, step;

        for (uint32_t i = 0; i < rank; i++) {
                if (strides[i] < 0)
                        return false;
                if (shape[i] == 0) {
                        *ret_extent = 0;
                        return true;
                }
                if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step) ||
                    __builtin_add_overflow(extent, step, &extent))
                        return false;
        }
        *ret_extent = extent;
        return true;
}

static const char *leaf_problem(const ckpt_place *place, ckpt_dtype dtype, uint32_t rank,
                                const int64_t *shape, const int64_t *strides, bool packed)
{
        int64_t extent, bits;
        uint64_t end;

        if (!stride_extent(rank, shape, strides, &extent) ||
            __builtin_mul_overflow(extent, (int64_t)ckpt_dtype_bits(dtype), &bits))
                return "its strides overflow, or are negative";
        if (bits % 8 != 0)
                return "its elements do not fill whole bytes";
        if (place->kind == CKPT_PLACE_READER && place->size > INT64_MAX / 8)
                return "its reader says that it delivers more bytes than can be addressed";
        if (ckpt_dtype_bits(dtype) < 8 && !packed)
                return "strides of a type smaller than a byte";
        if (__builtin_add_overflow(place->offset, (uint64_t)(bits / 8), &end) || end > place_size(place))
                return "it ends outside its object";
        return NULL;
}

static bool is_packed(uint32_t rank, const int64_t *shape, const int64_t *strides, const int64_t *packed)
{
        for (uint32_t i = 0; i < rank; i++)
                if (shape[i] > 1 && strides[i] != packed[i])
                        return false;
        return true;
}

static const ckpt_tensor *leaf_fail(ckpt_scope *scope, const char *name, const ckpt_place *place,
                                    const char *problem)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = name,
                .object = place->kind == CKPT_PLACE_OBJECT
                                  ? ckpt_source_api_name(place->source, place->object)
                                  : NULL,
                .offset = place->offset,
                .has_offset = place->kind == CKPT_PLACE_OBJECT,
        };

        ckpt_diagnostics_add(scope->diagnostics, CKPT_E_CORRUPT, NULL, NULL, &where,
                             "the tensor cannot be described: %s", problem);
        return ckpt_tensor_error(scope);
}

const ckpt_tensor *ckpt_tensor_leaf(ckpt_scope *scope, const char *name, const ckpt_place *place,
                                    ckpt_dtype dtype, uint32_t rank, const int64_t *shape,
                                    const int64_t *strides)
{
        int64_t packed[CKPT_RANK_MAX], *copy;
        const char *problem = NULL;
        ckpt_tensor *leaf;
        int64_t count;

        if (ckpt_dtype_bits(dtype) == 0)
                problem = "its dtype is unknown";
        else if (rank > CKPT_RANK_MAX)
                problem = "it has more than 64 axes";
        else if (!ckpt_shape_count(dtype, rank, shape, &count))
                problem = "its shape overflows, or is negative";
        else
                ckpt_strides_packed(packed, rank, shape);
        if (!problem)
                problem = leaf_problem(place, dtype, rank, shape, strides ? strides : packed,
                                       !strides || is_packed(rank, shape, strides, packed));
        if (problem)
                return leaf_fail(scope, name, place, problem);

        leaf = ckpt_tensor_new(scope, &ckpt_op_leaf, dtype, rank, shape, 0, NULL);
        if (!leaf || ckpt_tensor_is_error(leaf))
                return leaf;
        copy = ckpt_arena_calloc(&scope->arena, rank, sizeof(*copy));
        if (!copy) {
                scope->out_of_memory = true;
                return ckpt_tensor_error(scope);
        }
        if (rank > 0)
                memcpy(copy, strides ? strides : packed, rank * sizeof(*copy));
        leaf->as.leaf.place = *place;
        leaf->as.leaf.strides = copy;
        return leaf;
}

const ckpt_tensor *ckpt_tensor_source(ckpt_scope *scope, const char *name, uint64_t index,
                                      const ckpt_tensor *tensor)
{
        /* No shape of its own: the entry's serves, and there is a source for every tensor of a checkpoint. */
        ckpt_tensor *source = ckpt_tensor_new(scope, &ckpt_op_source, tensor->dtype, 0, NULL, 1, &tensor);

        if (source && !ckpt_tensor_is_error(source)) {
                source->rank = tensor->rank;
                source->shape = tensor->shape;
                source->as.source.name = name;
                source->as.source.index = index;
        }
        return source;
}
