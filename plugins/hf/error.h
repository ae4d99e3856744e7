/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a parser of this plugin says when it refuses a file: the reason for programs, a message for
 * people.
 */
#ifndef HF_ERROR_H
#define HF_ERROR_H

#include "names.h"

enum hf_reason {
        HF_OK = 0,
        HF_BAD_MEMORY, /* not the file's fault */

        /* The file around the header. */
        HF_BAD_TOO_SMALL,        /* under 8 bytes */
        HF_BAD_GIT_LFS,          /* a Git-LFS pointer in the file's place */
        HF_BAD_HEADER_TOO_LARGE, /* over 100,000,000 bytes */
        HF_BAD_HEADER_PAST_END,
        HF_BAD_DATA_MISSING,  /* the file ends before the last tensor */
        HF_BAD_DATA_TRAILING, /* or goes on after it */

        /* The text. */
        HF_BAD_JSON, /* not JSON: `json` says why */
        HF_BAD_TYPE, /* a value of the wrong kind */
        HF_BAD_FIELD_MISSING,
        HF_BAD_FIELD_DUPLICATE,
        HF_BAD_FIELD_COUNT,
        HF_BAD_METADATA_DUPLICATE, /* __metadata__ twice, or a key twice inside it */
        HF_BAD_NAME_DUPLICATE,
        HF_BAD_NAME_NUL,
        HF_BAD_NAME_LENGTH,
        HF_BAD_TENSOR_COUNT,

        /* One tensor. */
        HF_BAD_DTYPE,
        HF_BAD_RANK,
        HF_BAD_INTEGER,      /* not an integer from 0 to 2^64 - 1 */
        HF_BAD_OFFSET_COUNT, /* data_offsets are not two */
        HF_BAD_OFFSET_ORDER, /* end before begin */
        HF_BAD_SHAPE_OVERFLOW,
        HF_BAD_SUB_BYTE, /* bits of a 4- or 6-bit dtype do not fill bytes */
        HF_BAD_SIZE,     /* the offsets' length is not the shape's */
        HF_BAD_HOLE,
        HF_BAD_OVERLAP,

        /* The index. */
        HF_BAD_FILE_NAME,

        /* A file that is not read from one end to the other. */
        HF_BAD_READ,      /* the system refused, which is reported already */
        HF_BAD_TRUNCATED, /* a range that leaves the file */
        HF_BAD_LIMIT,     /* more of something than is read: a bomb, or too large a file */

        /* The container of a torch file. */
        HF_BAD_CONTAINER, /* another kind of file, which the message names */
        HF_BAD_ZIP,       /* an archive that breaks the rules of zip, or that readers could disagree on */
        HF_BAD_CRC,
        HF_BAD_MEMBER, /* a member that must be there is not, or says what it must not */

        /* Its pickle. */
        HF_BAD_PICKLE,     /* bytes that are no pickle: an argument, the stack or the memo is wrong */
        HF_BAD_OPCODE,     /* an opcode that is not read */
        HF_BAD_GLOBAL,     /* a global that is not allowed: module and name are in the message */
        HF_BAD_CALL,       /* an allowed global, used as it must not be */
        HF_BAD_STORAGE,    /* a storage whose size, dtype or place is not what is said of it */
        HF_BAD_STRIDES,    /* a tensor that leaves its storage, or whose sizes overflow */
        HF_BAD_KIND,       /* a sparse, quantised, nested, meta tensor and the like: the message names it */
        HF_BAD_STATE_DICT, /* there is none, or a choice */
};

struct hf_error {
        enum hf_reason reason;
        enum hf_json_reason json;
        uint64_t offset;   /* byte of the file */
        char tensor[160];  /* printable, empty when no tensor is meant */
        char message[512]; /* one sentence or two, without the file's name */
};

#if defined __GNUC__
#        define HF_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#        define HF_PRINTF(string, first)
#endif

/* Fills *ret_error and returns -1. `name` may be NULL. */
int hf_error_set(struct hf_error *ret_error, enum hf_reason reason, uint64_t offset,
                 const struct hf_name *name, const char *format, ...) HF_PRINTF(5, 6);

/* The same for what the tokenizer refused; `base` is where its buffer stands in the file. */
int hf_error_set_json(struct hf_error *ret_error, const struct hf_json *json, uint64_t base,
                      const struct hf_name *name);

/* The same for memory that is out. */
int hf_error_set_memory(struct hf_error *ret_error);

#endif
