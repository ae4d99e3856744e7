/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TESTS_TEST_MAPPER_LLAMA_H
#define CKPT_TESTS_TEST_MAPPER_LLAMA_H

/*
 * A little decoder of two layers as a catalogue, and a mapper with the usual rules: fused projections,
 * column, row and vocabulary styles, stages. Heads are 4 rows; there are 4 of q and 2 of k and v.
 */

#include "unit/test_catalog.h"

#define LLAMA_LAYER(n)                                           \
        "model.layers." n ".input_layernorm.weight BF16 8\n"     \
        "model.layers." n ".self_attn.q_proj.weight BF16 16 8\n" \
        "model.layers." n ".self_attn.k_proj.weight BF16 8 8\n"  \
        "model.layers." n ".self_attn.v_proj.weight BF16 8 8\n"  \
        "model.layers." n ".self_attn.o_proj.weight BF16 8 16\n" \
        "model.layers." n ".mlp.gate_proj.weight BF16 12 8\n"    \
        "model.layers." n ".mlp.up_proj.weight BF16 12 8\n"      \
        "model.layers." n ".mlp.down_proj.weight BF16 8 12\n"
#define LLAMA_ENDS                             \
        "model.embed_tokens.weight BF16 9 8\n" \
        "model.norm.weight BF16 8\n"           \
        "lm_head.weight BF16 9 8\n"
#define LLAMA_CONFIG "{\"num_hidden_layers\": 2}"

extern const ckpt_weight_mapper llama_mapper;

/** The catalogue of a whole checkpoint at tensor parallelism size and rank. */
void llama_init(catalog *c, int32_t tp_size, int32_t tp_rank);
/** The same, less the tensors whose names end so. */
void llama_init_without(catalog *c, const char *ending);

#endif
