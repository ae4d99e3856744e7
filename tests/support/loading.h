/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOADING_H
#define TESTS_SUPPORT_LOADING_H

/*
 * Loads in tests: a host with the stock plugins, what a load said, and what it must have made
 */

#include <ckpt/ckpt.h>

/** A host with hf.so and gemma3.so; log lines are kept for log_has. */
ckpt_host *stock_host(void);
/** Whether a log line holds all of these words; ends with NULL. */
bool log_has(const char *word, ...) __attribute__((sentinel));

/** The path of a fixture; a buffer that the next call overwrites. */
const char *fixture_path(const char *name);
/** A load of a path that has been run; *ret_model is left alone when it fails. */
ckpt_load *run_load(ckpt_host *host, const char *path, const ckpt_load_options *options,
                    ckpt_status *ret_status, ckpt_model **ret_model);

/**
 * A diagnostic of that status whose text holds every word; ends with NULL. The test fails without one,
 * and shows all.
 */
void expect_reason(const ckpt_load *load, ckpt_status status, const char *word, ...)
        __attribute__((sentinel));
/** How many diagnostics of failures hold the word. */
unsigned count_reasons(const ckpt_load *load, const char *word);
/** Fails unless the load ended so and, if it failed, gave its reasons. */
void expect_status(const ckpt_load *load, ckpt_status found, ckpt_status wanted);

/** Compares names, dtypes, shapes and digests (computed here) with a fixture's expected/CASE.tsv. */
void expect_golden(const ckpt_model *model, const char *fixture, const char *golden);
/** The same as a question, for threads that are not the test's own. */
bool matches_golden(const ckpt_model *model, const char *fixture, const char *golden);

#endif
