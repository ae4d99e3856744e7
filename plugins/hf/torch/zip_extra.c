/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extra fields: pieces of two numbers, identity and length, and that many bytes. Only zip64's matters here;
 * torch's padding ("FB") is one of those that are passed over.
 */
#include "zip_internal.h"

enum {
        PIECE_HEAD = 4,
        ZIP64 = 1
};

/* The next 64-bit number of the piece, for a field that is all ones. */
static bool take_wide(const unsigned char **at, size_t *left, uint64_t *field)
{
        if (*field != UINT32_MAX)
                return true;
        if (*left < 8)
                return false;
        *field = hf_le64(*at);
        *at += 8;
        *left -= 8;
        return true;
}

static bool complete(const unsigned char *at, size_t left, struct hf_zip_wide *wide)
{
        if (!take_wide(&at, &left, &wide->size) || !take_wide(&at, &left, &wide->packed) ||
            !take_wide(&at, &left, &wide->offset))
                return false;
        if (wide->disk != UINT16_MAX)
                return true;
        if (left < 4)
                return false;
        wide->disk = hf_le32(at);
        return true;
}

const char *hf_zip_read_extra(const unsigned char *extra, size_t length, struct hf_zip_wide *wide)
{
        const unsigned char *zip64 = NULL;
        size_t zip64_length = 0, at = 0;

        while (at < length) {
                size_t size;

                if (length - at < PIECE_HEAD)
                        return "has an extra field that is cut short";
                size = hf_le16(extra + at + 2);
                if (size > length - at - PIECE_HEAD)
                        return "has an extra field that is cut short";
                if (hf_le16(extra + at) == ZIP64) {
                        if (zip64)
                                return "has two zip64 fields, of which readers could take either";
                        zip64 = extra + at + PIECE_HEAD;
                        zip64_length = size;
                }
                at += PIECE_HEAD + size;
        }
        return complete(zip64, zip64_length, wide) ? NULL : "leaves a size to a zip64 field that lacks it";
}
