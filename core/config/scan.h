/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_CONFIG_SCAN_H
#define CKPT_CONFIG_SCAN_H

/*
 * A look at JSON text ahead of its parser: how deep it nests, and which key an offset belongs to
 */

#include <ckpt/abi.h>

typedef struct ckpt_json_scan {
        uint64_t stopped;       /* where the limit of depth was passed, or `size` */
        uint64_t line, column;  /* of that place, from 1 */
        uint64_t key, key_size; /* the text between the quotes of the last key before it; size 0: none */
} ckpt_json_scan;

/** Looks at text[0, size) until containers nest deeper than `depth`. The text need not be valid JSON. */
ckpt_json_scan ckpt_json_scan_text(const char *text, uint64_t size, uint32_t depth);

#endif
