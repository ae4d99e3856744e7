/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_TEXT_H
#define CKPT_BASE_TEXT_H

/*
 * Strings under construction, and words for people
 *
 * A text grows by appending and remembers whether memory ran short, so that callers check once at the end.
 */

#include <ckpt/abi.h>

typedef struct ckpt_text {
        char *string; /* NUL-terminated; NULL while empty */
        uint64_t length, capacity;
        bool failed;
} ckpt_text;

#define CKPT_TEXT_INIT            \
        {                         \
                NULL, 0, 0, false \
        }

void ckpt_text_deinit(ckpt_text *text);
void ckpt_text_add(ckpt_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ckpt_text_add_bytes(ckpt_text *text, const char *bytes, uint64_t length);
/** A name from outside: control characters, invalid UTF-8, DEL and bidirectional overrides become \x.. or
 * \u….. */
void ckpt_text_add_escaped(ckpt_text *text, const char *name);
/** The string as a JSON string, quotes included. Invalid UTF-8 becomes U+FFFD. */
void ckpt_text_add_json(ckpt_text *text, const char *string);
/** The text, "" when empty or out of memory. */
const char *ckpt_text_get(const ckpt_text *text);

/** Whether a whole dotted name matches a pattern (ckpt/module.h: `*` within a component, `**` any number of
 * them). */
bool ckpt_pattern_match(const char *pattern, const char *name);
/** A pattern whose end was found once, for many names: most are ruled out by it. The string is borrowed. */
typedef struct ckpt_pattern {
        const char *string, *tail;
        uint64_t tail_length;
} ckpt_pattern;

ckpt_pattern ckpt_pattern_of(const char *string);
/** ckpt_pattern_match with a name whose length is known. */
bool ckpt_pattern_match_name(const ckpt_pattern *pattern, const char *name, uint64_t length);
/** As ckpt_pattern_match, or the pattern matches a leading part of the name that ends at a dot: *ret_rest is
 * what follows that dot, or NULL. */
bool ckpt_pattern_match_prefix(const char *pattern, const char *name, const char **ret_rest);
/** Edit distance of two names, cut off at `limit` + 1. */
uint32_t ckpt_text_distance(const char *a, const char *b, uint32_t limit);

#endif
