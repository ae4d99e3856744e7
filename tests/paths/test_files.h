/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_TEST_FILES_H
#define TESTS_PATHS_TEST_FILES_H

#include <check.h>

#include "paths/asked.h"

enum {
        FILES_DEVICES = 2
};

/** "cpu" and the fake "cuda:0". */
extern const char *const files_devices[FILES_DEVICES];
/** The host of the test that runs. */
extern ckpt_host *files_host;

/** A parameter's bytes, of malloc. */
void *files_read(const ckpt_model *model, const char *name);

/** Torch files: views, both byte orders, both containers. test_files_torch.c */
void files_add_torch(TCase *tests);

#endif
