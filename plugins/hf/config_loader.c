/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json becomes the configuration. Every key is kept; the ones that the field shares are checked,
 * and filled in where models leave them out: a multimodal model's text_config at the top level, dtype,
 * head_dim, num_key_value_heads, and that Gemma ties its embeddings when it does not say so.
 */
#include "components.h"
#include "quantization.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char config_name[] = "config.json";

enum {
        CONFIG_SIZE_MAX = 16 * 1024 * 1024
};

static ckpt_status fail(const ckpt_frame *self, const char *key, const char *problem)
{
        ckpt_where where = {.struct_size = sizeof where, .object = config_name};

        return ckpt_fail(self, CKPT_E_INVALID, &where, "\"%s\" %s", key, problem);
}

/* A value of the tree as it stands: setters may move it, so nobody keeps one across them. */
static const ckpt_value *get(const ckpt_config_builder *builder, const char *key)
{
        return ckpt_value_get(ckpt_config_builder_root(builder), key);
}

static bool is_set(const ckpt_value *value)
{
        return ckpt_value_type(value) != CKPT_VALUE_NULL;
}

static ckpt_status read_config(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder)
{
        uint64_t size = 0;
        char *text = NULL;
        uint32_t object;
        ckpt_status r;

        if (ckpt_source_find(source, config_name, &object) != 0) {
                ckpt_where where = {.struct_size = sizeof where,
                                    .object = config_name,
                                    .hint = "give the directory that holds it, or pass a configuration"};

                return ckpt_fail(self, CKPT_E_NOT_FOUND, &where, "%s has no config.json",
                                 ckpt_source_label(source));
        }
        r = hf_read_object(self, source, object, CONFIG_SIZE_MAX, &text, &size);
        if (r == 0)
                r = ckpt_config_add_json(self, builder, text, size, config_name);
        free(text);
        return r;
}

/* The checkpoint's own dtype, by the field's order of places; looked for before text_config is mirrored. */
static ckpt_status set_dtype(ckpt_frame *self, ckpt_config_builder *builder)
{
        static const char *const keys[] = {"dtype", "torch_dtype"};
        const ckpt_value *places[] = {ckpt_config_builder_root(builder), get(builder, "text_config")};
        const char *dtype = NULL;
        char name[64];
        size_t place, key;

        for (place = 0; place < 2 && !dtype; place++)
                for (key = 0; key < 2 && !dtype; key++) {
                        const ckpt_value *value = ckpt_value_get(places[place], keys[key]);

                        if (!is_set(value))
                                continue;
                        dtype = ckpt_value_string(value);
                        if (!dtype)
                                return fail(self, keys[key], "is not a string such as \"bfloat16\"");
                }

        if (!dtype)
                dtype = "bfloat16";
        if (strncmp(dtype, "torch.", 6) == 0)
                dtype += 6;
        /* Copied out, for the setter may replace the very value. */
        if (strlen(dtype) >= sizeof name)
                return fail(self, "dtype", "is not the name of a type");
        memcpy(name, dtype, strlen(dtype) + 1);
        ckpt_config_set_string(builder, "dtype", name);
        return 0;
}

/*
 * The text model of a multimodal checkpoint is what mappers ask about: its keys count where the outer has
 * none.
 */
static ckpt_status mirror_text_config(ckpt_frame *self, ckpt_config_builder *builder)
{
        const ckpt_value *text = get(builder, "text_config");
        uint32_t i;

        if (!is_set(text))
                return 0;
        if (ckpt_value_type(text) != CKPT_VALUE_OBJECT)
                return fail(self, "text_config", "is not an object");
        for (i = 0; i < ckpt_value_count(get(builder, "text_config")); i++) {
                const char *key;

                text = get(builder, "text_config");
                key = ckpt_value_key(text, i);
                /* The architecture is the whole model's, or nobody's. */
                if (strcmp(key, "architectures") != 0 && !is_set(get(builder, key)))
                        ckpt_config_set_value(builder, key, ckpt_value_at(text, i));
        }
        return 0;
}

static ckpt_status set_architecture(ckpt_frame *self, ckpt_config_builder *builder)
{
        const ckpt_value *list = get(builder, "architectures");
        const char *first = ckpt_value_string(ckpt_value_at(list, 0));

        if (is_set(list) && ckpt_value_type(list) != CKPT_VALUE_ARRAY)
                return fail(self, "architectures", "is not an array");
        if (!first || !first[0])
                return fail(self, "architectures",
                            "does not name the model's architecture; add it to the file");
        ckpt_config_set_string(builder, "architecture", first);
        return 0;
}

/* Every one of these is a count: from 1, and small enough that products of two fit. */
static ckpt_status check_counts(ckpt_frame *self, const ckpt_config_builder *builder)
{
        static const struct {
                const char *key;
                bool may_be_list; /* one number per layer */
        } counts[] = {
                {"hidden_size", false},         {"num_hidden_layers", false}, {"num_attention_heads", false},
                {"num_key_value_heads", false}, {"head_dim", false},          {"vocab_size", false},
                {"intermediate_size", true},
        };
        ckpt_status r = 0;
        size_t i;

        for (i = 0; i < sizeof counts / sizeof *counts; i++) {
                const ckpt_value *value = get(builder, counts[i].key);

                if (!is_set(value) || (counts[i].may_be_list && ckpt_value_type(value) == CKPT_VALUE_ARRAY))
                        continue;
                if (ckpt_value_type(value) != CKPT_VALUE_I64)
                        r = fail(self, counts[i].key, "is not a whole number");
                else if (ckpt_value_i64(value) < 1 || ckpt_value_i64(value) > INT32_MAX)
                        r = fail(self, counts[i].key, "is not between 1 and 2147483647");
        }
        return r;
}

/* Only what is absent is derived: Gemma's head_dim, for one, is not hidden_size / num_attention_heads. */
static ckpt_status derive_heads(ckpt_frame *self, ckpt_config_builder *builder)
{
        int64_t hidden = ckpt_value_i64(get(builder, "hidden_size"));
        int64_t heads = ckpt_value_i64(get(builder, "num_attention_heads"));

        if (heads == 0)
                return 0;
        if (!is_set(get(builder, "num_key_value_heads")))
                ckpt_config_set_i64(builder, "num_key_value_heads", heads);
        if (is_set(get(builder, "head_dim")) || hidden == 0)
                return 0;
        if (hidden % heads != 0)
                return fail(self, "head_dim",
                            "is absent, and hidden_size is no multiple of num_attention_heads");
        ckpt_config_set_i64(builder, "head_dim", hidden / heads);
        return 0;
}

static ckpt_status set_tied(ckpt_frame *self, ckpt_config_builder *builder)
{
        const ckpt_value *tied = get(builder, "tie_word_embeddings");
        const char *type = ckpt_value_string(get(builder, "model_type"));

        if (is_set(tied))
                return ckpt_value_type(tied) == CKPT_VALUE_BOOL
                               ? 0
                               : fail(self, "tie_word_embeddings", "is neither true nor false");
        /* The class's default, which its writers leave out; for others the weights tell. */
        if (type && strncmp(type, "gemma", 5) == 0)
                ckpt_config_set_bool(builder, "tie_word_embeddings", true);
        return 0;
}

static ckpt_status load(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder)
{
        ckpt_status r = read_config(self, source, builder);

        if (r == 0)
                r = set_dtype(self, builder);
        if (r == 0)
                r = mirror_text_config(self, builder);
        if (r == 0)
                r = set_architecture(self, builder);
        if (r == 0)
                r = check_counts(self, builder);
        if (r == 0)
                r = derive_heads(self, builder);
        if (r == 0)
                r = set_tied(self, builder);
        if (r == 0)
                r = hf_load_quantization(self, source, builder);
        return r;
}

const ckpt_config_loader hf_config_loader = {
        .struct_size = sizeof hf_config_loader,
        .load = load,
};
