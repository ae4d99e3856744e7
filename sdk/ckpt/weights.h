/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_H
#define CKPT_WEIGHTS_H

/*
 * Weights: an ordered dictionary, name to tensor
 *
 * A weight loader fills one through a builder, from headers alone: no payload is read. A mapper sees
 * immutable views of it, under renamed keys, filtered by a module's prefix; "editing" a view gives a
 * new one and leaves the old as it was.
 */

#include <ckpt/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a leaf's bytes are. */
enum {
        CKPT_LEAF_OBJECT = 0, /**< a range of an object of the source */
        CKPT_LEAF_READER = 1  /**< what the weight loader's `read` slot delivers */
};

/** How a reader's bytes may be asked for. */
enum {
        CKPT_ACCESS_RANDOM = 0,     /**< any range, by any worker */
        CKPT_ACCESS_SEQUENTIAL = 1, /**< opened, read in ascending ranges by one worker, closed */
        CKPT_ACCESS_WHOLE = 2       /**< one call for all of it, which is held in memory meanwhile */
};

/** Flags of a leaf. */
enum {
        CKPT_LEAF_BIG_ENDIAN = 1 /**< elements are stored most significant byte first */
};

/**
 * A tensor's bytes. Unused members are zero. `strides` count elements, NULL means row-major without gaps;
 * zero strides and overlaps are allowed, negative ones are not. Every element must lie inside the object.
 */
typedef struct ckpt_leaf {
        uint32_t struct_size;
        int32_t kind;
        ckpt_dtype dtype;
        uint32_t rank;
        const int64_t *shape;
        const int64_t *strides;
        uint32_t flags;
        uint32_t object; /**< OBJECT: number in the source */
        uint64_t offset; /**< OBJECT: of the first element, in bytes from the object's start */
        uint64_t cookie; /**< READER: handed to `read`; not interpreted */
        uint64_t size;   /**< READER: bytes that the reader can deliver */
        int32_t access;  /**< READER: CKPT_ACCESS_… */
        int32_t reserved0;
        uint64_t sort_key; /**< READER: reads are made in ascending order of it */
} ckpt_leaf;

/**
 * Describes a leaf. What cannot be described (a shape that overflows, a range outside the object, strides
 * that leave it) records a diagnostic and gives the error tensor. The struct is copied. [control]
 */
static inline const ckpt_tensor *ckpt_weights_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        return CKPT_API(builder)->weights_leaf(builder, leaf);
}

/** Adds an entry. The name is copied; a name that is there already is an error that names it. [control] */
static inline void ckpt_weights_add(ckpt_weights_builder *builder, const char *name,
                                    const ckpt_tensor *tensor)
{
        CKPT_API(builder)->weights_add(builder, name, tensor);
}

/** Number of entries; 0 for NULL. [any-thread] */
static inline uint64_t ckpt_weights_count(const ckpt_weights *weights)
{
        return weights ? CKPT_API(weights)->weights_count(weights) : 0;
}

/** Name of an entry, in the order in which they were added; NULL past the last. [any-thread] */
static inline const char *ckpt_weights_name(const ckpt_weights *weights, uint64_t index)
{
        return weights ? CKPT_API(weights)->weights_name(weights, index) : NULL;
}

/** Tensor of an entry; NULL past the last. [control] */
static inline const ckpt_tensor *ckpt_weights_at(const ckpt_weights *weights, uint64_t index)
{
        return weights ? CKPT_API(weights)->weights_at(weights, index) : NULL;
}

/** The tensor of that name; NULL, and nothing recorded, when there is none. [control] */
static inline const ckpt_tensor *ckpt_weights_get(const ckpt_weights *weights, const char *name)
{
        return weights ? CKPT_API(weights)->weights_get(weights, name) : NULL;
}

/**
 * The entries below a prefix, without it: those whose name is prefix + "." + something. The dot is
 * required: "model.layers.1" does not match "model.layers.10.x". [control]
 */
static inline const ckpt_weights *ckpt_weights_filter(const ckpt_weights *weights, const char *prefix)
{
        return weights ? CKPT_API(weights)->weights_filter(weights, prefix) : NULL;
}

/**
 * A view in which `name` is `tensor`: replaced, added, or, with a NULL tensor, taken out. The given view
 * stays as it was. [control]
 */
static inline const ckpt_weights *ckpt_weights_set(const ckpt_weights *weights, const char *name,
                                                   const ckpt_tensor *tensor)
{
        return weights ? CKPT_API(weights)->weights_set(weights, name, tensor) : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
