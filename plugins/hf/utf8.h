/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bytes are text. */
#ifndef HF_UTF8_H
#define HF_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the sequence at `at`, whose first byte is not ASCII; 0 when it is not one. */
size_t hf_utf8_length(const unsigned char *at, const unsigned char *end);

/* A NUL is valid here. */
bool hf_utf8_is_valid(const char *text, size_t length);

#endif
