/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of refused torch files share. */
#ifndef TEST_HF_TORCH_REFUSING_H
#define TEST_HF_TORCH_REFUSING_H

#include "support/torch_reading.h"

/*
 * The file must be refused for that reason, in words that have `word` among them (or in the name of the
 * tensor that is meant).
 */
void refuse_bytes(const void *bytes, size_t size, const struct hf_torch_options *options,
                  enum hf_reason reason, const char *word);
void refuse_zip(const struct torch_parts *parts, const struct hf_torch_options *options,
                enum hf_reason reason, const char *word);
void refuse_legacy(const struct torch_parts *parts, const struct hf_torch_options *options,
                   enum hf_reason reason, const char *word);

/* The archive must load, and render to the line. */
void accept_zip(const struct torch_parts *parts, const struct hf_torch_options *options,
                const char *expected);

/* Runs the suite as CK_ENV says; for main to return. */
struct Suite;
int run_suite(struct Suite *suite);

/* A row of a table; each is written as an archive and as a legacy file. */
struct refused {
        const char *pickle, *storages;
        enum hf_reason reason;
        const char *word;
};

void refuse_row(const struct refused *row);

#endif
