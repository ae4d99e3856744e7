/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TESTS_TEST_CATALOG_H
#define CKPT_TESTS_TEST_CATALOG_H

/*
 * A checkpoint without files: names and shapes, a mapper, and what the load loop makes of them
 *
 * Every tensor is int32 or a float type in memory that is never read; its element at a flat index stands
 * for itself. So catalog_at, a few lines that walk an expression, tells for every element of a parameter
 * which element of which tensor it is, without the planner.
 */

#include <ckpt/plugin.h>

#include "core/config/config.h"
#include "core/mapper/loop.h"

typedef struct catalog {
        ckpt_logger logger;
        char log[8192];
        ckpt_session session;
        ckpt_weights *store;
        ckpt_config *config;
        ckpt_chain *chain;
        struct ckpt_rules rules;
        ckpt_model *model;
        ckpt_describe_options options;
        ckpt_description description;
} catalog;

/** One element of the checkpoint: source is -1 for a zero of padding. */
typedef struct catalog_element {
        int64_t source, index;
} catalog_element;

/** An empty catalogue for this rank; NULL: one rank. */
void catalog_init(catalog *c, const ckpt_mapping *mapping);
void catalog_deinit(catalog *c);
/** "name BF16 4 8" in lines. */
void catalog_add(catalog *c, const char *lines);
void catalog_config(catalog *c, const char *json);
/** An engine's model instead of a derived one: "module param BF16 4 8" in lines. */
void catalog_engine(catalog *c, const char *lines);
/** Runs the loop with these tables, the chosen one first. */
ckpt_status catalog_describe(catalog *c, const ckpt_weight_mapper *const *tables, uint32_t count);

/** Index of a parameter that must be there. */
uint64_t catalog_param(const catalog *c, const char *name);
bool catalog_has(const catalog *c, const char *name);
/** "BF16 [4, 8]" of a parameter's expression, "skipped: RULE", or "nothing". */
const char *catalog_type(catalog *c, const char *name);
/** The expression in words. */
const char *catalog_expression(catalog *c, const char *name);
catalog_element catalog_at(const ckpt_tensor *tensor, const int64_t *coordinates);
/** Names of the model's parameters in their order, with a space between. */
const char *catalog_names(catalog *c);

/** How many reasons there are with this status, parameter, tensor (NULL: any) and words in the text. */
uint64_t catalog_reasons(catalog *c, ckpt_status status, const char *parameter, const char *tensor,
                         const char *words);
uint64_t catalog_reason_count(catalog *c);
/** All reasons, for a failing test to print. */
const char *catalog_text(catalog *c);

#endif
