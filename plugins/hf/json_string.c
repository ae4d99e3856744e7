/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON strings. The scan checks everything once (quotes, control characters, UTF-8, escapes, surrogates),
 * so that unescaping afterwards cannot fail. Plain ASCII, which is nearly all there is, goes eight bytes
 * at a time.
 */
#include "json.h"
#include "utf8.h"

#include <string.h>

#define EVERY_BYTE(x) ((uint64_t)(x)*UINT64_C(0x0101010101010101))

/*
 * The high bit of each of eight bytes that is below 0x20, a quote, a backslash, or not ASCII; exact at
 * the lowest.
 */
static inline uint64_t needs_care(uint64_t word)
{
        uint64_t quote = word ^ EVERY_BYTE('"'), slash = word ^ EVERY_BYTE('\\');

        /*
         * A byte's high bit in x - n is a borrow when that byte was below n; ~x drops bytes that began
         * high.
         */
        return (((word - EVERY_BYTE(0x20)) & ~word) | ((quote - EVERY_BYTE(1)) & ~quote) |
                ((slash - EVERY_BYTE(1)) & ~slash) | word) &
               EVERY_BYTE(0x80);
}

/* First byte lowest whatever the machine; compilers make one load of it. */
static inline uint64_t load_le64(const unsigned char *at)
{
        return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
               (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

/* Index of the lowest byte whose high bit is set in `mask`: a shift by 8 i brings i into the top byte. */
static inline unsigned lowest_byte(uint64_t mask)
{
        return (unsigned)(((mask & (~mask + 1)) >> 7) * UINT64_C(0x0001020304050607) >> 56);
}

static inline const unsigned char *skip_plain(const unsigned char *at, const unsigned char *end)
{
        while (end - at >= 8) {
                uint64_t mask = needs_care(load_le64(at));

                if (mask)
                        return at + lowest_byte(mask);
                at += 8;
        }
        while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
                at++;
        return at;
}

static int hex_value(unsigned char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at `at` as a code unit, or -1. */
static int32_t code_unit(const unsigned char *at, const unsigned char *end)
{
        int32_t unit = 0;
        int i;

        if (end - at < 4)
                return -1;
        for (i = 0; i < 4; i++) {
                int digit = hex_value(at[i]);

                if (digit < 0)
                        return -1;
                unit = unit << 4 | digit;
        }
        return unit;
}

static bool is_high_surrogate(int32_t unit)
{
        return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int32_t unit)
{
        return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* A \u escape, `at` on its backslash; after it (after both of a pair), or NULL. */
static const unsigned char *check_unicode(struct hf_json *json, const unsigned char *at)
{
        int32_t unit = code_unit(at + 2, json->end);

        if (unit < 0) {
                hf_json_refuse(json, json->end - at < 6 ? json->end : at, HF_JSON_BAD_ESCAPE);
                return NULL;
        }
        json->nul |= unit == 0;
        if (is_high_surrogate(unit)) {
                const unsigned char *low = at + 6;

                if (json->end - low < 2 || low[0] != '\\' || low[1] != 'u' ||
                    !is_low_surrogate(code_unit(low + 2, json->end))) {
                        hf_json_refuse(json, at, HF_JSON_BAD_SURROGATE);
                        return NULL;
                }
                return low + 6;
        }
        if (is_low_surrogate(unit)) {
                hf_json_refuse(json, at, HF_JSON_BAD_SURROGATE);
                return NULL;
        }
        return at + 6;
}

/* What is not a plain character and not the closing quote; after it, or NULL when it is refused. */
static const unsigned char *check_special(struct hf_json *json, const unsigned char *at)
{
        size_t length;

        if (*at < 0x20) {
                hf_json_refuse(json, at, HF_JSON_BAD_CONTROL);
                return NULL;
        }
        if (*at != '\\') {
                length = hf_utf8_length(at, json->end);
                if (length == 0)
                        hf_json_refuse(json, at, HF_JSON_BAD_UTF8);
                return length ? at + length : NULL;
        }

        json->escaped = true;
        if (json->end - at < 2) {
                hf_json_refuse(json, json->end, HF_JSON_BAD_TRUNCATED);
                return NULL;
        }
        if (at[1] == 'u')
                return check_unicode(json, at);
        if (at[1] == 0 || !strchr("\"\\/bfnrt", at[1])) {
                hf_json_refuse(json, at, HF_JSON_BAD_ESCAPE);
                return NULL;
        }
        return at + 2;
}

int hf_json_scan_string(struct hf_json *json)
{
        const unsigned char *at = json->at;

        json->text = (const char *)at;
        json->escaped = json->nul = false;
        for (;;) {
                at = skip_plain(at, json->end);
                if (at >= json->end) {
                        hf_json_refuse(json, at, HF_JSON_BAD_TRUNCATED);
                        return -1;
                }
                if (*at == '"')
                        break;
                at = check_special(json, at);
                if (!at)
                        return -1;
        }
        json->length = (size_t)(at - (const unsigned char *)json->text);
        json->at = at + 1;
        return 0;
}

static size_t put_utf8(uint32_t code, char *dst)
{
        if (code < 0x80) {
                dst[0] = (char)code;
                return 1;
        }
        if (code < 0x800) {
                dst[0] = (char)(0xC0 | code >> 6);
                dst[1] = (char)(0x80 | (code & 0x3F));
                return 2;
        }
        if (code < 0x10000) {
                dst[0] = (char)(0xE0 | code >> 12);
                dst[1] = (char)(0x80 | (code >> 6 & 0x3F));
                dst[2] = (char)(0x80 | (code & 0x3F));
                return 3;
        }
        dst[0] = (char)(0xF0 | code >> 18);
        dst[1] = (char)(0x80 | (code >> 12 & 0x3F));
        dst[2] = (char)(0x80 | (code >> 6 & 0x3F));
        dst[3] = (char)(0x80 | (code & 0x3F));
        return 4;
}

/*
 * One escape, `at` on its backslash; advances *dst and returns what follows. The scan has checked it all.
 */
static const unsigned char *put_escape(const unsigned char *at, const unsigned char *end, char **dst)
{
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        int32_t unit;
        uint32_t code;

        if (at[1] != 'u') {
                *(*dst)++ = to[strchr(from, at[1]) - from];
                return at + 2;
        }
        unit = code_unit(at + 2, end);
        code = (uint32_t)unit;
        at += 6;
        if (is_high_surrogate(unit)) {
                code = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) +
                       (uint32_t)(code_unit(at + 2, end) - 0xDC00);
                at += 6;
        }
        *dst += put_utf8(code, *dst);
        return at;
}

size_t hf_json_unescape(const char *text, size_t length, char *dst)
{
        const unsigned char *at = (const unsigned char *)text, *end = at + length;
        char *begin = dst;

        while (at < end) {
                if (*at == '\\')
                        at = put_escape(at, end, &dst);
                else
                        *dst++ = (char)*at++;
        }
        return (size_t)(dst - begin);
}

bool hf_json_is_escaped(const struct hf_json *json, const char *word, size_t length)
{
        /* The longest way to write a byte is \u00XX, six bytes. */
        char plain[HF_JSON_WORD_MAX * 6];

        return json->length <= sizeof plain && hf_json_unescape(json->text, json->length, plain) == length &&
               memcmp(plain, word, length) == 0;
}
