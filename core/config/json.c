/* SPDX-License-Identifier: Apache-2.0 */

/*
 * JSON text into a configuration
 *
 * The grammar is jansson's, which is strict. It nests up to 2048 levels on the stack, so the text's depth is
 * measured before; and it does not say which key an unreadable number belongs to, so that is looked up after.
 */

#include <jansson.h>

#include "core/base/cleanup.h"
#include "core/config/scan.h"
#include "core/config/value.h"

#define SIZE_LIMIT (64u << 20)

ckpt_json_scan ckpt_json_scan_text(const char *text, uint64_t size, uint32_t depth)
{
        ckpt_json_scan scan = {.stopped = size, .line = 1, .column = 1};
        uint64_t string = 0, string_size = 0;
        uint32_t level = 0;
        bool quoted = false;

        for (uint64_t i = 0; i < size; i++) {
                const char c = text[i];

                if (quoted && c == '\\') {
                        i++;
                        scan.column++;
                } else if (c == '"') {
                        quoted = !quoted;
                        if (quoted)
                                string = i + 1;
                        else
                                string_size = i - string;
                } else if (!quoted && c == ':') {
                        scan.key = string;
                        scan.key_size = string_size;
                } else if (!quoted && (c == '{' || c == '[') && ++level > depth) {
                        scan.stopped = i;
                        return scan;
                } else if (!quoted && (c == '}' || c == ']') && level > 0) {
                        level--;
                }
                scan.column = c == '\n' ? 1 : scan.column + 1;
                scan.line += c == '\n';
        }
        return scan;
}

static ckpt_status fail_at(ckpt_diagnostics *diagnostics, ckpt_status status, const char *label, int line,
                           int column, const char *what, const char *key, uint64_t key_size)
{
        const ckpt_where where = {.struct_size = sizeof(where), .object = label};

        if (key_size > 0)
                return ckpt_diagnostics_add(diagnostics, status, NULL, NULL, &where,
                                            "line %d, column %d: key '%.*s': %s", line, column,
                                            (int)(key_size < 256 ? key_size : 256), key, what);
        return ckpt_diagnostics_add(diagnostics, status, NULL, NULL, &where, "line %d, column %d: %s", line,
                                    column, what);
}

static ckpt_status fail_parse(ckpt_diagnostics *diagnostics, const char *text, uint64_t size,
                              const char *label, const json_error_t *error)
{
        const uint64_t position =
                error->position > 0 && (uint64_t)error->position < size ? (uint64_t)error->position : size;
        const ckpt_json_scan scan = ckpt_json_scan_text(text, position, UINT32_MAX);

        switch (json_error_code(error)) {
        case json_error_out_of_memory:
                return CKPT_E_NOMEM;
        case json_error_numeric_overflow:
                return fail_at(diagnostics, CKPT_E_CORRUPT, label, error->line, error->column,
                               "the number does not fit into 64 bits", text + scan.key, scan.key_size);
        default:
                /* It has words for every fault of a text; without them its own memory ran out. */
                if (!error->text[0])
                        return CKPT_E_NOMEM;
                return fail_at(diagnostics, CKPT_E_CORRUPT, label, error->line, error->column, error->text,
                               NULL, 0);
        }
}

static ckpt_status check_size(ckpt_diagnostics *diagnostics, const char *text, uint64_t size,
                              const char *label)
{
        const ckpt_where where = {.struct_size = sizeof(where), .object = label};
        ckpt_json_scan scan;

        if (size > SIZE_LIMIT)
                return ckpt_diagnostics_add(diagnostics, CKPT_E_LIMIT, NULL, NULL, &where,
                                            "%llu bytes are too many for a configuration, the limit is %u",
                                            (unsigned long long)size, SIZE_LIMIT);
        scan = ckpt_json_scan_text(text, size, CKPT_CONFIG_DEPTH_MAX - 1);
        if (scan.stopped == size)
                return CKPT_OK;
        return fail_at(diagnostics, CKPT_E_LIMIT, label, (int)scan.line, (int)scan.column,
                       "nested too deeply", NULL, 0);
}

static ckpt_status convert(ckpt_config *config, const json_t *json, ckpt_value **ret_value);

static ckpt_status convert_items(ckpt_config *config, const json_t *json, ckpt_value *value)
{
        /* jansson's iterators want a json_t that is not const, and leave it as it is. */
        json_t *container = (json_t *)(uintptr_t)json;
        const bool object = json_is_object(json);
        ckpt_status r = CKPT_OK;
        ckpt_value *item;

        if (!object) {
                for (size_t i = 0; r == CKPT_OK && i < json_array_size(json); i++) {
                        r = convert(config, json_array_get(json, i), &item);
                        if (r == CKPT_OK)
                                r = ckpt_value_put(config, value, NULL, item);
                }
                return r;
        }
        for (void *at = json_object_iter(container); r == CKPT_OK && at;
             at = json_object_iter_next(container, at)) {
                r = convert(config, json_object_iter_value(at), &item);
                if (r == CKPT_OK)
                        r = ckpt_value_put(config, value, json_object_iter_key(at), item);
        }
        return r;
}

static ckpt_status convert(ckpt_config *config, const json_t *json, ckpt_value **ret_value)
{
        static const int32_t types[] = {[JSON_OBJECT] = CKPT_VALUE_OBJECT, [JSON_ARRAY] = CKPT_VALUE_ARRAY,
                                        [JSON_STRING] = CKPT_VALUE_STRING, [JSON_INTEGER] = CKPT_VALUE_I64,
                                        [JSON_REAL] = CKPT_VALUE_F64,      [JSON_TRUE] = CKPT_VALUE_BOOL,
                                        [JSON_FALSE] = CKPT_VALUE_BOOL,    [JSON_NULL] = CKPT_VALUE_NULL};
        ckpt_value *value = ckpt_value_new(config, types[json_typeof(json)]);
        ckpt_status r = CKPT_OK;

        if (!value)
                return CKPT_E_NOMEM;
        switch (value->type) {
        case CKPT_VALUE_BOOL:
                value->as.i64 = json_is_true(json);
                break;
        case CKPT_VALUE_I64:
                value->as.i64 = json_integer_value(json);
                break;
        case CKPT_VALUE_F64:
                value->as.f64 = json_real_value(json);
                break;
        case CKPT_VALUE_STRING:
                value->as.string = ckpt_arena_strdup(&config->arena, json_string_value(json));
                r = value->as.string ? CKPT_OK : CKPT_E_NOMEM;
                break;
        default:
                if (ckpt_value_is_container(value))
                        r = convert_items(config, json, value);
        }
        if (r == CKPT_OK)
                *ret_value = value;
        return r;
}

ckpt_status ckpt_config_builder_add_json(ckpt_diagnostics *diagnostics, ckpt_config_builder *builder,
                                         const char *text, uint64_t size, const char *label)
{
        _cleanup_(json_decrefp) json_t *json = NULL;
        const ckpt_where where = {.struct_size = sizeof(where), .object = label};
        json_error_t error;
        ckpt_value *value;
        ckpt_status r = check_size(diagnostics, text, size, label);

        if (r != CKPT_OK)
                return r;
        if (builder->skipped > 0 || builder->open[builder->depth - 1]->type != CKPT_VALUE_OBJECT)
                return ckpt_diagnostics_add(diagnostics, CKPT_E_PLUGIN, NULL, NULL, &where,
                                            "JSON can only be added where an object is open");
        json = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, &error);
        if (!json)
                return fail_parse(diagnostics, text, size, label, &error);
        if (!json_is_object(json))
                return ckpt_diagnostics_add(diagnostics, CKPT_E_CORRUPT, NULL, NULL, &where,
                                            "the outermost value is no object");
        r = convert(builder->config, json, &value);
        for (uint32_t i = 0; r == CKPT_OK && i < value->as.list.count; i++)
                r = ckpt_value_put(builder->config, builder->open[builder->depth - 1], value->as.list.keys[i],
                                   value->as.list.items[i]);
        return r;
}

/* As a component does it: the error goes to the load that the frame serves, in the component's name. */
ckpt_status ckpt_config_api_add_json(const ckpt_frame *self, ckpt_config_builder *builder, const char *text,
                                     uint64_t size, const char *label)
{
        ckpt_diagnostics diagnostics;
        ckpt_status r;

        ckpt_diagnostics_init(&diagnostics);
        r = ckpt_config_builder_add_json(&diagnostics, builder, text, size, label);
        if (r != CKPT_OK && diagnostics.list.count > 0)
                self->api->report(self, r, &(ckpt_where){.struct_size = sizeof(ckpt_where), .object = label},
                                  diagnostics.list.items[0].message);
        ckpt_diagnostics_deinit(&diagnostics);
        return r;
}
