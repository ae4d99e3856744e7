/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around the data of a member, compared with the directory. Sizes in local headers may be zero,
 * as torch leaves them, and are in a data descriptor behind the data then.
 */
#include "zip_internal.h"

#include <string.h>

static const uint32_t descriptor_signature = UINT32_C(0x08074B50);

/* With a signature or without; its sizes have 4 bytes or 8. */
bool hf_zip_is_descriptor(const struct hf_zip_member *member, const unsigned char *at, size_t size)
{
        bool wide = size >= 20;

        if (!(member->flags & HF_ZIP_FLAG_STREAMED))
                return false;
        if (size == 16 || size == 24) {
                if (hf_le32(at) != descriptor_signature)
                        return false;
                at += 4;
        } else if (size != 12 && size != 20) {
                return false;
        }
        return hf_le32(at) == member->crc && (wide ? hf_le64(at + 4) : hf_le32(at + 4)) == member->packed &&
               (wide ? hf_le64(at + 12) : hf_le32(at + 8)) == member->size;
}

/* Streamed data have their sizes and CRC behind them; the header's may be zero then. */
static bool agrees(const struct hf_zip_member *member, uint64_t local, uint64_t central)
{
        return local == central || (local == 0 && member->flags & HF_ZIP_FLAG_STREAMED);
}

const char *hf_zip_local_problem(const struct hf_zip_member *member, const unsigned char *at,
                                 const char *name, size_t name_length)
{
        struct hf_zip_wide wide = {.packed = hf_le32(at + 18), .size = hf_le32(at + 22)};
        const char *problem;

        if (hf_le16(at + 6) != member->flags)
                return "has other flags in its local header than in the directory";
        if (hf_le16(at + 8) != member->method)
                return "has another method in its local header than in the directory";
        if (hf_le16(at + 26) != name_length || memcmp(at + HF_ZIP_LOCAL_SIZE, name, name_length) != 0)
                return "has another name in its local header than in the directory";
        problem = hf_zip_read_extra(at + HF_ZIP_LOCAL_SIZE + name_length, hf_le16(at + 28), &wide);
        if (problem)
                return problem;
        if (!agrees(member, wide.packed, member->packed) || !agrees(member, wide.size, member->size))
                return "has another size in its local header than in the directory";
        if (!agrees(member, hf_le32(at + 14), member->crc))
                return "has another CRC in its local header than in the directory";
        return NULL;
}
