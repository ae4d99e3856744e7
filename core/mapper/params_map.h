/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPER_PARAMS_MAP_H
#define CKPT_MAPPER_PARAMS_MAP_H

/*
 * The engine's renames: regular expressions and their replacements
 *
 * The first pattern that matches at the start of a name is applied to all its occurrences in the name, as
 * re.match and re.sub do it. Replacements are PCRE2's: $1, ${name}, $$ for a dollar sign.
 */

#include "core/base/session.h"

typedef struct ckpt_params_map ckpt_params_map;

/** Compiles the pairs; a bad pattern is recorded with its place. NULL for no pairs. */
ckpt_status ckpt_params_map_new(ckpt_session *session, const ckpt_pair *pairs, uint64_t count,
                                ckpt_params_map **ret_map);
void ckpt_params_map_free(ckpt_params_map *map);
/**
 * The new name, in the session's arena, or `name` itself when nothing matches. A NULL map changes nothing.
 */
ckpt_status ckpt_params_map_apply(ckpt_params_map *map, const char *name, const char **ret_name);

#endif
