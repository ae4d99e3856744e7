/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TIMELINE_H
#define TESTS_SUPPORT_TIMELINE_H

/*
 * A timeline's file, read as a viewer reads it
 */

#include <jansson.h>

/** The file as JSON; fails the test unless every event has what its phase needs. The caller decrefs it. */
json_t *timeline_read(const char *path);
/** The number of the track of that name, or 0. */
json_int_t timeline_track(const json_t *root, const char *name);
/** Span `index` of that name on a track (0: any track), or NULL. */
const json_t *timeline_span(const json_t *root, json_int_t track, const char *name, size_t index);
/** How many spans a track has (0: all tracks); `name` NULL: of any name. */
size_t timeline_count(const json_t *root, json_int_t track, const char *name);
/** A span's beginning, duration (microseconds) and bytes (0 where they are not said). */
double timeline_start(const json_t *span);
double timeline_duration(const json_t *span);
json_int_t timeline_bytes(const json_t *span);
/** "spans" or "dropped" of "otherData"; fails the test without it. */
json_int_t timeline_total(const json_t *root, const char *key);

#endif
