/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CPU_H
#define CKPT_KERNELS_CPU_H

/*
 * Inside the CPU backend
 *
 * Streams run at once, on the calling thread: parallelism is the caller's, one stream a
 * thread. Statuses are negative errno values.
 */

#include <stddef.h>
#include <stdint.h>

#include "../walk.h"

/** Elements of one pass through the chain's buffers, which stay in the first-level cache. */
#define CKPT_CPU_BLOCK 512

int32_t ckpt_cpu_alloc(ckpt_device *device, uint64_t size, void **ret_memory);
void ckpt_cpu_free(ckpt_device *device, void *memory, uint64_t size);
int32_t ckpt_cpu_memory_info(ckpt_device *device, uint64_t *ret_free, uint64_t *ret_total);

int32_t ckpt_cpu_strided_copy(ckpt_stream *stream, const ckpt_strided_copy *descriptors, uint32_t count);
int32_t ckpt_cpu_elementwise(ckpt_stream *stream, const ckpt_elementwise *descriptors, uint32_t count);
int32_t ckpt_cpu_transpose(ckpt_stream *stream, const ckpt_transpose *descriptors, uint32_t count);
int32_t ckpt_cpu_repeat_blocks(ckpt_stream *stream, const ckpt_repeat_blocks *descriptors, uint32_t count);
int32_t ckpt_cpu_gather_rows(ckpt_stream *stream, const ckpt_gather_rows *descriptors, uint32_t count);

/** Runs a copy's walk. */
void ckpt_cpu_walk_copy(const ckpt_walk *walk);

/** Runs a chain over n contiguous elements (n <= CKPT_CPU_BLOCK) that may lie anywhere. */
typedef void (*ckpt_cpu_chain_run)(const ckpt_chain *chain, const void *src, void *dst, size_t n);

/** The fastest of the routines that this processor can run. */
ckpt_cpu_chain_run ckpt_cpu_chain_best(void);

/** The routine for any processor. */
void ckpt_cpu_chain_run_plain(const ckpt_chain *chain, const void *src, void *dst, size_t n);

/** Advances the outer axes' counters by one; false after the last. `axes` counts them. */
static inline bool ckpt_cpu_advance(const ckpt_walk *walk, uint32_t axes, int64_t *index)
{
        for (uint32_t i = axes; i-- > 0;) {
                if (++index[i] < walk->shape[i])
                        return true;
                index[i] = 0;
        }
        return false;
}

/* Integers that lie anywhere and may be anything else in truth. */
typedef uint16_t __attribute__((aligned(1), may_alias)) ckpt_any_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) ckpt_any_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) ckpt_any_u64;
typedef struct ckpt_any_u128 {
        uint64_t half[2];
} __attribute__((packed, may_alias)) ckpt_any_u128;

#endif
