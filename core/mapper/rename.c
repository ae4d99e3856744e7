/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the checkpoint's names to the model's: params_map, the mapper's rename, then preprocess_weights on the
 * whole dictionary.
 *
 * A new name belongs to one tensor. What the mapper drops, here or by taking it out of the dictionary, is
 * explained by that; account.c looks at the rest.
 */

#include "core/base/cleanup.h"
#include "core/frame/link.h"
#include "core/mapper/loop.h"
#include "core/mapper/params_map.h"

CKPT_DEFINE_CLEANUP(ckpt_params_map *, ckpt_params_map_free);

static void explain(ckpt_loop *loop, uint64_t source, const char *rule)
{
        loop->explained[source] = true;
        ckpt_logger_write(loop->session->logger, CKPT_LOG_DEBUG, "tensor '%s' is left out: %s",
                          ckpt_weights_name(loop->source, source), rule);
}

static ckpt_status fail_collision(ckpt_loop *loop, uint64_t source, uint64_t other)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .tensor = ckpt_weights_name(loop->source, source),
                                  .hint = "change params_map or the mapper's rename, or drop one of the two"};

        return ckpt_session_fail(loop->session, CKPT_E_AMBIGUOUS, &where,
                                 "'%s' and '%s' both get the name '%s'",
                                 ckpt_weights_name(loop->source, other), where.tensor, loop->names[source]);
}

/* The new name of one source in loop->names; NULL when the mapper drops it. */
static ckpt_status rename_source(ckpt_loop *loop, ckpt_params_map *map, uint64_t source)
{
        const char *old = ckpt_weights_name(loop->source, source), *name = NULL;
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = old,
                .hint = "rename it to a name, or let the mapper's rename return NULL to drop it"};
        const ckpt_status r = ckpt_params_map_apply(map, old, &name);

        if (r < 0)
                return r;
        name = ckpt_mapper_api_rename(loop->mapper, name);
        if (!name)
                explain(loop, source, "dropped by the mapper's rename");
        else if (!name[0])
                ckpt_session_fail(loop->session, CKPT_E_INVALID, &where,
                                  "the tensor is renamed to an empty name");
        else
                loop->names[source] = name;
        return CKPT_OK;
}

/* origins[entry] is the source behind an entry of the dictionary. Collisions are recorded, all of them. */
static ckpt_status add_renamed(ckpt_loop *loop, ckpt_weights *dict, uint64_t *origins, uint64_t source)
{
        uint64_t other = 0;
        const uint64_t entry = ckpt_weights_count(dict);
        const ckpt_status r = ckpt_weights_dict_add(dict, loop->names[source],
                                                    ckpt_weights_at(loop->source, source), &other);

        if (r < 0)
                return r;
        if (r == CKPT_ABSENT) {
                fail_collision(loop, source, origins[other]);
                loop->explained[source] = true;
        } else {
                origins[entry] = source;
        }
        return CKPT_OK;
}

/* What was in the dictionary and is in no entry of the mapper's own any more was taken out by the mapper. */
static ckpt_status explain_taken_out(ckpt_loop *loop, const ckpt_weights *before)
{
        _cleanup_(ckpt_freep) bool *marks = NULL;

        if (loop->all == before)
                return CKPT_OK;
        marks = calloc(loop->n_sources ? loop->n_sources : 1, sizeof(*marks));
        if (!marks)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < ckpt_weights_count(loop->all); i++)
                ckpt_tensor_mark_sources(ckpt_weights_at(loop->all, i), marks);
        for (uint64_t i = 0; i < loop->n_sources; i++)
                if (!marks[i] && !loop->explained[i])
                        explain(loop, i, "taken out by the mapper's preprocess_weights");
        return CKPT_OK;
}

static ckpt_status preprocess(ckpt_loop *loop, const ckpt_weights *renamed)
{
        ckpt_status failed;

        loop->all = ckpt_mapper_api_preprocess_weights(loop->mapper, renamed);
        if (loop->all)
                return explain_taken_out(loop, renamed);
        failed = ckpt_diagnostics_first(&loop->session->diagnostics);
        return failed < 0 ? failed
                          : ckpt_session_fail(loop->session, CKPT_E_PLUGIN, NULL,
                                              "the weight mapper's preprocess_weights returned no weights");
}

/* The dictionary under new names, with the sources before `source` in it; none is there while names stay. */
static ckpt_status need_renamed(ckpt_loop *loop, uint64_t source, ckpt_weights **dict, uint64_t **origins)
{
        ckpt_status r;

        if (*dict)
                return CKPT_OK;
        *dict = ckpt_weights_dict_new(&loop->session->scope);
        *origins = calloc(loop->n_sources, sizeof(**origins));
        r = *dict && *origins ? ckpt_weights_dict_reserve(*dict, loop->n_sources) : CKPT_E_NOMEM;
        for (uint64_t i = 0; r == CKPT_OK && i < source; i++)
                r = add_renamed(loop, *dict, *origins, i);
        return r;
}

/* Whether anything could change a name: params_map, or a component of the mapper. */
static bool may_rename(const ckpt_loop *loop)
{
        const ckpt_link *link = ckpt_link_find(loop->mapper, CKPT_KIND_WEIGHT_MAPPER, weight_mapper, rename);

        return loop->options->n_params_map > 0 || !link || link->component;
}

/* Often all names stay all the same, and then the checkpoint's own dictionary is the renamed one. */
static ckpt_status rename_all(ckpt_loop *loop)
{
        _cleanup_(ckpt_params_map_freep) ckpt_params_map *map = NULL;
        _cleanup_(ckpt_freep) uint64_t *origins = NULL;
        ckpt_weights *dict = NULL;
        ckpt_status r = ckpt_params_map_new(loop->session, loop->options->params_map,
                                            loop->options->n_params_map, &map);

        loop->names = calloc(loop->n_sources + 1, sizeof(*loop->names));
        if (r == CKPT_OK && !loop->names)
                r = CKPT_E_NOMEM;
        for (uint64_t i = 0; r == CKPT_OK && i < loop->n_sources; i++) {
                r = rename_source(loop, map, i);
                if (r == CKPT_OK && loop->names[i] != ckpt_weights_name(loop->source, i))
                        r = need_renamed(loop, i, &dict, &origins);
                if (r == CKPT_OK && dict && loop->names[i])
                        r = add_renamed(loop, dict, origins, i);
        }
        return r < 0 ? r : preprocess(loop, dict ? dict : loop->source);
}

ckpt_status ckpt_loop_rename(ckpt_loop *loop)
{
        return may_rename(loop) ? rename_all(loop) : preprocess(loop, loop->source);
}

bool ckpt_loop_is_ignored(const ckpt_loop *loop, const char *name, const ckpt_tensor *tensor)
{
        for (uint64_t i = 0; i < loop->options->n_ignore; i++) {
                const char *pattern = loop->options->ignore[i];

                if (ckpt_pattern_match(pattern, name) ||
                    (tensor->op == &ckpt_op_source && ckpt_pattern_match(pattern, tensor->as.source.name)))
                        return true;
        }
        return false;
}

/* An engine's model may ask for what may otherwise be left over; a derived one does not. */
ckpt_status ckpt_loop_ignore(ckpt_loop *loop)
{
        ckpt_weights *dict;

        loop->weights = loop->all;
        if (!loop->model->derived || loop->options->n_ignore == 0)
                return CKPT_OK;
        dict = ckpt_weights_dict_new(&loop->session->scope);
        if (!dict)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < ckpt_weights_count(loop->all); i++) {
                const char *name = ckpt_weights_name(loop->all, i);
                const ckpt_tensor *tensor = ckpt_weights_at(loop->all, i);
                uint64_t other;

                if (!ckpt_loop_is_ignored(loop, name, tensor) &&
                    ckpt_weights_dict_add(dict, name, tensor, &other) < 0)
                        return CKPT_E_NOMEM;
        }
        loop->weights = dict;
        return CKPT_OK;
}
