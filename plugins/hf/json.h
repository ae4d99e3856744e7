/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict pull tokenizer for JSON (RFC 8259) over a length-counted buffer. It builds no tree and
 * allocates nothing: the caller asks for one token at a time and knows the schema. Everything that
 * parsers are known to disagree about is refused: invalid UTF-8, a byte order mark, control characters,
 * lone surrogates, leading zeros, anything after the value. Integers are exact 64-bit or are said not to
 * be.
 */
#ifndef HF_JSON_H
#define HF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
        HF_JSON_DEPTH_MAX = 64,
        HF_JSON_WORD_MAX = 32
};

enum hf_json_token {
        HF_JSON_ERROR = -1, /* reason and at say what and where; every later call gives it again */
        HF_JSON_END = 0,    /* the value is complete and only whitespace followed */
        HF_JSON_OBJECT,
        HF_JSON_OBJECT_END,
        HF_JSON_ARRAY,
        HF_JSON_ARRAY_END,
        HF_JSON_KEY,    /* text, length, escaped, nul; the colon is already consumed */
        HF_JSON_STRING, /* likewise */
        HF_JSON_NUMBER, /* exact and number, text and length as written */
        HF_JSON_TRUE,
        HF_JSON_FALSE,
        HF_JSON_NULL,
};

enum hf_json_reason {
        HF_JSON_OK = 0,
        HF_JSON_BAD_TRUNCATED,
        HF_JSON_BAD_BOM,
        HF_JSON_BAD_VALUE,
        HF_JSON_BAD_NUMBER,
        HF_JSON_BAD_RANGE,
        HF_JSON_BAD_KEY,
        HF_JSON_BAD_COLON,
        HF_JSON_BAD_SEPARATOR,
        HF_JSON_BAD_UTF8,
        HF_JSON_BAD_CONTROL,
        HF_JSON_BAD_ESCAPE,
        HF_JSON_BAD_SURROGATE,
        HF_JSON_BAD_DEPTH,
        HF_JSON_BAD_TRAILING,
};

struct hf_json {
        const unsigned char *begin, *at, *end;
        const unsigned char *token; /* where the last token began */
        const char *text;           /* of a string: what stands between the quotes, as written */
        size_t length;
        uint64_t number;  /* when exact */
        uint64_t objects; /* bit per open container, innermost lowest: 1 is an object */
        uint32_t depth, max_depth;
        bool escaped; /* text holds escapes: hf_json_unescape() gives its meaning */
        bool nul;     /* text means a string with a NUL in it */
        bool exact;   /* the number is an integer from 0 to 2^64 - 1, with no sign */
        uint8_t expect;
        enum hf_json_reason reason;
};

/* Starts on `length` bytes at `bytes`, which the caller keeps. `max_depth` is 1 … HF_JSON_DEPTH_MAX. */
void hf_json_init(struct hf_json *json, const void *bytes, size_t length, uint32_t max_depth);

/* The next token, in the order of the text. */
enum hf_json_token hf_json_next(struct hf_json *json);

/* Skips one whole value, of which `token` was the first; 0, or -1 on an error (json->reason). */
int hf_json_skip(struct hf_json *json, enum hf_json_token token);

/* Writes the meaning of a string that the tokenizer returned; at most `length` bytes. Returns how many. */
size_t hf_json_unescape(const char *text, size_t length, char *dst);

/* hf_json_is() for a string with escapes. */
bool hf_json_is_escaped(const struct hf_json *json, const char *word, size_t length);

/* Whether the last KEY or STRING means exactly `word` (at most HF_JSON_WORD_MAX bytes). */
static inline bool hf_json_is(const struct hf_json *json, const char *word)
{
        size_t length = strlen(word);

        if (json->escaped)
                return hf_json_is_escaped(json, word, length);
        return json->length == length && memcmp(json->text, word, length) == 0;
}

/* Byte position in the buffer of the last token, or of the error after one. */
size_t hf_json_position(const struct hf_json *json);

/* What a reason means, for people. */
const char *hf_json_reason_text(enum hf_json_reason reason);

/* For json.c alone: scans a string from after its opening quote to after its closing one; 0 or -1. */
int hf_json_scan_string(struct hf_json *json);

/* Likewise a number, from its sign or first digit. */
enum hf_json_token hf_json_scan_number(struct hf_json *json);

/* Refuses the input at `at`; always gives HF_JSON_ERROR. */
enum hf_json_token hf_json_refuse(struct hf_json *json, const unsigned char *at, enum hf_json_reason reason);

#endif
