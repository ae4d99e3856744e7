/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

static void make_room(struct bytes *bytes, size_t more)
{
        if (bytes->room - bytes->size >= more)
                return;
        bytes->room = (bytes->size + more) * 2;
        bytes->at = realloc(bytes->at, bytes->room);
        if (!bytes->at)
                abort();
}

void bytes_add(struct bytes *bytes, const void *more, size_t size)
{
        make_room(bytes, size);
        if (size)
                memcpy(bytes->at + bytes->size, more, size);
        bytes->size += size;
}

void bytes_add_text(struct bytes *bytes, const char *text)
{
        bytes_add(bytes, text, strlen(text));
}

void bytes_add_number(struct bytes *bytes, uint64_t number, unsigned size)
{
        make_room(bytes, size);
        for (; size; size--, number >>= 8)
                bytes->at[bytes->size++] = (unsigned char)number;
}

void bytes_fill(struct bytes *bytes, int byte, size_t count)
{
        make_room(bytes, count);
        if (count)
                memset(bytes->at + bytes->size, byte, count);
        bytes->size += count;
}

void bytes_fit(struct bytes *bytes)
{
        bytes->room = bytes->size ? bytes->size : 1;
        bytes->at = realloc(bytes->at, bytes->room);
        if (!bytes->at)
                abort();
}

void bytes_free(struct bytes *bytes)
{
        free(bytes->at);
        memset(bytes, 0, sizeof(*bytes));
}

uint32_t bytes_crc(const void *bytes, size_t size)
{
        const unsigned char *at = bytes;
        uint32_t table[256], crc = 0xFFFFFFFF;

        for (uint32_t i = 0; i < 256; i++) {
                table[i] = i;
                for (unsigned bit = 0; bit < 8; bit++)
                        table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xEDB88320 : table[i] >> 1;
        }
        for (size_t i = 0; i < size; i++)
                crc = crc >> 8 ^ table[(crc ^ at[i]) & 255];
        return ~crc;
}
