/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_PATHS_H
#define CKPT_TEST_PATHS_H

/*
 * The ways to a model, as test cases for a suite
 *
 * Loop tests get a golden's number. One TCase per fixture, so that a failure names it.
 */

#include <check.h>

/** One call, one component at a time, one set of weights for all ranks. paths.c */
void paths_add_files(TCase *tests, int model);
/** No path: configuration as text, weights in memory of the host or the device. paths_memory.c */
void paths_add_memory(TCase *tests, int model);
/** The engine's model, with its own buffers. paths_engine.c */
void paths_add_engine(TCase *tests, int model);
/** One component of the embedder's own. paths_component.c */
void paths_add_component(TCase *tests, int model);
/** Torch files with every dtype in every layout. paths_torch.c */
void paths_add_torch(TCase *tests);
/** What a finished model and its load offer: DLPack, export, callbacks, whole tensors. results.c */
void paths_add_results(TCase *tests);
/** Operations that no fixture has, on larger tensors. synthetic.c */
void paths_add_synthetic(TCase *tests);

/** Everything above, for the program's device. */
Suite *paths_suite(const char *name);

/**
 * Rows of the largest tensor of the synthetic checkpoint: 880 makes 12 MB, 3600 makes 200 MB. Each
 * program defines it.
 */
int64_t paths_synthetic_side(void);

#endif
