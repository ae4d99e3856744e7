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
 *
 * Where "architecture" is absent or null, the runtime sets it to the first of the array "architectures" when
 * the config loader is done. CKPT_E_NOT_FOUND when that is not there either, CKPT_E_CORRUPT when it is no
 * string or an empty one.
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Type of a value. JSON's integers are I64, its numbers with a fraction or an exponent F64. */
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
 * entry of that key is replaced and keeps its place; at the end of an array, where key is NULL. At first the
 * root object is open. Keys and values are copied.
 *
 * Setters do not fail: running out of memory (CKPT_E_NOMEM), a misplaced key, a NULL string or value, more
 * than 128 levels of containers, an end too many or too few (CKPT_E_PLUGIN) fail the load when the slot
 * returns.
 *
 *         ckpt_config_set_string(builder, "architecture", "GPT2LMHeadModel");
 *         ckpt_config_begin_array(builder, "stop_ids");           "stop_ids": [1, 2]
 *         ckpt_config_set_i64(builder, NULL, 1);
 *         ckpt_config_set_i64(builder, NULL, 2);
 *         ckpt_config_end(builder);
 */

/**
 * Adds every member of a JSON object to the open object; members that are there are replaced, whole. `text`
 * is `size` bytes of UTF-8 and needs no NUL; it is not kept. `label` names it in errors, most often a file's
 * name. The syntax is RFC 8259's, strictly: no comments, no NaN, no key twice in one object.
 *
 *   CKPT_E_CORRUPT  the text is no JSON object, or a number needs more than 64 bits; with line and column
 *   CKPT_E_LIMIT    more than 64 MiB, or nested deeper than 127 levels
 *   CKPT_E_PLUGIN   the innermost open container is an array
 *   CKPT_E_NOMEM    out of memory
 */
static inline ckpt_status ckpt_config_add_json(const ckpt_frame *self, ckpt_config_builder *builder,
                                               const char *text, uint64_t size, const char *label)
{
        return self->api->config_add_json(self, builder, text, size, label);
}

/** Sets JSON's null, which is a value that is there: ckpt_value_get gives it, not NULL. */
static inline void ckpt_config_set_null(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_set_null(builder, key);
}

/** Sets a boolean; it reads as CKPT_VALUE_BOOL. */
static inline void ckpt_config_set_bool(ckpt_config_builder *builder, const char *key, bool value)
{
        CKPT_API(builder)->config_set_bool(builder, key, value);
}

/** Sets a whole number; it reads as CKPT_VALUE_I64. */
static inline void ckpt_config_set_i64(ckpt_config_builder *builder, const char *key, int64_t value)
{
        CKPT_API(builder)->config_set_i64(builder, key, value);
}

/** Sets a number that reads as CKPT_VALUE_F64, even where it is whole. */
static inline void ckpt_config_set_f64(ckpt_config_builder *builder, const char *key, double value)
{
        CKPT_API(builder)->config_set_f64(builder, key, value);
}

/** Sets a string of UTF-8, which is copied. NULL is a mistake (CKPT_E_PLUGIN): use ckpt_config_set_null. */
static inline void ckpt_config_set_string(ckpt_config_builder *builder, const char *key, const char *value)
{
        CKPT_API(builder)->config_set_string(builder, key, value);
}

/**
 * A copy of a value, of this builder's tree or another's, with everything below it. Renames a key:
 *
 *         ckpt_config_set_value(builder, "hidden_size", ckpt_value_get(root, "n_embd"));
 *
 * NULL is a mistake (CKPT_E_PLUGIN): test first whether the key is there.
 */
static inline void ckpt_config_set_value(ckpt_config_builder *builder, const char *key,
                                         const ckpt_value *value)
{
        CKPT_API(builder)->config_set_value(builder, key, value);
}

/**
 * Opens an empty object, which replaces what has that key; setters write into it until ckpt_config_end. To
 * add to an object that is there is not possible: copy its members with ckpt_config_set_value.
 */
static inline void ckpt_config_begin_object(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_begin_object(builder, key);
}

/** Opens an empty array, as ckpt_config_begin_object; what is set in it has no keys. */
static inline void ckpt_config_begin_array(ckpt_config_builder *builder, const char *key)
{
        CKPT_API(builder)->config_begin_array(builder, key);
}

/** Closes the innermost open container. The root is never closed. */
static inline void ckpt_config_end(ckpt_config_builder *builder)
{
        CKPT_API(builder)->config_end(builder);
}

/** What has been built so far, the root object, never NULL. It and all below it: until the next setter. */
static inline const ckpt_value *ckpt_config_builder_root(const ckpt_config_builder *builder)
{
        return CKPT_API(builder)->config_builder_root(builder);
}

/*
 * Reading [any-thread]. All accept NULL, so that lookups chain: the type of NULL is CKPT_VALUE_NULL, its
 * count 0. Nothing fails and nothing is recorded; whoever needs a key says what is wrong with it (ckpt_fail).
 * Values and strings live as long as their configuration, which lives as long as its load.
 *
 *         rope = ckpt_value_get(ckpt_config_get(m->config, "rope_scaling"), "factor");
 *         factor = ckpt_value_type(rope) == CKPT_VALUE_NULL ? 1.0 : ckpt_value_f64(rope);
 */

/** The top-level object; NULL for NULL. */
static inline const ckpt_value *ckpt_config_root(const ckpt_config *config)
{
        return config ? CKPT_API(config)->config_root(config) : NULL;
}

/** One of CKPT_VALUE_…; CKPT_VALUE_NULL for NULL, so that absent and null read alike. */
static inline int32_t ckpt_value_type(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_type(value) : CKPT_VALUE_NULL;
}

/** Members of an object or elements of an array; 0 for anything else. */
static inline uint32_t ckpt_value_count(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_count(value) : 0;
}

/** Key of an object's member, in the order of the file; NULL past the last, and for what is no object. */
static inline const char *ckpt_value_key(const ckpt_value *value, uint32_t index)
{
        return value ? CKPT_API(value)->value_key(value, index) : NULL;
}

/** Value of an object's member or an array's element, from 0; NULL past the last, and for scalars. */
static inline const ckpt_value *ckpt_value_at(const ckpt_value *value, uint32_t index)
{
        return value ? CKPT_API(value)->value_at(value, index) : NULL;
}

/** An object's member by its key; NULL when there is none, the key is NULL or the value is no object. */
static inline const ckpt_value *ckpt_value_get(const ckpt_value *value, const char *key)
{
        return value ? CKPT_API(value)->value_get(value, key) : NULL;
}

/**
 * A whole number, or a boolean as 0 or 1; 0 for anything else. A CKPT_VALUE_F64 is not rounded, it gives 0:
 * ask the type first.
 */
static inline int64_t ckpt_value_i64(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_i64(value) : 0;
}

/** The number, whole or not, a whole one rounded to the nearest double; 0 for anything else, booleans too. */
static inline double ckpt_value_f64(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_f64(value) : 0;
}

/** The string, which may be empty; NULL for anything else. */
static inline const char *ckpt_value_string(const ckpt_value *value)
{
        return value ? CKPT_API(value)->value_string(value) : NULL;
}

/** A top-level value by its key; NULL when there is none, or no configuration. */
static inline const ckpt_value *ckpt_config_get(const ckpt_config *config, const char *key)
{
        return ckpt_value_get(ckpt_config_root(config), key);
}

/** A top-level whole number, or `fallback` when the key is absent or is another type (2.0 is one). */
static inline int64_t ckpt_config_i64(const ckpt_config *config, const char *key, int64_t fallback)
{
        const ckpt_value *value = ckpt_config_get(config, key);

        return ckpt_value_type(value) == CKPT_VALUE_I64 ? ckpt_value_i64(value) : fallback;
}

/** A top-level boolean, or `fallback` when the key is absent or is another type. */
static inline bool ckpt_config_bool(const ckpt_config *config, const char *key, bool fallback)
{
        const ckpt_value *value = ckpt_config_get(config, key);

        return ckpt_value_type(value) == CKPT_VALUE_BOOL ? ckpt_value_i64(value) != 0 : fallback;
}

/** A top-level string, or `fallback`, which may be NULL, when the key is absent or is another type. */
static inline const char *ckpt_config_string(const ckpt_config *config, const char *key, const char *fallback)
{
        const char *value = ckpt_value_string(ckpt_config_get(config, key));

        return value ? value : fallback;
}

#ifdef __cplusplus
}
#endif

#endif
