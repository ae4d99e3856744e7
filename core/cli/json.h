/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON writer that goes straight to a stream
 *
 * The caller opens and closes containers; the writer puts commas, quotes and escapes. `key` is NULL in an
 * array and for the outermost value. A string that is NULL is written as null.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
        FILE *out;
        bool comma;      /* something stands before the next value in its container */
        bool incomplete; /* a string stands in for one that there was no memory for */
};

void put_begin_object(struct json *json, const char *key);
void put_end_object(struct json *json);
void put_begin_array(struct json *json, const char *key);
void put_end_array(struct json *json);

void put_string(struct json *json, const char *key, const char *value);
void put_u64(struct json *json, const char *key, uint64_t value);
void put_i64(struct json *json, const char *key, int64_t value);
/** The shortest text that reads back as the same number; null for what is no number. */
void put_f64(struct json *json, const char *key, double value);
void put_bool(struct json *json, const char *key, bool value);
void put_null(struct json *json, const char *key);

/** An array of whole numbers. */
void put_shape(struct json *json, const char *key, const int64_t *shape, uint32_t rank);

#endif
