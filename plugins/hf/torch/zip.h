/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zip archive that torch.save writes, and no other: one disk, one root folder, no encryption, members
 * stored (data.pkl may be deflated). Sizes come from the central directory alone, since torch leaves those of
 * the local headers zero; the local headers must agree in name, method and flags. Names differ, members do
 * not overlap, nothing stands before the first or after the end record: a file that two readers could read
 * differently is refused. PKWARE APPNOTE 6.3.10 is the grammar (sections 4.3 to 4.5).
 */
#ifndef HF_TORCH_ZIP_H
#define HF_TORCH_ZIP_H

#include "../input.h"

enum {
        HF_ZIP_MEMBERS_MAX = 1 << 19,
        HF_ZIP_DIRECTORY_MAX = 64 * 1024 * 1024, /* bytes of the central directory */
        HF_ZIP_NAME_MAX = 1024,
};

enum {
        HF_ZIP_STORED = 0,
        HF_ZIP_DEFLATED = 8
};

struct hf_zip_member {
        struct hf_name name; /* first: hf_names_group walks it; without the root and its slash */
        uint64_t offset;     /* of the data in the file */
        uint64_t packed;     /* bytes in the file */
        uint64_t size;       /* bytes once unpacked; the same when stored */
        uint32_t crc;        /* CRC-32 of the unpacked bytes */
        uint16_t method;     /* HF_ZIP_STORED or HF_ZIP_DEFLATED */
        uint16_t flags;      /* general purpose, of which none changes the bytes */
};

struct hf_zip {
        struct hf_zip_member *members; /* in the order of the central directory */
        size_t n_members;
        struct hf_name root; /* "archive", without its slash */
        char *directory;     /* what the names point into */
};

/* Reads and checks everything but the members' data. 0 or -1, and then there is nothing to free. */
int hf_zip_open(const struct hf_input *input, struct hf_zip *ret_zip, struct hf_error *ret_error);

/* Frees what open made; all zeros are fine. */
void hf_zip_deinit(struct hf_zip *zip);

/* The member of that name below the root ("data.pkl"), or NULL. Linear. */
const struct hf_zip_member *hf_zip_find(const struct hf_zip *zip, const char *name);

/*
 * A member's bytes, unpacked, their CRC checked, in memory that the caller frees. One that has, or says that
 * it has, more than `limit` is HF_BAD_LIMIT: no more than that is ever allocated or unpacked. 0 or -1.
 */
int hf_zip_extract(const struct hf_input *input, const struct hf_zip_member *member, uint64_t limit,
                   char **ret_bytes, uint64_t *ret_size, struct hf_error *ret_error);

/* Reads a stored member piece by piece and compares its CRC. 0 or -1. */
int hf_zip_verify(const struct hf_input *input, const struct hf_zip_member *member,
                  struct hf_error *ret_error);

#endif
