/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline.h"

#include <stdbool.h>
#include <string.h>

#include <check.h>

static bool is_phase(const json_t *event, const char *phase)
{
        const char *found = json_string_value(json_object_get(event, "ph"));

        return found && strcmp(found, phase) == 0;
}

static bool is_track(const json_t *event, json_int_t track)
{
        return track == 0 || json_integer_value(json_object_get(event, "tid")) == track;
}

static bool is_named(const json_t *event, const char *name)
{
        return !name || strcmp(json_string_value(json_object_get(event, "name")), name) == 0;
}

static void check_event(const json_t *event)
{
        ck_assert(json_is_string(json_object_get(event, "name")));
        ck_assert(json_is_integer(json_object_get(event, "pid")));
        ck_assert(json_is_integer(json_object_get(event, "tid")));
        if (is_phase(event, "M")) {
                ck_assert_uint_eq(json_object_size(json_object_get(event, "args")), 1);
                return;
        }
        ck_assert(is_phase(event, "X"));
        ck_assert(json_is_number(json_object_get(event, "ts")));
        ck_assert(json_is_number(json_object_get(event, "dur")));
        ck_assert(json_number_value(json_object_get(event, "ts")) >= 0);
        ck_assert(json_number_value(json_object_get(event, "dur")) >= 0);
}

json_t *timeline_read(const char *path)
{
        json_error_t error;
        json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *event;
        size_t i;

        ck_assert_msg(root != NULL, "%s, line %d: %s", path, error.line, error.text);
        ck_assert(json_is_array(json_object_get(root, "traceEvents")));
        json_array_foreach(json_object_get(root, "traceEvents"), i, event)
        {
                check_event(event);
        }
        ck_assert_uint_eq((size_t)timeline_total(root, "spans"), timeline_count(root, 0, NULL));
        return root;
}

json_int_t timeline_track(const json_t *root, const char *name)
{
        const json_t *event;
        size_t i;

        json_array_foreach(json_object_get(root, "traceEvents"), i, event)
        {
                const char *found =
                        json_string_value(json_object_get(json_object_get(event, "args"), "name"));

                if (is_phase(event, "M") && is_named(event, "thread_name") && strcmp(found, name) == 0)
                        return json_integer_value(json_object_get(event, "tid"));
        }
        return 0;
}

const json_t *timeline_span(const json_t *root, json_int_t track, const char *name, size_t index)
{
        const json_t *event;
        size_t i;

        json_array_foreach(json_object_get(root, "traceEvents"), i, event)
        {
                if (is_phase(event, "X") && is_track(event, track) && is_named(event, name) && index-- == 0)
                        return event;
        }
        return NULL;
}

size_t timeline_count(const json_t *root, json_int_t track, const char *name)
{
        const json_t *event;
        size_t i, n = 0;

        json_array_foreach(json_object_get(root, "traceEvents"), i, event)
        {
                n += is_phase(event, "X") && is_track(event, track) && is_named(event, name);
        }
        return n;
}

double timeline_start(const json_t *span)
{
        return json_number_value(json_object_get(span, "ts"));
}

double timeline_duration(const json_t *span)
{
        return json_number_value(json_object_get(span, "dur"));
}

json_int_t timeline_bytes(const json_t *span)
{
        return json_integer_value(json_object_get(json_object_get(span, "args"), "bytes"));
}

json_int_t timeline_total(const json_t *root, const char *key)
{
        const json_t *total = json_object_get(json_object_get(root, "otherData"), key);

        ck_assert_msg(json_is_integer(total), "'%s' is not there", key);
        return json_integer_value(total);
}
