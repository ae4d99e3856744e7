/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_CONFIG_H
#define CKPT_CONFIG_H

/*
 * The model's configuration
 *
 * A tree of typed values. A config loader makes it through a builder; everybody reads it with the
 * accessors below. Keys that the field shares stand at the top level under their usual names:
 *
 *   architecture         string, must be set: what components are looked up by
 *   dtype                string, the checkpoint's own ("bfloat16")
 *   hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
 *   intermediate_size, vocab_size      whole numbers
 *   tie_word_embeddings  boolean; absent when the checkpoint does not say
 *   quantization         object {method, algorithm, source}; absent for plain weights
 *
 * Every other key of the checkpoint's own file is there under its own name.
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Type of a value. */
enum {
        CKPT_VALUE_NULL = 0,
        CKPT_VALUE_BOOL = 1,
        CKPT_VALUE_I64 = 2,
        CKPT_VALUE_F64 = 3,
        CKPT_VALUE_STRING = 4,
        CKPT_VALUE_ARRAY = 5,
        CKPT_VALUE_OBJECT = 6
};

/*
 * Building [control]. Setters write into the innermost open container: under `key` in an object, where an
 * entry of that key is replaced; at the end of an array, where key is NULL. They do not fail: running out of
 * memory or a misplaced key fails the load when the slot returns.
 */

/** Adds every member of a JSON object to the open object. Strict JSON; errors name `label`, line and column.
 */
static inline ckpt_status ckpt_config_add_json(const ckpt_frame *self, ckpt_config_builder *builder,
                                               const char *text, uint64_t size, const char *label)
{
        return self->api->config_add_json(self, builder, text, size, label);
}

static inline void ckpt_config_set_null(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_set_null(builder, key);
}

static inline void ckpt_config_set_bool(ckpt_config_builder *builder, const char *key, bool value)
{
        CKPT_API(builder)->config_set_bool(builder, key, value);
}

static inline void ckpt_config_set_i64(ckpt_config_builder *builder, const char *key, int64_t value)
{
        CKPT_API(builder)->config_set_i64(builder, key, value);
}

static inline void ckpt_config_set_f64(ckpt_config_builder *builder, const char *key, double value)
{
        CKPT_API(builder)->config_set_f64(builder, key, value);
}

/** The string is copied. */
static inline void ckpt_config_set_string(ckpt_config_builder *builder, const char *key, const char *value)
{
        CKPT_API(builder)->config_set_string(builder, key, value);
}

/** A copy of a value, of this builder's tree or another's, with everything below it. */
static inline void ckpt_config_set_value(ckpt_config_builder *builder, const char *key,
                                         const ckpt_value *value)
{
        CKPT_API(builder)->config_set_value(builder, key, value);
}

/** Opens an empty object, or an array; ckpt_config_end closes it. */
static inline void ckpt_config_begin_object(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_begin_object(builder, key);
}

static inline void ckpt_config_begin_array(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_begin_array(builder, key);
}

static inline void ckpt_config_end(ckpt_config_builder *builder)
{
        CKPT_API(builder)->config_end(builder);
}

/** What has been built so far, an object; read it before the next setter. */
static inline const ckpt_value *ckpt_config_builder_root(const ckpt_config_builder *builder)
{
        return CKPT_API(builder)->config_builder_root(builder);
}

/*
 * Reading [any-thread]. All accept NULL, so that lookups chain: the type of NULL is CKPT_VALUE_NULL, its
 * count 0. Values live as long as their configuration.
 */

/** The top-level object. */
static inline const ckpt_value *ckpt_config_root(const ckpt_config *config)
{
        return config ? CKPT_API(config)->config_root(config) : NULL;
}

/** One of CKPT_VALUE_…. */
static inline int32_t ckpt_value_type(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_type(value) : CKPT_VALUE_NULL;
}

/** Members of an object or elements of an array; 0 for anything else. */
static inline uint32_t ckpt_value_count(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_count(value) : 0;
}

/** Key of an object's member, in the order of the file; NULL past the last. */
static inline const char *ckpt_value_key(const ckpt_value *value, uint32_t index)
{
        return value ? CKPT_API(value)->value_key(value, index) : NULL;
}

/** Value of an object's member or an array's element; NULL past the last. */
static inline const ckpt_value *ckpt_value_at(const ckpt_value *value, uint32_t index)
{
        return value ? CKPT_API(value)->value_at(value, index) : NULL;
}

/** An object's member by its key; NULL when there is none. */
static inline const ckpt_value *ckpt_value_get(const ckpt_value *value, const char *key)
{
        return value ? CKPT_API(value)->value_get(value, key) : NULL;
}

/** The number (a boolean is 0 or 1); 0 for anything else. A float is not rounded: ask the type first. */
static inline int64_t ckpt_value_i64(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_i64(value) : 0;
}

/** The number, whole or not; 0 for anything else. */
static inline double ckpt_value_f64(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_f64(value) : 0;
}

/** The string; NULL for anything else. */
static inline const char *ckpt_value_string(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_string(value) : NULL;
}

/** A top-level value by its key; NULL when there is none. */
static inline const ckpt_value *ckpt_config_get(const ckpt_config *config, const char *key)
{
        return ckpt_value_get(ckpt_config_root(config), key);
}

/** A top-level whole number, or `fallback` when the key is absent or not one. */
static inline int64_t ckpt_config_i64(const ckpt_config *config, const char *key, int64_t fallback)
{
        const ckpt_value *value = ckpt_config_get(config, key);

        return ckpt_value_type(value) == CKPT_VALUE_I64 ? ckpt_value_i64(value) : fallback;
}

/** A top-level boolean, or `fallback`. */
static inline bool ckpt_config_bool(const ckpt_config *config, const char *key, bool fallback)
{
        const ckpt_value *value = ckpt_config_get(config, key);

        return ckpt_value_type(value) == CKPT_VALUE_BOOL ? ckpt_value_i64(value) != 0 : fallback;
}

/** A top-level string, or `fallback`. */
static inline const char *ckpt_config_string(const ckpt_config *config, const char *key, const char *fallback)
{
        const char *value = ckpt_value_string(ckpt_config_get(config, key));

        return value ? value : fallback;
}

#ifdef __cplusplus
}
#endif

#endif
