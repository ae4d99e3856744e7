/* SPDX-License-Identifier: Apache-2.0 */
/* The data of members: as bytes that had to be unpacked or not, or summed where they lie. */
#include "zip_internal.h"

#include <stdlib.h>
#include <zlib.h>

enum {
        PIECE = 256 * 1024 /* read at once */
};

static int fail(const struct hf_zip_member *member, enum hf_reason reason, const char *problem,
                struct hf_error *ret_error)
{
        return hf_zip_fail(&member->name, reason, member->offset, problem, ret_error);
}

static int check_crc(const struct hf_zip_member *member, unsigned long crc, struct hf_error *ret_error)
{
        if (crc == member->crc)
                return 0;
        if (member->crc == 0)
                return fail(member, HF_BAD_CRC,
                            "has no CRC; if torch was told to write none (set_crc32_options), save the file "
                            "again with it",
                            ret_error);
        return fail(member, HF_BAD_CRC, "has other bytes than its CRC is of; fetch the file again",
                    ret_error);
}

int hf_zip_extract(const struct hf_input *input, const struct hf_zip_member *member, uint64_t limit,
                   char **ret_bytes, uint64_t *ret_size, struct hf_error *ret_error)
{
        char *bytes;
        int r;

        if (member->size > limit)
                return fail(member, HF_BAD_LIMIT, "is larger than such a member may be; do not use it",
                            ret_error);
        if (member->method == HF_ZIP_DEFLATED)
                r = hf_zip_inflate(input, member, &bytes, ret_error);
        else
                r = hf_input_take(input, member->offset, member->size, "a member of the archive", &bytes,
                                  ret_error);
        if (r < 0)
                return -1;
        if (check_crc(member, crc32_z(0, (const Bytef *)bytes, (z_size_t)member->size), ret_error) < 0) {
                free(bytes);
                return -1;
        }
        *ret_bytes = bytes;
        *ret_size = member->size;
        return 0;
}

static int sum(const struct hf_input *input, const struct hf_zip_member *member, unsigned char *piece,
               unsigned long *ret_crc, struct hf_error *ret_error)
{
        uint64_t at = 0;

        *ret_crc = 0;
        while (at < member->size) {
                size_t size = member->size - at < PIECE ? (size_t)(member->size - at) : PIECE;

                if (hf_input_read(input, member->offset + at, piece, size, "a member of the archive",
                                  ret_error) < 0)
                        return -1;
                *ret_crc = crc32_z(*ret_crc, piece, size);
                at += size;
        }
        return 0;
}

int hf_zip_verify(const struct hf_input *input, const struct hf_zip_member *member,
                  struct hf_error *ret_error)
{
        unsigned char *piece;
        unsigned long crc;
        int r;

        if (member->method != HF_ZIP_STORED)
                return fail(member, HF_BAD_ZIP, "is deflated where it must not be", ret_error);
        piece = malloc(PIECE);
        if (!piece)
                return hf_error_set_memory(ret_error);
        r = sum(input, member, piece, &crc, ret_error);
        free(piece);
        return r < 0 ? -1 : check_crc(member, crc, ret_error);
}
