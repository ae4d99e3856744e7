/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load loop from outside: its state, its steps, and what its result is
 *
 * A slot may record a fault and return success all the same; so the result is the first fault on the session,
 * whoever recorded it.
 */

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

/* The engine's skip_modules join the rules, marked as its own: no component can overrule them. */
static ckpt_status add_engine_skips(struct ckpt_rules *rules, const ckpt_describe_options *options)
{
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; r == CKPT_OK && i < options->n_skip_modules; i++)
                r = ckpt_array_push(&rules->skips,
                                    (ckpt_rule_skip){options->skip_modules[i], ckpt_rule_engine});
        return r;
}

static void loop_deinit(ckpt_loop *loop)
{
        free(loop->names);
        free(loop->used);
        free(loop->explained);
        ckpt_text_deinit(&loop->name);
}

static ckpt_status need_room(ckpt_loop *loop)
{
        ckpt_arena *const arena = &loop->session->scope.arena;
        uint64_t n = 1;

        for (uint64_t i = 0; i < loop->rules->fuses.count; i++)
                if (loop->rules->fuses.items[i].n_sources > n)
                        n = loop->rules->fuses.items[i].n_sources;
        loop->before = ckpt_arena_calloc(arena, n, sizeof(*loop->before));
        loop->views = ckpt_arena_calloc(arena, n, sizeof(*loop->views));
        loop->values = ckpt_arena_calloc(arena, n, sizeof(*loop->values));
        loop->parts = ckpt_arena_calloc(arena, n, sizeof(*loop->parts));
        return loop->before && loop->views && loop->values && loop->parts ? CKPT_OK : CKPT_E_NOMEM;
}

static ckpt_status loop_init(ckpt_loop *loop)
{
        const uint64_t n = loop->n_sources ? loop->n_sources : 1;

        loop->used = calloc(n, sizeof(*loop->used));
        loop->explained = calloc(n, sizeof(*loop->explained));
        return loop->used && loop->explained ? need_room(loop) : CKPT_E_NOMEM;
}

static ckpt_status prepare_model(ckpt_loop *loop, const ckpt_config *config)
{
        ckpt_status r = CKPT_OK;

        loop->n_layers = ckpt_rules_count_layers(loop->rules, config, loop->weights);
        if (loop->model->derived)
                r = ckpt_loop_derive(loop);
        else
                for (uint64_t i = 0; i < loop->model->params.count; i++)
                        loop->model->params.items[i]->assigned = NULL;
        if (r < 0)
                return r;
        loop->bindings = ckpt_arena_calloc(&loop->session->scope.arena, loop->model->params.count,
                                           sizeof(*loop->bindings));
        return loop->bindings ? CKPT_OK : CKPT_E_NOMEM;
}

static ckpt_status run(ckpt_loop *loop, const ckpt_config *config, uint64_t *ret_unused)
{
        ckpt_status r = loop->rules->status;

        if (r == CKPT_OK)
                r = add_engine_skips(loop->rules, loop->options);
        if (r == CKPT_OK)
                r = loop_init(loop);
        if (r == CKPT_OK)
                r = ckpt_loop_rename(loop);
        if (r == CKPT_OK)
                r = ckpt_loop_ignore(loop);
        if (r == CKPT_OK)
                r = prepare_model(loop, config);
        if (r == CKPT_OK)
                r = ckpt_loop_walk(loop);
        if (r == CKPT_OK)
                r = ckpt_loop_account(loop, ret_unused);
        return r;
}

ckpt_status ckpt_mapper_describe(ckpt_session *session, ckpt_chain *mapper, const ckpt_weights *source,
                                 ckpt_model *model, const ckpt_config *config,
                                 const ckpt_describe_options *options, ckpt_description *ret_description)
{
        _cleanup_(loop_deinit) ckpt_loop loop = {.session = session,
                                                 .chain = mapper,
                                                 .mapper = ckpt_chain_top(mapper),
                                                 .rules = mapper->rules,
                                                 .source = source,
                                                 .n_sources = ckpt_weights_count(source),
                                                 .model = model,
                                                 .options = options};
        uint64_t unused = 0;
        ckpt_status r = run(&loop, config, &unused), first;

        if (r == CKPT_E_CANCELLED)
                return r;
        first = ckpt_diagnostics_first(&session->diagnostics);
        if (first < 0)
                return first;
        if (r < 0)
                return r;
        if (session->scope.out_of_memory)
                return CKPT_E_NOMEM;
        *ret_description = (ckpt_description){loop.bindings, model->params.count, unused};
        return CKPT_OK;
}
