/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_ODD_H
#define TESTS_PATHS_ODD_H

/*
 * A checkpoint in which everything lies badly: odd offsets, rows that are gathered and rows that are not,
 * tensors without elements, tensors longer than a slot, two parameters over one range, casts, a transpose,
 * and sources of one parameter whose blocks overlap those of others
 *
 * Every element is a function of its place, and so is what a rank must have; see make_expected.
 */

#include <ckpt/ckpt.h>

/** Writes it into the scratch directory. Its bytes are kept to tell what a load must make of it. */
void odd_make(void);
/** Forgets its bytes. */
void odd_forget(void);

/** A load of it with the mapping of the options: `ret_model` is the engine's model, to be unreferenced. */
ckpt_load *odd_load(ckpt_host *host, const ckpt_load_options *options, ckpt_model **ret_model);
/** Fails, saying `how` it was loaded, unless every parameter is what it must be. */
void odd_expect(const ckpt_model *model, const ckpt_mapping *mapping, const char *how);
/** The same for one parameter's bytes, as a question: for threads that are not the test's own. */
bool odd_is_right(const ckpt_param *param, const void *bytes, const ckpt_mapping *mapping);

#endif
