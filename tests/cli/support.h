/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of ckpt-host share: fixtures, a directory to write to, and looking into JSON
 */
#ifndef TEST_CLI_SUPPORT_H
#define TEST_CLI_SUPPORT_H

#include <jansson.h>

/** A path below the fixtures. Valid until the next call. */
const char *fixture(const char *name);

/** A new empty directory of the test's own. */
const char *make_directory(void);
/** A name in it; "" is the directory. Valid until the next call. */
const char *in_directory(const char *name);
/** How many files it holds; they are removed. */
unsigned empty_directory(void);
void remove_directory(void);
void write_file(const char *path, const char *text);

/** The string of a member; fails the test when there is none. */
const char *string_of(const json_t *object, const char *key);
/** The first element of a list whose `key` is `value`, or NULL. */
json_t *find(const json_t *list, const char *key, const char *value);

#endif
