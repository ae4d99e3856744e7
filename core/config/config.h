/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_CONFIG_CONFIG_H
#define CKPT_CONFIG_CONFIG_H

/*
 * The configuration tree: built once, read by everybody
 */

#include <ckpt/config.h>

#include "core/base/cleanup.h"
#include "core/base/session.h"

/** A builder with an open, empty top-level object. */
ckpt_status ckpt_config_builder_new(ckpt_session *session, ckpt_config_builder **ret_builder);
ckpt_config_builder *ckpt_config_builder_free(ckpt_config_builder *builder);
CKPT_DEFINE_CLEANUP(ckpt_config_builder *, ckpt_config_builder_free);
/**
 * Ends the building: what the setters could not report is recorded now (out of memory, a container left open,
 * a key in an array), "architecture" must be a non-empty string (architectures[0] serves when only that is
 * there). The builder is used up. The configuration is independent of the session.
 */
ckpt_status ckpt_config_builder_finish(ckpt_config_builder *builder, ckpt_session *session,
                                       ckpt_config **ret_config);
ckpt_config *ckpt_config_free(ckpt_config *config);
/** JSON text straight into the builder (jansson; duplicate keys refused; depth and size capped). */
ckpt_status ckpt_config_builder_add_json(ckpt_diagnostics *diagnostics, ckpt_config_builder *builder,
                                         const char *text, uint64_t size, const char *label);

/* The services of ckpt/config.h, entries of ckpt_api_table: config_api_*.c implements them under these names.
 */
ckpt_status ckpt_config_api_add_json(const ckpt_frame *self, ckpt_config_builder *builder, const char *text,
                                     uint64_t size, const char *label);
void ckpt_config_api_set_null(ckpt_config_builder *builder, const char *key);
void ckpt_config_api_set_bool(ckpt_config_builder *builder, const char *key, int32_t value);
void ckpt_config_api_set_i64(ckpt_config_builder *builder, const char *key, int64_t value);
void ckpt_config_api_set_f64(ckpt_config_builder *builder, const char *key, double value);
void ckpt_config_api_set_string(ckpt_config_builder *builder, const char *key, const char *value);
void ckpt_config_api_set_value(ckpt_config_builder *builder, const char *key, const ckpt_value *value);
void ckpt_config_api_begin_object(ckpt_config_builder *builder, const char *key);
void ckpt_config_api_begin_array(ckpt_config_builder *builder, const char *key);
void ckpt_config_api_end(ckpt_config_builder *builder);
const ckpt_value *ckpt_config_api_builder_root(const ckpt_config_builder *builder);
const ckpt_value *ckpt_config_api_root(const ckpt_config *config);
int32_t ckpt_value_api_type(const ckpt_value *value);
uint32_t ckpt_value_api_count(const ckpt_value *value);
const char *ckpt_value_api_key(const ckpt_value *value, uint32_t index);
const ckpt_value *ckpt_value_api_at(const ckpt_value *value, uint32_t index);
const ckpt_value *ckpt_value_api_get(const ckpt_value *value, const char *key);
int64_t ckpt_value_api_i64(const ckpt_value *value);
double ckpt_value_api_f64(const ckpt_value *value);
const char *ckpt_value_api_string(const ckpt_value *value);

#endif
