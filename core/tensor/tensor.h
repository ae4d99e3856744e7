/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TENSOR_TENSOR_H
#define CKPT_TENSOR_TENSOR_H

/*
 * Descriptions of tensors: nodes of a directed graph without cycles
 *
 * A node is a leaf, a source (a named entry of the checkpoint's weights, standing for that entry's own
 * description), or an operation on other nodes. Nodes are immutable, live in the arena of their scope, and
 * are never freed one by one. What a kind of node is stands in one row, a ckpt_op (op/op.h).
 */

#include <ckpt/tensor.h>
#include <ckpt/weights.h>

#include "core/base/session.h"
#include "core/base/text.h"

struct ckpt_op;

enum ckpt_place_kind {
        CKPT_PLACE_OBJECT, /* an object of a source */
        CKPT_PLACE_MEMORY, /* host memory, or a device's */
        CKPT_PLACE_READER  /* a weight loader's `read` slot */
};

/** Where a leaf's bytes are. Strides count elements and are not negative. */
typedef struct ckpt_place {
        enum ckpt_place_kind kind;
        bool big_endian;
        uint64_t offset; /* OBJECT: bytes; else 0 */
        ckpt_source *source;
        uint32_t object;
        int32_t device; /* MEMORY: -1 host, else the ordinal of a cuda device */
        const uint8_t *memory;
        ckpt_frame *reader; /* READER: top frame of the weight loader */
        uint64_t cookie, size, sort_key;
        int32_t access;
} ckpt_place;

struct ckpt_tensor {
        const ckpt_api *api;
        ckpt_scope *scope;
        const struct ckpt_op *op;
        ckpt_dtype dtype;
        uint32_t rank;
        uint32_t n_inputs;
        const int64_t *shape;
        const ckpt_tensor *const *inputs;
        union {
                struct {
                        ckpt_place place;
                        const int64_t *strides;
                } leaf;
                struct {
                        const char *name;
                        uint64_t index; /* in the checkpoint's weights */
                } source;
                struct {
                        int32_t axis;
                        int64_t start;
                } slice;
                struct {
                        int32_t axis;
                } join; /* concat, stack, pad */
                struct {
                        const int32_t *axes;
                } permute;
                struct {
                        int32_t axis;
                        int64_t blocks, reps;
                } repeat;
                struct {
                        int32_t axis;
                        const int64_t *index;
                } gather;
                struct {
                        double value;
                } scalar;
        } as;
};

/**
 * A leaf; shape and strides (NULL: row-major) are copied. Checks rank, dtype, overflow, negative numbers, and
 * that every element lies inside `place` (OBJECT: the object's size; READER: its size; MEMORY is believed).
 * `name` is for messages. Records and gives the error tensor when it cannot be.
 */
const ckpt_tensor *ckpt_tensor_leaf(ckpt_scope *scope, const char *name, const ckpt_place *place,
                                    ckpt_dtype dtype, uint32_t rank, const int64_t *shape,
                                    const int64_t *strides);
/** Entry `index` of the checkpoint's weights, under its name, in this scope; its shape is the entry's own. */
const ckpt_tensor *ckpt_tensor_source(ckpt_scope *scope, const char *name, uint64_t index,
                                      const ckpt_tensor *tensor);
const ckpt_tensor *ckpt_tensor_error(ckpt_scope *scope);
bool ckpt_tensor_is_error(const ckpt_tensor *tensor);
bool ckpt_tensor_is_source(const ckpt_tensor *tensor);
/** Elements; fits in int64_t, since leaves are checked. */
int64_t ckpt_tensor_count(const ckpt_tensor *tensor);
/** Bytes of the whole tensor, packed. */
uint64_t ckpt_tensor_size(const ckpt_tensor *tensor);
/** Sets marks[index] for every source that is reached from the tensor. */
void ckpt_tensor_mark_sources(const ckpt_tensor *tensor, bool *marks);
/** The expression, sources by their names: "concat(0, a, slice(b, 0, 2:4))". */
void ckpt_tensor_print(const ckpt_tensor *tensor, ckpt_text *text);
/** "BF16 [4, 8]" into the text. */
void ckpt_tensor_print_type(const ckpt_tensor *tensor, ckpt_text *text);

/** A new node; shape and inputs are copied. The error tensor when memory is short. */
ckpt_tensor *ckpt_tensor_new(ckpt_scope *scope, const struct ckpt_op *op, ckpt_dtype dtype, uint32_t rank,
                             const int64_t *shape, uint32_t n_inputs, const ckpt_tensor *const *inputs);
/** Records why an operation on `tensor` cannot be described, naming it; gives the error tensor. */
const ckpt_tensor *ckpt_tensor_fail(const ckpt_tensor *tensor, ckpt_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/** Elements of a shape; false when elements or their bytes do not fit, or a number is negative. */
bool ckpt_shape_count(ckpt_dtype dtype, uint32_t rank, const int64_t *shape, int64_t *ret_count);

ckpt_dtype ckpt_tensor_api_dtype(const ckpt_tensor *tensor);
uint32_t ckpt_tensor_api_rank(const ckpt_tensor *tensor);
const int64_t *ckpt_tensor_api_shape(const ckpt_tensor *tensor);

#endif
