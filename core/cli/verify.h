/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing a model with what an earlier `load --json --digest` printed
 *
 * The file is read before the load begins, so that a wrong file costs nothing. Every difference is kept.
 */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include <stdio.h>

#include <ckpt/ckpt.h>

#include "core/base/array.h"
#include "core/base/text.h"
#include "core/cli/json.h"

struct difference {
        char *name;
        char *text;
};

struct json_t;

struct verify {
        struct json_t *expected; /* name to entry; what has been compared is taken out */
        uint64_t compared;
        bool done;
        CKPT_ARRAY(struct difference) differences;
};

/** Reads the digests of a file. On failure *error says why. */
ckpt_status verify_read(struct verify *verify, const char *path, ckpt_text *error);
/** Compares. Differences are no failure of this call, running out of memory is. */
ckpt_status verify_compare(struct verify *verify, const ckpt_model *model);
void verify_deinit(struct verify *verify);

/** XXH3-128 as 32 hexadecimal digits and a NUL. */
void digest_to_hex(const uint8_t *digest, char *ret_hex);

#endif
