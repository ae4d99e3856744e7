/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Growing strings, and names from outside made fit for a terminal, a log and JSON. After the first failed
 * allocation a text ignores what is added and stays marked.
 */

#include "core/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ckpt_text_deinit(ckpt_text *text)
{
        free(text->string);
        *text = (ckpt_text)CKPT_TEXT_INIT;
}

const char *ckpt_text_get(const ckpt_text *text)
{
        return text->string && !text->failed ? text->string : "";
}

/* Room for `more` bytes and a NUL. */
static bool reserve(ckpt_text *text, uint64_t more)
{
        uint64_t need, capacity = text->capacity ? text->capacity : 64;
        char *string;

        if (text->failed)
                return false;
        if (__builtin_add_overflow(text->length, more, &need) || need >= UINT64_MAX / 4)
                return !(text->failed = true);
        if (need < text->capacity)
                return true;
        while (capacity <= need)
                capacity *= 2;
        string = realloc(text->string, (size_t)capacity);
        if (!string)
                return !(text->failed = true);
        text->string = string;
        text->capacity = capacity;
        return true;
}

void ckpt_text_add_bytes(ckpt_text *text, const char *bytes, uint64_t length)
{
        if (!reserve(text, length))
                return;
        memcpy(text->string + text->length, bytes, (size_t)length);
        text->length += length;
        text->string[text->length] = '\0';
}

void ckpt_text_add(ckpt_text *text, const char *format, ...)
{
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (length < 0)
                text->failed = true;
        if (length < 0 || !reserve(text, (uint64_t)length))
                return;
        va_start(arguments, format);
        vsnprintf(text->string + text->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
        text->length += (uint64_t)length;
}

/*
 * One code point of strict UTF-8 (no overlong forms, no surrogates): its length in bytes, or 0 for a byte
 * that begins none. Never looks past the terminating NUL, which is no continuation byte.
 */
static uint32_t decode(const unsigned char *at, uint32_t *ret_point)
{
        static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
        const uint32_t n = *at < 0x80   ? 1
                           : *at < 0xc2 ? 0
                           : *at < 0xe0 ? 2
                           : *at < 0xf0 ? 3
                           : *at < 0xf5 ? 4
                                        : 0;
        uint32_t point = n < 2 ? *at : (uint32_t)*at & (0x7fu >> n);

        for (uint32_t i = 1; i < n; i++) {
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
                point = point << 6 | (at[i] & 0x3fu);
        }
        if (n == 0 || point < least[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
                return 0;
        *ret_point = point;
        return n;
}

/* What could move the cursor, hide or reorder text: controls, line separators, invisible and bidirectional
 * marks. */
static bool unsafe(uint32_t point)
{
        return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
               (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
               (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
               (point >= 0xe0000 && point <= 0xe0fff);
}

void ckpt_text_add_escaped(ckpt_text *text, const char *name)
{
        const unsigned char *at = (const unsigned char *)name;

        while (*at) {
                uint32_t point = 0, n = decode(at, &point);

                if (n == 0 || point < 0x20 || point == 0x7f)
                        ckpt_text_add(text, "\\x%02x", *at);
                else if (unsafe(point))
                        ckpt_text_add(text, point > 0xffff ? "\\U%08x" : "\\u%04x", point);
                else
                        ckpt_text_add_bytes(text, (const char *)at, n);
                at += n ? n : 1;
        }
}

static void add_json_point(ckpt_text *text, const unsigned char *at, uint32_t n, uint32_t point)
{
        if (n == 0)
                ckpt_text_add_bytes(text, "\xef\xbf\xbd", 3);
        else if (point == '"' || point == '\\')
                ckpt_text_add(text, "\\%c", (int)point);
        else if (point == '\n')
                ckpt_text_add_bytes(text, "\\n", 2);
        else if (point == '\t')
                ckpt_text_add_bytes(text, "\\t", 2);
        else if (unsafe(point) && point > 0xffff)
                ckpt_text_add(text, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
                              0xdc00 + (point & 0x3ff));
        else if (unsafe(point))
                ckpt_text_add(text, "\\u%04x", point);
        else
                ckpt_text_add_bytes(text, (const char *)at, n);
}

void ckpt_text_add_json(ckpt_text *text, const char *string)
{
        const unsigned char *at = (const unsigned char *)string;

        ckpt_text_add_bytes(text, "\"", 1);
        while (*at) {
                uint32_t point = 0, n = decode(at, &point);

                add_json_point(text, at, n, point);
                at += n ? n : 1;
        }
        ckpt_text_add_bytes(text, "\"", 1);
}
