/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the end record says, which is where the central directory is, and the zip64 record with its locator,
 * which are optional in zip; torch writes them always. Nothing stands between these and the directory.
 */
#include "zip_internal.h"

#include <inttypes.h>

enum {
        WIDE_FIELDS = 44 /* what the zip64 record's size field counts */
};

static const uint32_t locator_signature = UINT32_C(0x07064B50), wide_signature = UINT32_C(0x06064B50);

enum field {
        DISK,
        DIRECTORY_DISK,
        COUNT_HERE,
        COUNT,
        SIZE,
        OFFSET,
        FIELDS
};

/* Where they stand in the end record and in the zip64 record, and of how many bytes. */
static const struct {
        uint8_t at, size, wide_at, wide_size;
} layout[FIELDS] = {
        [DISK] = {4, 2, 16, 4},   [DIRECTORY_DISK] = {6, 2, 20, 4}, [COUNT_HERE] = {8, 2, 24, 8},
        [COUNT] = {10, 2, 32, 8}, [SIZE] = {12, 4, 40, 8},          [OFFSET] = {16, 4, 48, 8},
};

int hf_zip_fail_end(const struct hf_zip_tail *tail, size_t at, const char *problem)
{
        return hf_error_set(tail->error, HF_BAD_ZIP, tail->base + at, NULL,
                            "the archive's end record at byte %" PRIu64
                            " %s; fetch the file again, or save it again with torch.save",
                            tail->base + at, problem);
}

static uint64_t number(const unsigned char *at, unsigned size)
{
        return size == 2 ? hf_le16(at) : size == 4 ? hf_le32(at) : hf_le64(at);
}

/* Takes the fields of the zip64 record; where the end record has more than all ones, it must say the same. */
static bool widen(const unsigned char *record, uint64_t *fields)
{
        int i;

        for (i = 0; i < FIELDS; i++) {
                uint64_t wide = number(record + layout[i].wide_at, layout[i].wide_size);

                if (fields[i] != wide && fields[i] != (layout[i].size == 2 ? UINT16_MAX : UINT32_MAX))
                        return false;
                fields[i] = wide;
        }
        return true;
}

/* Completes *fields with the zip64 record where there is one. *ret_begin is where the end records begin. */
static int complete(const struct hf_zip_tail *tail, size_t end, uint64_t *fields, size_t *ret_begin)
{
        const unsigned char *record, *locator;
        size_t at;

        *ret_begin = end;
        if (end < HF_ZIP_LOCATOR_SIZE ||
            hf_le32(tail->bytes + end - HF_ZIP_LOCATOR_SIZE) != locator_signature)
                return 0;
        locator = tail->bytes + end - HF_ZIP_LOCATOR_SIZE;
        if (hf_le32(locator + 4) != 0 || hf_le32(locator + 16) != 1)
                return hf_zip_fail_end(tail, end, "is of an archive of several disks");
        if (end < HF_ZIP_LOCATOR_SIZE + HF_ZIP_WIDE_END_SIZE)
                return hf_zip_fail_end(tail, end, "has a zip64 locator, but no zip64 record before it");
        at = end - HF_ZIP_LOCATOR_SIZE - HF_ZIP_WIDE_END_SIZE;
        record = tail->bytes + at;
        if (hf_le64(locator + 8) != tail->base + at || hf_le32(record) != wide_signature ||
            hf_le64(record + 4) != WIDE_FIELDS)
                return hf_zip_fail_end(tail, end,
                                       "has a zip64 locator that does not directly follow its zip64 record");
        if (!widen(record, fields))
                return hf_zip_fail_end(tail, end, "and its zip64 record contradict each other");
        *ret_begin = at;
        return 0;
}

static int check_limit(const struct hf_zip_tail *tail, uint64_t offset, const char *what, uint64_t count,
                       int limit)
{
        if (count <= (uint64_t)limit)
                return 0;
        return hf_error_set(tail->error, HF_BAD_LIMIT, offset, NULL,
                            "the archive has %" PRIu64
                            " %s, over the limit of %d; save fewer tensors in a file",
                            count, what, limit);
}

static int check_fields(const struct hf_zip_tail *tail, size_t at, const uint64_t *fields, uint64_t limit)
{
        if (fields[DISK] != 0 || fields[DIRECTORY_DISK] != 0 || fields[COUNT_HERE] != fields[COUNT])
                return hf_zip_fail_end(tail, at, "is of an archive of several disks");
        if (fields[OFFSET] > limit || fields[SIZE] != limit - fields[OFFSET])
                return hf_zip_fail_end(tail, at,
                                       "does not directly follow the central directory that it describes");
        if (check_limit(tail, fields[OFFSET], "bytes of directory", fields[SIZE], HF_ZIP_DIRECTORY_MAX) < 0 ||
            check_limit(tail, fields[OFFSET], "members", fields[COUNT], HF_ZIP_MEMBERS_MAX) < 0)
                return -1;
        if (fields[COUNT] > fields[SIZE] / HF_ZIP_RECORD_SIZE)
                return hf_zip_fail_end(tail, at,
                                       "counts more members than its central directory has room for");
        return fields[COUNT] == 0 ? hf_zip_fail_end(tail, at, "says that it has no members") : 0;
}

int hf_zip_read_end(const struct hf_zip_tail *tail, size_t at, struct hf_zip_end *ret_end)
{
        uint64_t fields[FIELDS];
        size_t begin = 0;
        int i;

        for (i = 0; i < FIELDS; i++)
                fields[i] = number(tail->bytes + at + layout[i].at, layout[i].size);
        if (complete(tail, at, fields, &begin) < 0 || check_fields(tail, at, fields, tail->base + begin) < 0)
                return -1;
        ret_end->offset = fields[OFFSET];
        ret_end->size = fields[SIZE];
        ret_end->count = fields[COUNT];
        return 0;
}
