/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration for people and as JSON
 *
 * For people: a line for each key, objects indented below theirs, arrays as JSON.
 */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/cli/cli.h"
#include "core/cli/table.h"

enum {
        DEPTH_MAX = 64
}; /* of the tree that is followed; parsers stop before */

static void write_json(const ckpt_value *value, struct json *json, const char *key, int depth);

static void write_members(const ckpt_value *value, struct json *json, int depth)
{
        for (uint32_t i = 0; i < ckpt_value_count(value); i++)
                write_json(ckpt_value_at(value, i), json, ckpt_value_key(value, i), depth + 1);
}

static void write_json(const ckpt_value *value, struct json *json, const char *key, int depth)
{
        const int32_t type = depth < DEPTH_MAX ? ckpt_value_type(value) : CKPT_VALUE_NULL;

        if (type == CKPT_VALUE_OBJECT) {
                put_begin_object(json, key);
                write_members(value, json, depth);
                put_end_object(json);
        } else if (type == CKPT_VALUE_ARRAY) {
                put_begin_array(json, key);
                write_members(value, json, depth);
                put_end_array(json);
        } else if (type == CKPT_VALUE_STRING) {
                put_string(json, key, ckpt_value_string(value));
        } else if (type == CKPT_VALUE_BOOL) {
                put_bool(json, key, ckpt_value_i64(value) != 0);
        } else if (type == CKPT_VALUE_I64) {
                put_i64(json, key, ckpt_value_i64(value));
        } else if (type == CKPT_VALUE_F64) {
                put_f64(json, key, ckpt_value_f64(value));
        } else {
                put_null(json, key);
        }
}

void config_json(const ckpt_value *value, struct json *json, const char *key)
{
        write_json(value, json, key, 0);
}

/* One long key shall not push all values off the screen. */
static int key_width(const ckpt_value *object)
{
        size_t width = 0;

        for (uint32_t i = 0; i < ckpt_value_count(object); i++) {
                const size_t length = strlen(ckpt_value_key(object, i));

                width = length > width ? length : width;
        }
        return width < 40 ? (int)width : 40;
}

static void print_object(const ckpt_value *object, FILE *out, int depth)
{
        const int width = key_width(object);

        for (uint32_t i = 0; depth < DEPTH_MAX && i < ckpt_value_count(object); i++) {
                _cleanup_(ckpt_text_deinit) ckpt_text key = CKPT_TEXT_INIT;
                const ckpt_value *value = ckpt_value_at(object, i);
                struct json json = {.out = out};

                ckpt_text_add_escaped(&key, ckpt_value_key(object, i));
                if (ckpt_value_type(value) == CKPT_VALUE_OBJECT && ckpt_value_count(value) > 0) {
                        fprintf(out, "%*s%s\n", 2 * depth, "", ckpt_text_get(&key));
                        print_object(value, out, depth + 1);
                        continue;
                }
                fprintf(out, "%*s%-*s  ", 2 * depth, "", width, ckpt_text_get(&key));
                write_json(value, &json, NULL, depth);
                fputc('\n', out);
        }
}

void config_print(const ckpt_config *config, FILE *out)
{
        print_object(ckpt_config_root(config), out, 1);
}
