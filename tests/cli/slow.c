/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A weight loader that takes its time, so that a test can interrupt it. Its tensors are those of a model of
 * one tiny layer; every read says so in the log and then sleeps as long as `weights.hold` says.
 */
#include <string.h>
#include <time.h>

#include <ckpt/plugin.h>

static const ckpt_option hold_option = {
        .struct_size = sizeof(ckpt_option),
        .type = CKPT_OPTION_I64,
        .name = "hold",
        .fallback = "50",
        .description = "milliseconds that a read takes",
};

static const ckpt_option *const options[] = {&hold_option};

static void add(ckpt_weights_builder *builder, const char *name, int64_t rows, int64_t hold)
{
        const int64_t shape[2] = {rows, 64};
        const ckpt_leaf leaf = {
                .struct_size = sizeof(ckpt_leaf),
                .kind = CKPT_LEAF_READER,
                .dtype = CKPT_DTYPE_F32,
                .rank = 2,
                .shape = shape,
                .cookie = (uint64_t)hold,
                .size = (uint64_t)rows * 64 * 4,
                .access = CKPT_ACCESS_RANDOM,
        };

        ckpt_weights_add(builder, name, ckpt_weights_leaf(builder, &leaf));
}

static ckpt_status slow_load_weights(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                     ckpt_weights_builder *builder)
{
        static const char *const names[] = {
                "model.embed_tokens.weight",
                "model.layers.0.input_layernorm.weight",
                "model.layers.0.self_attn.q_proj.weight",
                "model.layers.0.self_attn.k_proj.weight",
                "model.layers.0.self_attn.v_proj.weight",
                "model.layers.0.self_attn.o_proj.weight",
                "model.layers.0.post_attention_layernorm.weight",
                "model.layers.0.mlp.gate_proj.weight",
                "model.layers.0.mlp.up_proj.weight",
                "model.layers.0.mlp.down_proj.weight",
                "model.norm.weight",
                "lm_head.weight",
        };
        const int64_t hold = ckpt_option_i64(self, "hold");

        (void)source;
        (void)mapping;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                add(builder, names[i], 64, hold);
        return CKPT_OK;
}

static ckpt_status slow_read(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer, uint64_t size)
{
        const struct timespec pause = {(time_t)(cookie / 1000), (long)(cookie % 1000) * 1000000};

        (void)offset;
        ckpt_log(self, CKPT_LOG_INFO, "reading slowly");
        nanosleep(&pause, NULL);
        memset(buffer, 0, size);
        return CKPT_OK;
}

static const ckpt_weight_loader slow = {
        .struct_size = sizeof(ckpt_weight_loader),
        .n_options = 1,
        .options = options,
        .load_weights = slow_load_weights,
        .read = slow_read,
};

CKPT_PLUGIN("org.ckpt.test.slow", "1.0.0", "Apache-2.0", "A weight loader that takes its time",
            CKPT_WEIGHT_LOADER("SLOW", NULL, &slow));
