/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_H
#define CKPT_WEIGHTS_H

/*
 * Weights: an ordered dictionary, name to tensor
 *
 * A weight loader fills one through a builder, from headers alone: no payload is read. A mapper sees
 * immutable views of it, under renamed keys, filtered by a module's prefix; "editing" a view gives a
 * new one and leaves the old as it was.
 *
 * Views and tensors are borrowed and live as long as the load; there is nothing to free. All functions that
 * read accept NULL, which has no entries. When memory is short a view may be NULL, and the load ends with
 * CKPT_E_NOMEM. Where only the load's own thread makes views, [control], weights that were handed out
 * (ckpt_load_get_weights) are never changed and may be looked at from any thread.
 */

#include <ckpt/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a leaf's bytes come from. */
enum {
        CKPT_LEAF_OBJECT = 0, /**< a range of an object of the source */
        CKPT_LEAF_READER = 1  /**< what the weight loader's `read` slot delivers */
};

/** How a reader's bytes may be asked for; a promise of the runtime to the weight loader's `read`. */
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
 * A tensor's bytes. Unused members are zero, struct_size is sizeof. `shape` and `strides` have `rank` numbers
 * each (`shape` NULL: rank 0). `strides` count elements, NULL means row-major without gaps; zero strides and
 * overlaps are allowed, negative ones are not, and a type smaller than a byte has none of its own. Every
 * element must lie inside the object. Two rows of the file "model.safetensors", object 3:
 *
 *         const int64_t shape[] = {2, 1024};
 *         const ckpt_leaf leaf = {.struct_size = sizeof(leaf), .kind = CKPT_LEAF_OBJECT,
 *                                 .dtype = CKPT_DTYPE_BF16, .rank = 2, .shape = shape,
 *                                 .object = 3, .offset = 4096};
 *         ckpt_weights_add(builder, "bias", ckpt_weights_leaf(builder, &leaf));
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
 * Describes a leaf; ckpt_weights_add gives it a name. The struct and its arrays are copied. The result lives
 * as long as the weights; operations of ckpt/tensor.h may be put on it before it is added. NULL only when
 * memory is short. [control]
 *
 * What cannot be described records a diagnostic and gives the error tensor: CKPT_E_CORRUPT for what a file
 * may say (an unknown dtype, more than 64 axes, a shape or strides that overflow, a range that leaves the
 * object or the reader's size), CKPT_E_PLUGIN for what only the loader can get wrong (no such object, kind,
 * access or flag, a short struct_size, rank without shape).
 */
static inline const ckpt_tensor *ckpt_weights_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        return CKPT_API(builder)->weights_leaf(builder, leaf);
}

/**
 * Adds an entry, last in order. The name is copied; one that is there already is CKPT_E_CORRUPT, which names
 * it. NULL as name or tensor is CKPT_E_PLUGIN; the error tensor is passed over, its reason is recorded. There
 * is nothing to check: failures end the load when the slot returns. [control]
 */
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

/**
 * Name of an entry, in the order in which they were added, below a view's prefix; NULL past the last.
 * [control] for a view, [any-thread] for weights that were handed out.
 */
static inline const char *ckpt_weights_name(const ckpt_weights *weights, uint64_t index)
{
        return weights ? CKPT_API(weights)->weights_name(weights, index) : NULL;
}

/** Tensor of the entry whose name is ckpt_weights_name(weights, index); NULL past the last. [control] */
static inline const ckpt_tensor *ckpt_weights_at(const ckpt_weights *weights, uint64_t index)
{
        return weights ? CKPT_API(weights)->weights_at(weights, index) : NULL;
}

/** The tensor of that name; NULL, and nothing recorded, when there is none or `name` is NULL. [control] */
static inline const ckpt_tensor *ckpt_weights_get(const ckpt_weights *weights, const char *name)
{
        return weights ? CKPT_API(weights)->weights_get(weights, name) : NULL;
}

/**
 * The entries below a prefix, without it: those whose name is prefix + "." + something. The dot is
 * required: "model.layers.1" does not match "model.layers.10.x". "" and NULL give the whole view. A prefix
 * below which there is nothing gives a view without entries. Filtering is cheap (two binary searches) and
 * can be repeated. [control]
 *
 *         layer = ckpt_weights_filter(weights, "model.layers.1");
 *         q = ckpt_weights_get(layer, "self_attn.q_proj.weight");
 */
static inline const ckpt_weights *ckpt_weights_filter(const ckpt_weights *weights, const char *prefix)
{
        return weights ? CKPT_API(weights)->weights_filter(weights, prefix) : NULL;
}

/**
 * A view in which `name` is `tensor`: replaced in its place, added last, or, with a NULL tensor, taken out.
 * The given view stays as it was. Taking out what is not there, and a NULL name, give the view itself. The
 * name is copied. [control]
 *
 *         weights = ckpt_weights_set(weights, "gate_proj.weight", ckpt_tensor_chunk(both, 0, 2, 0));
 *         weights = ckpt_weights_set(weights, "up_proj.weight", ckpt_tensor_chunk(both, 0, 2, 1));
 *         return ckpt_weights_set(weights, "gate_up_proj.weight", NULL);
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
