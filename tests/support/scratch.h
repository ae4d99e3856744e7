/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

/*
 * A directory of the test's own. There is one at a time; a fixture function makes it and takes it away again.
 */

#include <stddef.h>
#include <stdint.h>

/** Makes the directory. For tcase_add_checked_fixture. */
void scratch_new(void);
/** Removes it with everything in it. */
void scratch_remove(void);
/** Its path. */
const char *scratch_directory(void);
/** The path of a file in it; one of four buffers that take turns. */
const char *scratch_path(const char *name);
/** How many entries it has, hidden ones too. */
unsigned scratch_count(void);

/** Writes a whole file into it. */
void scratch_write(const char *name, const void *bytes, size_t size);
void scratch_write_text(const char *name, const char *text);
/** The whole file, of malloc and with a NUL behind it. */
char *scratch_read(const char *name, size_t *ret_size);

/** The value of a CKPT_TEST_… variable; the test fails without it. */
const char *test_place(const char *variable);

#endif
