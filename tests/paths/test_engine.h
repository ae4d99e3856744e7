/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_TEST_ENGINE_H
#define TESTS_PATHS_TEST_ENGINE_H

#include <check.h>

#include "paths/odd.h"

enum {
        ENGINE_CPU,
        ENGINE_CUDA,
        ENGINE_DEVICES
};

#define MILLISECOND 1000000

extern ckpt_load *engine_load;
extern ckpt_model *engine_model;

/** The defaults on one of the devices. */
ckpt_load_options engine_options(int device);
/** A load of the odd checkpoint, not run yet; and its end. */
void engine_begin(const ckpt_load_options *options);
void engine_finish(void);
/** Makes the plan; gives the bytes of its arena. */
uint64_t engine_arena_bytes(void);

/** Being told when a parameter is ready. test_engine_ready.c */
void engine_add_ready(TCase *tests);

#endif
