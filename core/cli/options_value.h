/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging values: each is the `apply` of a row, and returns 0, or -1 and what is wrong. A row's offset is
 * that of a member of the type named here, but for those that know their member.
 */
#ifndef CLI_OPTIONS_VALUE_H
#define CLI_OPTIONS_VALUE_H

#include "core/cli/options.h"

/** bool. */
int apply_flag(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** int32_t, as flags that cross the library's boundary are. */
int apply_flag32(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** const char *; not empty. */
int apply_string(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** string_list; not empty, may come again. */
int apply_list(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** pair_list; KEY=VALUE, may come again. */
int apply_pair(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** int32_t; from the row's minimum. */
int apply_number(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** The dtype of the load. */
int apply_dtype(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** The device of the load; only the form is judged. */
int apply_device(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** uint64_t; bytes, with a binary suffix or none, from the row's minimum. */
int apply_size(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** The io of the load. */
int apply_io(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
/** const char *, or no value. */
int apply_verify(struct options *options, const struct option_row *row, char *value, ckpt_text *error);

#endif
