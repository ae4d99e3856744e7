/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLUGINS_SUPPORT_H
#define TESTS_PLUGINS_SUPPORT_H

/*
 * What the tests of plugins share: a host, a session, plugins made of tables, and copies of built
 * ones
 */

#include "core/host/host.h"

/** A fresh host and session for each test. */
extern ckpt_host *host;
extern ckpt_session session;

/** For tcase_add_checked_fixture; a scratch directory comes with them. */
void plugins_setup(void);
void plugins_teardown(void);

/** Copies a module of tests/bad-plugins ("toy") into the scratch directory, as NAME.so. */
void copy_plugin(const char *module, const char *name);
/** The row of the host for a file's name, or a linked plugin's id; the test fails without one. */
ckpt_plugin_info row_of(const char *name);
/** A row's refusal: status and a part of its words. */
void expect_refused(const char *name, ckpt_status status, const char *words);
void expect_accepted(const char *name);
/** The session has a diagnostic of that status with these words. */
void expect_reason(ckpt_status status, const char *words);
void expect_no_reason(void);
/** A line that was logged by the host holds these words. */
bool was_logged(const char *words);

/** Adds a linked plugin of the given components; everything lives as long as the test. */
ckpt_status add_linked(const char *id, const ckpt_component *const *components, uint32_t count);

#define MAPPER(format_, model_, extends_, table_)                                                          \
        &(const ckpt_component)                                                                            \
        {                                                                                                  \
                .struct_size = sizeof(ckpt_component), .kind = CKPT_KIND_WEIGHT_MAPPER, .format = format_, \
                .model = model_, .extends = extends_,                                                      \
                .as = {.weight_mapper = table_ }                                                           \
        }
#define COMPONENTS(...)                               \
        (const ckpt_component *const[]){__VA_ARGS__}, \
                sizeof((const ckpt_component *const[]){__VA_ARGS__}) / sizeof(ckpt_component *)

#endif
