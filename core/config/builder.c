/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Building a configuration. Setters do not fail: the first mistake is remembered, what follows is ignored
 * where it could make things worse, and ckpt_config_builder_finish reports it.
 */

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/config/value.h"

ckpt_status ckpt_config_builder_new(ckpt_session *session, ckpt_config_builder **ret_builder)
{
        ckpt_config_builder *builder = calloc(1, sizeof(*builder));
        ckpt_config *config = calloc(1, sizeof(*config));

        (void)session;
        if (config) {
                config->api = &ckpt_api_table;
                config->root = ckpt_value_new(config, CKPT_VALUE_OBJECT);
        }
        if (!builder || !config || !config->root) {
                ckpt_config_free(config);
                free(builder);
                return CKPT_E_NOMEM;
        }
        builder->api = &ckpt_api_table;
        builder->config = config;
        builder->open[0] = config->root;
        builder->depth = 1;
        *ret_builder = builder;
        return CKPT_OK;
}

ckpt_config_builder *ckpt_config_builder_free(ckpt_config_builder *builder)
{
        if (builder)
                ckpt_config_free(builder->config);
        free(builder);
        return NULL;
}

static void mistake(ckpt_config_builder *builder, const char *what, const char *key)
{
        if (builder->status != CKPT_OK)
                return;
        builder->status = CKPT_E_PLUGIN;
        builder->mistake = what;
        builder->mistaken_key = ckpt_arena_strdup(&builder->config->arena, key);
}

/* Puts a new value into the innermost container; NULL: memory was short when it was made. */
static bool put(ckpt_config_builder *builder, const char *key, ckpt_value *value)
{
        ckpt_value *container = builder->open[builder->depth - 1];
        ckpt_status r;

        if (builder->skipped > 0)
                return false;
        if (container->type == CKPT_VALUE_OBJECT && !key) {
                mistake(builder, "a value without a key was put into an object", NULL);
                return false;
        }
        if (container->type == CKPT_VALUE_ARRAY && key) {
                mistake(builder, "a value with a key was put into an array", key);
                return false;
        }
        r = value ? ckpt_value_put(builder->config, container, key, value) : CKPT_E_NOMEM;
        if (r != CKPT_OK && builder->status == CKPT_OK)
                builder->status = r;
        return r == CKPT_OK;
}

static void put_scalar(ckpt_config_builder *builder, const char *key, const ckpt_value *scalar)
{
        ckpt_value *value = ckpt_value_new(builder->config, scalar->type);

        if (value)
                value->as = scalar->as;
        put(builder, key, value);
}

void ckpt_config_api_set_null(ckpt_config_builder *builder, const char *key)
{
        put_scalar(builder, key, &(ckpt_value){.type = CKPT_VALUE_NULL});
}

void ckpt_config_api_set_bool(ckpt_config_builder *builder, const char *key, int32_t value)
{
        put_scalar(builder, key, &(ckpt_value){.type = CKPT_VALUE_BOOL, .as.i64 = value != 0});
}

void ckpt_config_api_set_i64(ckpt_config_builder *builder, const char *key, int64_t value)
{
        put_scalar(builder, key, &(ckpt_value){.type = CKPT_VALUE_I64, .as.i64 = value});
}

void ckpt_config_api_set_f64(ckpt_config_builder *builder, const char *key, double value)
{
        put_scalar(builder, key, &(ckpt_value){.type = CKPT_VALUE_F64, .as.f64 = value});
}

void ckpt_config_api_set_string(ckpt_config_builder *builder, const char *key, const char *value)
{
        const ckpt_value string = {.type = CKPT_VALUE_STRING,
                                   .as.string = ckpt_arena_strdup(&builder->config->arena, value)};

        if (!value)
                mistake(builder, "NULL was given as a string", key);
        else if (!string.as.string)
                put(builder, key, NULL);
        else
                put_scalar(builder, key, &string);
}

void ckpt_config_api_set_value(ckpt_config_builder *builder, const char *key, const ckpt_value *value)
{
        ckpt_value *copy = NULL;
        ckpt_status r;

        if (!value) {
                mistake(builder, "NULL was given as a value", key);
                return;
        }
        r = ckpt_value_copy(builder->config, value, builder->depth, &copy);
        if (r == CKPT_E_LIMIT)
                mistake(builder, "a value is nested too deeply", key);
        else
                put(builder, key, copy);
}

static void begin(ckpt_config_builder *builder, const char *key, int32_t type)
{
        ckpt_value *container = ckpt_value_new(builder->config, type);

        if (builder->depth >= CKPT_CONFIG_DEPTH_MAX)
                mistake(builder, "containers are nested too deeply", key);
        if (builder->depth >= CKPT_CONFIG_DEPTH_MAX || !put(builder, key, container))
                builder->skipped++; /* and what is put into it is ignored */
        else
                builder->open[builder->depth++] = container;
}

void ckpt_config_api_begin_object(ckpt_config_builder *builder, const char *key)
{
        begin(builder, key, CKPT_VALUE_OBJECT);
}

void ckpt_config_api_begin_array(ckpt_config_builder *builder, const char *key)
{
        begin(builder, key, CKPT_VALUE_ARRAY);
}

void ckpt_config_api_end(ckpt_config_builder *builder)
{
        if (builder->skipped > 0)
                builder->skipped--;
        else if (builder->depth > 1)
                builder->depth--;
        else
                mistake(builder, "a container was closed that was never opened", NULL);
}

const ckpt_value *ckpt_config_api_builder_root(const ckpt_config_builder *builder)
{
        return builder->config->root;
}

static ckpt_status report_mistake(const ckpt_config_builder *builder, ckpt_session *session)
{
        if (builder->status != CKPT_E_PLUGIN)
                return ckpt_session_fail(session, builder->status, NULL,
                                         "the configuration does not fit into memory");
        if (builder->mistaken_key)
                return ckpt_session_fail(session, CKPT_E_PLUGIN, NULL,
                                         "configuration key '%s': %s; the config loader is at fault",
                                         builder->mistaken_key, builder->mistake);
        return ckpt_session_fail(session, CKPT_E_PLUGIN, NULL, "%s; the config loader is at fault",
                                 builder->mistake);
}

/* "architecture" is what components are looked up by; the field's files have a list of which the first
 * counts. */
static ckpt_status settle_architecture(ckpt_config_builder *builder, ckpt_session *session)
{
        const ckpt_value *root = builder->config->root;
        const ckpt_value *name = ckpt_value_api_get(root, "architecture");
        const ckpt_value *list = ckpt_value_api_get(root, "architectures");
        const bool from_list = !name || name->type == CKPT_VALUE_NULL;
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .hint = "add \"architectures\": [\"…\"] to config.json"};

        if (from_list)
                name = list ? ckpt_value_api_at(list, 0) : NULL;
        if (!name)
                return ckpt_session_fail(session, CKPT_E_NOT_FOUND, &where,
                                         "the configuration names no architecture: %s",
                                         "neither 'architecture' nor 'architectures[0]' is there");
        if (name->type != CKPT_VALUE_STRING || !*name->as.string)
                return ckpt_session_fail(session, CKPT_E_CORRUPT, NULL,
                                         "configuration key '%s' must be a name",
                                         from_list ? "architectures[0]" : "architecture");
        if (!from_list)
                return CKPT_OK;
        ckpt_config_api_set_string(builder, "architecture", name->as.string);
        return builder->status == CKPT_OK ? CKPT_OK : report_mistake(builder, session);
}

ckpt_status ckpt_config_builder_finish(ckpt_config_builder *builder, ckpt_session *session,
                                       ckpt_config **ret_config)
{
        _cleanup_(ckpt_config_builder_freep) ckpt_config_builder *used = builder;
        ckpt_status r;

        if (used->depth > 1 || used->skipped > 0)
                mistake(used, "a container was left open", NULL);
        if (used->status != CKPT_OK)
                return report_mistake(used, session);
        r = settle_architecture(used, session);
        if (r == CKPT_OK)
                *ret_config = ckpt_steal(&used->config);
        return r;
}
