/* SPDX-License-Identifier: Apache-2.0 */
/* Unicode 15.0, table 3-7: well-formed UTF-8 byte sequences. */
#include "utf8.h"

static bool is_tail(const unsigned char *at, size_t length)
{
        while (length-- > 0)
                if ((*at++ & 0xC0) != 0x80)
                        return false;
        return true;
}

size_t hf_utf8_length(const unsigned char *at, const unsigned char *end)
{
        size_t left = (size_t)(end - at);
        unsigned char first = at[0];

        if (first >= 0xC2 && first <= 0xDF)
                return left >= 2 && is_tail(at + 1, 1) ? 2 : 0;
        if (first >= 0xE0 && first <= 0xEF) {
                if (left < 3 || !is_tail(at + 1, 2))
                        return 0;
                /* Overlong forms, and the surrogates U+D800 … U+DFFF. */
                return (first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ? 0 : 3;
        }
        if (first >= 0xF0 && first <= 0xF4) {
                if (left < 4 || !is_tail(at + 1, 3))
                        return 0;
                return (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F) ? 0 : 4;
        }
        return 0;
}

bool hf_utf8_is_valid(const char *text, size_t length)
{
        const unsigned char *at = (const unsigned char *)text, *end = at + length;

        while (at < end) {
                size_t sequence = *at < 0x80 ? 1 : hf_utf8_length(at, end);

                if (sequence == 0)
                        return false;
                at += sequence;
        }
        return true;
}
