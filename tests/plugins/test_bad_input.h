/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLUGINS_TEST_BAD_INPUT_H
#define TESTS_PLUGINS_TEST_BAD_INPUT_H

/*
 * Bad checkpoints through the whole stack: a copy of a fixture is spoilt in one way, and the load
 * must end with the right status and with words that say what is wrong, where, and what to do.
 */

#include <ckpt/ckpt.h>

#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

#define SINGLE "model.safetensors"
#define INDEX  "model.safetensors.index.json"

/** The host, and the last attempt; a fixture function frees them. */
typedef struct bad_input {
        ckpt_host *host;
        ckpt_load *load;
        ckpt_model *model;
        ckpt_status status;
} bad_input;

extern bad_input bad;

/**
 * Loads the scratch directory; NULL options are the defaults. Several attempts in one test are
 * fine.
 */
void attempt(const ckpt_load_options *options);
/** attempt(NULL), and that it failed so. */
void attempt_fails(ckpt_status wanted);
/** A test case whose fixture makes scratch directory and host. */
TCase *bad_input_case(const char *name);

TCase *bad_config_case(void);
TCase *bad_tensors_case(void);
TCase *bad_files_case(void);
TCase *bad_shards_case(void);
TCase *bad_change_case(void);

#endif
