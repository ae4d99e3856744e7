/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: the functions are the grammar, and a comma is owed as soon as a value has been written
 *
 * Write errors are not looked at here: the stream remembers them, and main asks it at the end.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"

static void write_string(struct json *json, const char *string)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add_json(&text, string);
        fputs(text.failed ? "\"(out of memory)\"" : ckpt_text_get(&text), json->out);
        json->incomplete = json->incomplete || text.failed;
}

/* Everything that stands before a value. */
static void start(struct json *json, const char *key)
{
        if (json->comma)
                fputs(", ", json->out);
        json->comma = true;
        if (key) {
                write_string(json, key);
                fputs(": ", json->out);
        }
}

void put_begin_object(struct json *json, const char *key)
{
        start(json, key);
        fputc('{', json->out);
        json->comma = false;
}

void put_end_object(struct json *json)
{
        fputc('}', json->out);
        json->comma = true;
}

void put_begin_array(struct json *json, const char *key)
{
        start(json, key);
        fputc('[', json->out);
        json->comma = false;
}

void put_end_array(struct json *json)
{
        fputc(']', json->out);
        json->comma = true;
}

void put_string(struct json *json, const char *key, const char *value)
{
        if (!value) {
                put_null(json, key);
                return;
        }
        start(json, key);
        write_string(json, value);
}

void put_u64(struct json *json, const char *key, uint64_t value)
{
        start(json, key);
        fprintf(json->out, "%" PRIu64, value);
}

void put_i64(struct json *json, const char *key, int64_t value)
{
        start(json, key);
        fprintf(json->out, "%" PRId64, value);
}

void put_f64(struct json *json, const char *key, double value)
{
        char text[64];

        if (!isfinite(value)) {
                put_null(json, key);
                return;
        }
        for (int precision = 15; precision <= 17; precision++) {
                snprintf(text, sizeof(text), "%.*g", precision, value);
                if (strtod(text, NULL) == value)
                        break;
        }
        start(json, key);
        fputs(text, json->out);
        /* What was no whole number where it was read shall not look like one. */
        if (!strpbrk(text, ".e"))
                fputs(".0", json->out);
}

void put_bool(struct json *json, const char *key, bool value)
{
        start(json, key);
        fputs(value ? "true" : "false", json->out);
}

void put_null(struct json *json, const char *key)
{
        start(json, key);
        fputs("null", json->out);
}

void put_shape(struct json *json, const char *key, const int64_t *shape, uint32_t rank)
{
        put_begin_array(json, key);
        for (uint32_t i = 0; i < rank; i++)
                put_i64(json, NULL, shape[i]);
        put_end_array(json);
}
