/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that came out of a file, and the question every reader has to ask of them: are two of them the
 * same? The answer is found by hashing, and by sorting where the hashes were chosen to collide, so no
 * input makes it quadratic.
 */
#ifndef HF_NAMES_H
#define HF_NAMES_H

#include "arena.h"
#include "json.h"

enum {
        HF_NAME_MAX = 4096
};

/*
 * Length-counted UTF-8 without NUL; text is not terminated. The hash is the text's, or 0 while nobody asked for
 * it: names that stand in order are told apart without.
 */
struct hf_name {
        const char *text;
        uint32_t length;
        uint32_t hash;
};

/*
 * Takes the last KEY or STRING of `json` as a name: a slice of the input, or a piece of `arena` when it
 * has escapes; not hashed. 0, or -1 when memory is out. The caller has checked json->nul and json->length
 * against what it allows.
 */
int hf_name_take(const struct hf_json *json, struct hf_arena *arena, struct hf_name *ret_name);

/* Points a name at a text, which is not copied, and hashes it. */
void hf_name_init(struct hf_name *name, const char *text, size_t length);

/* The hash that goes with a text. */
uint32_t hf_name_hash(const char *text, size_t length);

/* memcmp order, then length: 0 when the names are the same. */
int hf_name_compare(const struct hf_name *a, const struct hf_name *b);

/*
 * Compares `count` names, each the first member of one of the records at `records`, `stride` bytes apart.
 * ret_first, when not NULL, gets for each record the index of the first one with the same name. Returns 0
 * when all differ, 1 when some do not (*ret_duplicate is the first record that repeats an earlier one,
 * and *ret_original that one), -1 when memory is out. With ret_first it does not stop at the first
 * repetition.
 */
int hf_names_group(const void *records, size_t stride, size_t count, uint32_t *ret_first,
                   size_t *ret_duplicate, size_t *ret_original);

/*
 * Writes a name so that it can be printed: bytes outside printable ASCII as \xNN, cut with "..." when it
 * is longer than fits. Always terminated; returns dst.
 */
char *hf_name_print(const char *text, size_t length, char *dst, size_t size);

#endif
