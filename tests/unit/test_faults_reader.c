/* SPDX-License-Identifier: Apache-2.0 */
#include "test_faults_reader.h"

#include <stdio.h>
#include <string.h>

#include <ckpt/plugin.h>

#include "support/scratch.h"

#include <check.h>

#define HIDDEN 256
#define PERIOD 512

typedef struct entry {
        const char *name;
        int64_t rows, columns; /* columns 0: a vector */
} entry;

/* In place of a size: the reader's own. */
#define WIDE (-1)

static const entry layer_entries[] = {
        {"input_layernorm.weight", HIDDEN, 0},
        {"mlp.down_proj.weight", HIDDEN, WIDE},
        {"mlp.gate_proj.weight", WIDE, HIDDEN},
        {"mlp.up_proj.weight", WIDE, HIDDEN},
        {"post_attention_layernorm.weight", HIDDEN, 0},
        {"post_feedforward_layernorm.weight", HIDDEN, 0},
        {"pre_feedforward_layernorm.weight", HIDDEN, 0},
        {"self_attn.k_norm.weight", 32, 0},
        {"self_attn.k_proj.weight", 128, HIDDEN},
        {"self_attn.o_proj.weight", HIDDEN, 256},
        {"self_attn.q_norm.weight", 32, 0},
        {"self_attn.q_proj.weight", 256, HIDDEN},
        {"self_attn.v_proj.weight", 128, HIDDEN},
};

static const char config[] = "{\"architectures\": [\"Gemma3ForCausalLM\"], \"model_type\": \"gemma3_text\","
                             " \"hidden_size\": 256, \"num_hidden_layers\": 4, \"num_attention_heads\": 8,"
                             " \"num_key_value_heads\": 4, \"head_dim\": 32, \"intermediate_size\": 512,"
                             " \"vocab_size\": 1001, \"dtype\": \"bfloat16\", \"tie_word_embeddings\": true}";

uint8_t test_reader_byte(uint64_t cookie, uint64_t at)
{
        /*
         * Even bytes are the low half of a number of 16 bits; the high half stays below the exponent of
         * infinity.
         */
        return (uint8_t)(at % 2 ? 0x3f - (cookie % 3) : at / 2 * 7 + cookie * 31);
}

static void add(ckpt_weights_builder *builder, const test_reader *reader, const char *name, int64_t rows,
                int64_t columns, uint64_t cookie)
{
        const int64_t shape[2] = {rows == WIDE ? reader->wide : rows,
                                  columns == WIDE ? reader->wide : columns};
        const bool is_whole = reader->whole && strstr(name, reader->whole);
        const ckpt_leaf leaf = {
                .struct_size = sizeof(ckpt_leaf),
                .kind = CKPT_LEAF_READER,
                .dtype = CKPT_DTYPE_BF16,
                .rank = columns ? 2 : 1,
                .shape = shape,
                .cookie = cookie,
                .size = (uint64_t)(shape[0] * (columns ? shape[1] : 1)) * 2,
                .access = is_whole ? CKPT_ACCESS_WHOLE : reader->access,
                .sort_key = cookie,
        };

        ckpt_weights_add(builder, name, ckpt_weights_leaf(builder, &leaf));
}

static ckpt_status reader_load_weights(ckpt_frame *self, const ckpt_source *source,
                                       const ckpt_mapping *mapping, ckpt_weights_builder *builder)
{
        test_reader *reader = self->data;
        uint64_t cookie = 0;
        char name[128];

        (void)source;
        (void)mapping;
        add(builder, reader, "model.embed_tokens.weight", reader->vocabulary, HIDDEN, cookie++);
        for (int64_t layer = 0; layer < reader->layers; layer++) {
                for (unsigned i = 0; i < sizeof(layer_entries) / sizeof(layer_entries[0]); i++) {
                        const entry *e = &layer_entries[i];

                        snprintf(name, sizeof(name), "model.layers.%d.%s", (int)layer, e->name);
                        add(builder, reader, name, e->rows, e->columns, cookie++);
                }
        }
        add(builder, reader, "model.norm.weight", HIDDEN, 0, cookie);
        return reader->on_list ? reader->on_list(reader) : CKPT_OK;
}

/* The bytes repeat after PERIOD. */
static void fill(uint64_t cookie, uint64_t offset, uint8_t *bytes, uint64_t size)
{
        uint8_t period[PERIOD];

        for (uint64_t i = 0; i < PERIOD; i++)
                period[i] = test_reader_byte(cookie, i);
        for (uint64_t done = 0, n; done < size; done += n) {
                const uint64_t from = (offset + done) % PERIOD;

                n = PERIOD - from < size - done ? PERIOD - from : size - done;
                memcpy(bytes + done, period + from, n);
        }
}

static ckpt_status reader_read(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer,
                               uint64_t size)
{
        test_reader *reader = self->data;
        const uint64_t call = atomic_fetch_add(&reader->calls, 1);
        ckpt_status r = reader->on_read ? reader->on_read(reader, call) : CKPT_OK;

        if (reader->access == CKPT_ACCESS_SEQUENTIAL && atomic_load(&reader->open) <= 0)
                r = CKPT_E_PLUGIN;
        if (r < 0)
                return ckpt_fail(self, r, NULL, "the test's reader fails at call %llu",
                                 (unsigned long long)call);
        fill(cookie, offset, buffer, size);
        return CKPT_OK;
}

static ckpt_status reader_open(ckpt_frame *self, uint64_t cookie)
{
        (void)cookie;
        atomic_fetch_add(&((test_reader *)self->data)->open, 1);
        return CKPT_OK;
}

static void reader_close(ckpt_frame *self, uint64_t cookie)
{
        (void)cookie;
        atomic_fetch_sub(&((test_reader *)self->data)->open, 1);
}

static ckpt_status reader_create(ckpt_frame *self)
{
        atomic_fetch_add(&((test_reader *)self->data)->created, 1);
        return CKPT_OK;
}

static void reader_destroy(ckpt_frame *self)
{
        atomic_fetch_sub(&((test_reader *)self->data)->created, 1);
}

static const ckpt_weight_loader loader = {
        .struct_size = sizeof(ckpt_weight_loader),
        .create = reader_create,
        .destroy = reader_destroy,
        .load_weights = reader_load_weights,
        .flags = CKPT_READ_CONCURRENT,
        .read = reader_read,
        .open = reader_open,
        .close = reader_close,
};

const ckpt_component test_reader_component = {
        .struct_size = sizeof(ckpt_component),
        .kind = CKPT_KIND_WEIGHT_LOADER,
        .format = "HF",
        .as = {.weight_loader = &loader},
};

ckpt_load *test_reader_load(ckpt_host *host, test_reader *reader, const ckpt_load_options *options)
{
        ckpt_load *load = NULL;

        ck_assert_msg(ckpt_load_new(host, options, &load) == CKPT_OK, "%s", ckpt_host_error(host));
        ck_assert_int_eq(ckpt_load_set_path(load, scratch_directory()), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_config_json(load, config, strlen(config)), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_component(load, &test_reader_component, reader), CKPT_OK);
        return load;
}
