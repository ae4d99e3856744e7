/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Elementwise passes: rows of the walk, cut into blocks. Where an operand's elements do
 * not lie side by side they are gathered into a buffer before the chain, or scattered
 * from one after it.
 */

#include <errno.h>

#include "cpu.h"

typedef struct row {
        uint8_t *dst;
        const uint8_t *src;
        int64_t dst_step, src_step;
        uint32_t dst_size, src_size;
        int64_t n;
} row;

#define MOVE_ELEMENTS(type)            \
        for (size_t i = 0; i < n; i++) \
        *(type *)(dst + (int64_t)i * dst_step) = *(const type *)(src + (int64_t)i * src_step)

static void move_elements(uint8_t *dst, int64_t dst_step, const uint8_t *src, int64_t src_step, uint32_t size,
                          size_t n)
{
        switch (size) {
        case 1:
                MOVE_ELEMENTS(uint8_t);
                break;
        case 2:
                MOVE_ELEMENTS(ckpt_any_u16);
                break;
        case 4:
                MOVE_ELEMENTS(ckpt_any_u32);
                break;
        default:
                MOVE_ELEMENTS(ckpt_any_u64);
                break;
        }
}

static void run_row(const row *r, const ckpt_chain *chain, ckpt_cpu_chain_run run)
{
        uint8_t gathered[CKPT_CPU_BLOCK * sizeof(uint64_t)], scattered[CKPT_CPU_BLOCK * sizeof(uint64_t)];
        const bool gather = r->src_step != (int64_t)r->src_size,
                   scatter = r->dst_step != (int64_t)r->dst_size;

        for (int64_t at = 0; at < r->n; at += CKPT_CPU_BLOCK) {
                const size_t n = (size_t)(r->n - at < CKPT_CPU_BLOCK ? r->n - at : CKPT_CPU_BLOCK);
                const uint8_t *const src = r->src + at * r->src_step;
                uint8_t *const dst = r->dst + at * r->dst_step;

                if (gather)
                        move_elements(gathered, r->src_size, src, r->src_step, r->src_size, n);
                run(chain, gather ? gathered : src, scatter ? scattered : dst, n);
                if (scatter)
                        move_elements(dst, r->dst_step, scattered, r->dst_size, r->dst_size, n);
        }
}

static void run_walk(const ckpt_walk *walk, const ckpt_chain *chain)
{
        const uint32_t inner = walk->rank - 1;
        const ckpt_cpu_chain_run run = ckpt_cpu_chain_best();
        row r = {
                .dst_step = walk->dst_step[inner],
                .src_step = walk->src_step[inner],
                .dst_size = ckpt_dtype_bits(chain->dst_dtype) / 8,
                .src_size = ckpt_dtype_bits(chain->src_dtype) / 8,
                .n = walk->shape[inner],
        };
        int64_t index[CKPT_WALK_RANK] = {0};

        do {
                int64_t dst = 0, src = 0;

                for (uint32_t i = 0; i < inner; i++) {
                        dst += index[i] * walk->dst_step[i];
                        src += index[i] * walk->src_step[i];
                }
                r.dst = walk->dst + dst;
                r.src = walk->src + src;
                run_row(&r, chain, run);
        } while (ckpt_cpu_advance(walk, inner, index));
}

int32_t ckpt_cpu_elementwise(ckpt_stream *stream, const ckpt_elementwise *descriptors, uint32_t count)
{
        (void)stream;
        for (uint32_t i = 0; i < count; i++) {
                ckpt_walk walk;
                ckpt_chain chain;
                const int r = ckpt_walk_elementwise(&descriptors[i], &walk, &chain);

                if (r < 0)
                        return -EINVAL;
                if (r > 0 && chain.domain == CKPT_DOMAIN_BITS)
                        ckpt_cpu_walk_copy(&walk);
                else if (r > 0)
                        run_walk(&walk, &chain);
        }
        return 0;
}
