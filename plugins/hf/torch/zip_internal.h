/* SPDX-License-Identifier: Apache-2.0 */
/* What the zip reader's own files share: the sizes of records, and the steps. */
#ifndef HF_TORCH_ZIP_INTERNAL_H
#define HF_TORCH_ZIP_INTERNAL_H

#include "../bytes.h"
#include "zip.h"

enum {
        HF_ZIP_RECORD_SIZE = 46, /* of the central directory, before the name */
        HF_ZIP_LOCAL_SIZE = 30,  /* of a local header, before the name */
        HF_ZIP_END_SIZE = 22,    /* of the end record, before the comment */
        HF_ZIP_LOCATOR_SIZE = 20,
        HF_ZIP_WIDE_END_SIZE = 56, /* of the zip64 record */
};

/* General purpose flags that an archive may have; every other one changes what the bytes mean. */
enum {
        HF_ZIP_FLAG_LEVEL = 3 << 1,    /* how hard deflate tried */
        HF_ZIP_FLAG_STREAMED = 1 << 3, /* sizes and CRC stand behind the data */
        HF_ZIP_FLAG_UTF8 = 1 << 11,
        HF_ZIP_FLAGS = HF_ZIP_FLAG_LEVEL | HF_ZIP_FLAG_STREAMED | HF_ZIP_FLAG_UTF8,
};

/* Where the central directory is, as all end records agree. */
struct hf_zip_end {
        uint64_t offset, size;
        uint64_t count; /* of members */
};

/* The file's last bytes, for the two that read it from its end. */
struct hf_zip_tail {
        const unsigned char *bytes;
        size_t size;
        uint64_t base; /* of bytes[0] in the file */
        struct hf_error *error;
};

/* The fields of a header that are in its zip64 extra where they are all ones. */
struct hf_zip_wide {
        uint64_t size, packed, offset;
        uint32_t disk;
};

/* Finds the end records and checks that they end the file and agree. 0 or -1. */
int hf_zip_find_end(const struct hf_input *input, struct hf_zip_end *ret_end, struct hf_error *ret_error);

/* Reads the end record at `at` of the tail and what belongs to it. 0 or -1. */
int hf_zip_read_end(const struct hf_zip_tail *tail, size_t at, struct hf_zip_end *ret_end);

/* Records what is wrong with the end record there: `problem` is a verb and more. -1. */
int hf_zip_fail_end(const struct hf_zip_tail *tail, size_t at, const char *problem);

/*
 * Makes the members of zip->directory, all of which has been read. Their offsets are those of their local
 * headers still. 0 or -1; zip is to be deinited whatever comes back.
 */
int hf_zip_parse_directory(const struct hf_zip_end *end, struct hf_zip *zip, struct hf_error *ret_error);

/*
 * Reads every local header, compares it with the directory, and checks that the members and what belongs to
 * them fill the file from its first byte to the directory. Makes offsets those of the data. 0 or -1.
 */
int hf_zip_check_members(const struct hf_input *input, const struct hf_zip_end *end, struct hf_zip *zip,
                         struct hf_error *ret_error);

/*
 * What is wrong with a local header of a member whose full name is given, or NULL. `at` has all of it, its
 * extra field too.
 */
const char *hf_zip_local_problem(const struct hf_zip_member *member, const unsigned char *at,
                                 const char *name, size_t name_length);

/* Whether these bytes, which stand behind a member's data, are the data descriptor of that member. */
bool hf_zip_is_descriptor(const struct hf_zip_member *member, const unsigned char *at, size_t size);

/* Walks an extra field and completes *wide with its zip64 part. NULL, or what is wrong with it. */
const char *hf_zip_read_extra(const unsigned char *extra, size_t length, struct hf_zip_wide *wide);

/* The data of a deflated member, whose size has been compared with a limit. 0 or -1. */
int hf_zip_inflate(const struct hf_input *input, const struct hf_zip_member *member, char **ret_bytes,
                   struct hf_error *ret_error);

/*
 * Records what is wrong with a member at this byte of the file: `problem` is a verb and more, with what to do
 * unless the reason is HF_BAD_ZIP. -1.
 */
int hf_zip_fail(const struct hf_name *name, enum hf_reason reason, uint64_t at, const char *problem,
                struct hf_error *ret_error);

#endif
