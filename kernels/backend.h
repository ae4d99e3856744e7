/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BACKEND_H
#define CKPT_BACKEND_H

/*
 * A device kind, as one table
 *
 * The executor knows devices only through this table: memory, streams, events,
 * copies, and kernels that take a list of descriptors. There are two: `cpu`, built
 * into libckpt, and `cuda`, a library of its own that is opened and asked. Both
 * compute the same bits.
 *
 * Every call is stream-ordered unless it says otherwise: it returns when the work is
 * enqueued, and its operands must live until the stream has passed it. The CPU's
 * streams run at once. A descriptor list itself may be freed when the call returns.
 *
 * Status: 0, or a negative number of the backend's own that `describe` turns into
 * words. Nothing here prints, and no call changes the caller's current device.
 * Functions may be called from any thread; one stream is used by one thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include <ckpt/dtype.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CKPT_BACKEND_VERSION 3u

/** Most axes of a kernel's operands; the planner merges axes and splits what has more. */
#define CKPT_KERNEL_RANK 8

/** Most operations of one elementwise pass. */
#define CKPT_ELEMENTWISE_OPS 6

typedef struct ckpt_device ckpt_device;
typedef struct ckpt_stream ckpt_stream;
typedef struct ckpt_event ckpt_event;

/**
 * dst[i] = src[i] where i lies inside src_shape, zero elsewhere. Strides count elements
 * of elem_size bytes (1, 2, 4, 8 or 16); source strides may be 0 or negative. A NULL src
 * means zeros everywhere. Pointers need only the alignment of a byte. dst and src do not overlap.
 */
typedef struct ckpt_strided_copy {
        void *dst;
        const void *src;
        uint32_t elem_size;
        uint32_t rank;
        int64_t dst_shape[CKPT_KERNEL_RANK];
        int64_t src_shape[CKPT_KERNEL_RANK]; /* each <= dst_shape */
        int64_t dst_stride[CKPT_KERNEL_RANK];
        int64_t src_stride[CKPT_KERNEL_RANK];
} ckpt_strided_copy;

typedef int32_t ckpt_elementwise_kind;

enum {
        CKPT_ELEMENTWISE_CAST = 1,       /* to `dtype` */
        CKPT_ELEMENTWISE_ADD_SCALAR = 2, /* x + value, rounded to x's dtype */
        CKPT_ELEMENTWISE_MUL_SCALAR = 3, /* x * value, rounded to x's dtype */
        CKPT_ELEMENTWISE_NEG_EXP = 4     /* -exp(x), rounded to x's dtype */
};

typedef struct ckpt_elementwise_op {
        ckpt_elementwise_kind kind;
        ckpt_dtype dtype; /* of the result */
        double value;
} ckpt_elementwise_op;

/**
 * One pass over a tensor: read src_dtype, apply the operations in order, each rounded to
 * its own result dtype (nearest even, as PyTorch does), write dst_dtype, which is the last
 * operation's dtype. NaNs made by it are the dtype's canonical quiet NaN. Strides in
 * elements. dst and src do not overlap. Pointers are aligned to nothing but bytes.
 */
typedef struct ckpt_elementwise {
        void *dst;
        const void *src;
        ckpt_dtype dst_dtype;
        ckpt_dtype src_dtype;
        uint32_t n_ops;
        uint32_t rank;
        ckpt_elementwise_op ops[CKPT_ELEMENTWISE_OPS];
        int64_t shape[CKPT_KERNEL_RANK];
        int64_t dst_stride[CKPT_KERNEL_RANK];
        int64_t src_stride[CKPT_KERNEL_RANK];
} ckpt_elementwise;

/** dst[b][c][r] = src[b][r][c]; strides in elements; the innermost stride of both sides is 1. */
typedef struct ckpt_transpose {
        void *dst;
        const void *src;
        uint32_t elem_size; /* 1, 2, 4, 8 or 16 */
        uint32_t reserved0;
        int64_t batch, rows, cols;
        int64_t src_batch_stride, src_row_stride;
        int64_t dst_batch_stride, dst_row_stride;
} ckpt_transpose;

/** dst row (b * reps + r) * block_rows + i = src row b * block_rows + i; pitches in bytes. */
typedef struct ckpt_repeat_blocks {
        void *dst;
        const void *src;
        int64_t blocks, block_rows, reps;
        int64_t row_bytes, src_pitch, dst_pitch;
} ckpt_repeat_blocks;

/** dst row i = src row index[i]; the index is device memory and was checked when it was described. */
typedef struct ckpt_gather_rows {
        void *dst;
        const void *src;
        const int64_t *index;
        int64_t n_rows;
        int64_t row_bytes, src_pitch, dst_pitch;
} ckpt_gather_rows;

/** `size` bytes from the host to the device. */
typedef struct ckpt_host_copy {
        void *dst;
        const void *src;
        uint64_t size; /* not 0 */
} ckpt_host_copy;

/** Most copies of one list. */
#define CKPT_HOST_COPIES_MAX 16

typedef struct ckpt_backend {
        uint32_t struct_size;
        uint32_t version; /* CKPT_BACKEND_VERSION */
        const char *name; /* "cpu", "cuda" */

        /** 0: cannot run on this machine (then *ret_why, a static string, says why); else how good. Makes no
         * context. */
        int32_t (*score)(const char **ret_why);
        /** Words for a negative status of this backend; a static string. Any thread. */
        const char *(*describe)(int32_t status);
        /** Opens device `ordinal`. Closing releases what the device object holds, not the driver's context.
         */
        int32_t (*open)(int32_t ordinal, ckpt_device **ret_device);
        void (*close)(ckpt_device *device);
        /** Bytes free and in all on the device. */
        int32_t (*memory_info)(ckpt_device *device, uint64_t *ret_free, uint64_t *ret_total);

        /** Device memory, 256-byte aligned; content undefined. Not stream-ordered. free accepts NULL. */
        int32_t (*alloc)(ckpt_device *device, uint64_t size, void **ret_memory);
        void (*free)(ckpt_device *device, void *memory, uint64_t size);
        /** Host memory that the device reads at full speed. free accepts NULL. */
        int32_t (*pinned_alloc)(ckpt_device *device, uint64_t size, void **ret_memory);
        void (*pinned_free)(ckpt_device *device, void *memory, uint64_t size);
        /** Makes existing host memory as good as pinned; unregister before it is unmapped. */
        int32_t (*host_register)(ckpt_device *device, void *memory, uint64_t size, int32_t read_only);
        int32_t (*host_unregister)(ckpt_device *device, void *memory);

        int32_t (*stream_new)(ckpt_device *device, ckpt_stream **ret_stream);
        /** Waits for the stream's work, then frees it. Accepts NULL. */
        void (*stream_free)(ckpt_stream *stream);
        /**
         * A stream of the embedder's (a cudaStream_t); freeing the wrapper neither waits for it nor ends it.
         */
        int32_t (*stream_wrap)(ckpt_device *device, void *native, ckpt_stream **ret_stream);
        int32_t (*stream_synchronize)(ckpt_stream *stream);
        int32_t (*event_new)(ckpt_device *device, ckpt_event **ret_event);
        void (*event_free)(ckpt_event *event);
        int32_t (*event_record)(ckpt_event *event, ckpt_stream *stream);
        /** Blocks until the recorded point has passed; returns at once for an event never recorded. */
        int32_t (*event_synchronize)(ckpt_event *event);
        /** 1: passed, 0: not yet, negative: failure. */
        int32_t (*event_query)(ckpt_event *event);
        /** What the embedder knows it by (a cudaEvent_t); NULL where there is no such thing. */
        void *(*event_handle)(ckpt_event *event);
        int32_t (*stream_wait_event)(ckpt_stream *stream, ckpt_event *event);

        int32_t (*copy_to_device)(ckpt_stream *stream, void *dst, const void *src, uint64_t size);
        /**
         * 1 to CKPT_HOST_COPIES_MAX copies, in the order of the stream as a whole and in any order among
         * themselves: what a copy costs beside its bytes is paid once, where the device's library can do so.
         * Not on the device's default stream.
         */
        int32_t (*copy_list_to_device)(ckpt_stream *stream, const ckpt_host_copy *copies, uint32_t count);
        int32_t (*copy_to_host)(ckpt_stream *stream, void *dst, const void *src, uint64_t size);
        int32_t (*copy_on_device)(ckpt_stream *stream, void *dst, const void *src, uint64_t size);
        /** `rows` rows of `width` bytes, host to device, pitches in bytes. */
        int32_t (*copy_rows_to_device)(ckpt_stream *stream, void *dst, uint64_t dst_pitch, const void *src,
                                       uint64_t src_pitch, uint64_t width, uint64_t rows);
        int32_t (*fill_zero)(ckpt_stream *stream, void *dst, uint64_t size);

        int32_t (*strided_copy)(ckpt_stream *stream, const ckpt_strided_copy *descriptors, uint32_t count);
        int32_t (*elementwise)(ckpt_stream *stream, const ckpt_elementwise *descriptors, uint32_t count);
        int32_t (*transpose)(ckpt_stream *stream, const ckpt_transpose *descriptors, uint32_t count);
        int32_t (*repeat_blocks)(ckpt_stream *stream, const ckpt_repeat_blocks *descriptors, uint32_t count);
        int32_t (*gather_rows)(ckpt_stream *stream, const ckpt_gather_rows *descriptors, uint32_t count);
} ckpt_backend;

/** The CPU's table: part of libckpt, always there. Device and host memory are the same there. */
extern const ckpt_backend ckpt_backend_cpu;

/** The one symbol of a backend library. */
#define CKPT_BACKEND_SYMBOL "ckpt_backend_entry"

#ifdef __cplusplus
}
#endif

#endif
