/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stages from the source to the description of every parameter
 */

#include <string.h>

#include "core/base/cleanup.h"
#include "core/load/load.h"

/* A stage that asks between two others whether the user has lost patience. */
static ckpt_status enter_stage(ckpt_load *load, const char *name)
{
        const ckpt_status r = ckpt_session_check(load->session);

        if (r == CKPT_OK)
                atomic_store(&load->stage, name);
        return r;
}

ckpt_status ckpt_load_need_source(ckpt_load *load)
{
        if (load->source)
                return CKPT_OK;
        if (!load->path)
                return ckpt_session_fail(
                        load->session, CKPT_E_INVALID, NULL,
                        "the load has no path, and not everything that it would be read for was given");
        return ckpt_source_open(&load->session->diagnostics, load->path, &load->source);
}

/* A checkpoint loader that the user chose by its id decides the format. */
static ckpt_status format_of_choice(ckpt_load *load, const char **ret_format)
{
        const ckpt_registered *components;
        uint32_t count;
        const ckpt_status r = ckpt_resolve_chain(load->host, load->session, CKPT_KIND_CHECKPOINT_LOADER, NULL,
                                                 NULL, load->options.components[CKPT_KIND_CHECKPOINT_LOADER],
                                                 NULL, NULL, &components, &count);

        if (r == CKPT_OK)
                *ret_format = components[0].component->format;
        return r;
}

static ckpt_status find_format(ckpt_load *load, const char **ret_format)
{
        ckpt_status r;

        *ret_format = load->options.format;
        if (*ret_format)
                return CKPT_OK;
        if (load->given[CKPT_KIND_CHECKPOINT_LOADER].component) {
                *ret_format = load->given[CKPT_KIND_CHECKPOINT_LOADER].component->format;
                return CKPT_OK;
        }
        if (load->options.components[CKPT_KIND_CHECKPOINT_LOADER])
                return format_of_choice(load, ret_format);
        *ret_format = "HF";
        if (!load->path)
                return CKPT_OK;
        r = ckpt_load_need_source(load);
        return r ? r
                 : ckpt_resolve_format(load->host, load->session, load->source, &load->resolution,
                                       ret_format);
}

static ckpt_status need_format(ckpt_load *load)
{
        ckpt_session *session = load->session;
        const char *format = NULL;
        ckpt_status r = session->format ? CKPT_OK : find_format(load, &format);

        if (r || session->format)
                return r;
        session->format = ckpt_arena_strdup(&session->scope.arena, format);
        return session->format ? CKPT_OK : CKPT_E_NOMEM;
}

static ckpt_status make_chain(ckpt_load *load, ckpt_kind kind, const char *format, const char *model,
                              const ckpt_chain_host *host, ckpt_chain **ret_chain)
{
        const ckpt_registered *given = load->given[kind].component ? &load->given[kind] : NULL;
        const bool mapper = kind == CKPT_KIND_WEIGHT_MAPPER;
        const ckpt_registered *components;
        uint32_t count;
        ckpt_status r = ckpt_resolve_chain(load->host, load->session, kind, format, model,
                                           load->options.components[kind], given, &load->resolution,
                                           &components, &count);

        if (r)
                return r;
        return ckpt_chain_new(load->session, kind, components, count, load->shared->config,
                              mapper ? load->weights : NULL, host, ret_chain);
}

/* ---- what a checkpoint loader's NULL slots do ---- */

static ckpt_status default_load_config(void *context, const ckpt_source *source, ckpt_config_builder *builder)
{
        ckpt_load *load = context;

        return ckpt_chain_api_config_loader_load(ckpt_chain_top(load->config_loader), source, builder);
}

static ckpt_status default_load_weights(void *context, const ckpt_source *source,
                                        ckpt_weights_builder *builder)
{
        ckpt_load *load = context;

        return ckpt_chain_api_weight_loader_load(ckpt_chain_top(load->weight_loader), source,
                                                 &load->session->mapping, builder);
}

static ckpt_status default_get_mapper(void *context, const char *format, const char *model,
                                      ckpt_mapper **ret_mapper)
{
        ckpt_load *load = context;
        ckpt_chain *chain = NULL;
        ckpt_status r = make_chain(load, CKPT_KIND_WEIGHT_MAPPER, format ? format : load->session->format,
                                   model ? model : load->session->architecture, NULL, &chain);

        if (r)
                return r;
        r = ckpt_array_push(&load->mappers, chain);
        if (r) {
                ckpt_chain_free(chain);
                return r;
        }
        r = ckpt_mapper_api_init_model_and_config(ckpt_chain_top(chain));
        if (r == CKPT_OK)
                *ret_mapper = ckpt_chain_top(chain);
        return r;
}

ckpt_status ckpt_load_need_checkpoint_loader(ckpt_load *load)
{
        const ckpt_chain_host host = {
                .context = load,
                .load_config = default_load_config,
                .load_weights = default_load_weights,
                .get_mapper = default_get_mapper,
        };
        ckpt_status r = load->checkpoint_loader ? CKPT_OK : need_format(load);

        if (r || load->checkpoint_loader)
                return r;
        return make_chain(load, CKPT_KIND_CHECKPOINT_LOADER, load->session->format, NULL, &host,
                          &load->checkpoint_loader);
}

/* A setting that nobody declared is a mistake; the mapper's can be judged only when there is a mapper. */
static ckpt_status check_settings(ckpt_load *load, bool with_mapper)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .hint = "keys are SLOT.NAME with SLOT one of checkpoint, config, weights, mapper, and a NAME that a chosen "
                        "component declares",
        };
        ckpt_session *session = load->session;
        ckpt_chain *const chains[] = {load->checkpoint_loader, load->config_loader, load->weight_loader,
                                      load->mapper};
        ckpt_status r = CKPT_OK;

        for (uint32_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
                const ckpt_status checked = chains[i] ? ckpt_chain_check_settings(chains[i]) : CKPT_OK;

                r = r ? r : checked;
        }
        for (uint64_t i = 0; i < session->n_settings; i++) {
                const char *key = session->settings[i].key;

                if (session->setting_used[i] ||
                    (!with_mapper && strncmp(key, "mapper.", strlen("mapper.")) == 0))
                        continue;
                r = ckpt_session_fail(session, CKPT_E_INVALID, &where,
                                      "no chosen component has the setting '%s'", key);
        }
        return r;
}

/* ---- stages ---- */

static ckpt_status take_architecture(ckpt_load *load)
{
        ckpt_session *session = load->session;
        const char *architecture = ckpt_config_string(load->shared->config, "architecture", NULL);

        session->architecture = ckpt_arena_strdup(&session->scope.arena, architecture);
        if (architecture && !session->architecture)
                return CKPT_E_NOMEM;
        ckpt_chain_set(load->checkpoint_loader, load->shared->config, NULL, session->architecture);
        if (load->config_loader)
                ckpt_chain_set(load->config_loader, load->shared->config, NULL, session->architecture);
        return CKPT_OK;
}

static ckpt_status make_config(ckpt_load *load)
{
        _cleanup_(ckpt_config_builder_freep) ckpt_config_builder *builder = NULL;
        ckpt_status r = ckpt_load_need_source(load);

        if (r == CKPT_OK && !load->config_loader)
                r = make_chain(load, CKPT_KIND_CONFIG_LOADER, load->session->format, NULL, NULL,
                               &load->config_loader);
        if (r == CKPT_OK)
                r = ckpt_config_builder_new(load->session, &builder);
        if (r == CKPT_OK)
                r = ckpt_chain_api_load_config(ckpt_chain_top(load->checkpoint_loader), load->source,
                                               builder);
        if (r)
                return r;
        return ckpt_config_builder_finish(ckpt_steal(&builder), load->session, &load->shared->config);
}

ckpt_status ckpt_load_need_config(ckpt_load *load)
{
        const ckpt_stage stage = ckpt_load_begin_stage(load);
        ckpt_status r;

        if (load->session->architecture)
                return CKPT_OK;
        r = enter_stage(load, "config");
        if (r == CKPT_OK)
                r = ckpt_load_need_checkpoint_loader(load);
        if (r == CKPT_OK && !load->shared->config)
                r = make_config(load);
        if (r == CKPT_OK)
                r = take_architecture(load);
        ckpt_load_end_stage(load, &stage, "config", &load->stats.config_seconds, 0);
        return r;
}

/* The weight loader belongs to the weights from now on, which may outlive this load: it and the session that
 * it knows. */
static void release_weight_loader(void *context, void *object)
{
        ckpt_chain_free(object);
        ckpt_shared_unref(context);
}

static ckpt_status keep_weight_loader(ckpt_load *load)
{
        ckpt_status r;

        atomic_fetch_add(&load->shared->references, 1);
        r = ckpt_weights_store_keep(load->store, release_weight_loader, load->shared, load->weight_loader);
        if (r) {
                ckpt_shared_unref(load->shared);
                return r;
        }
        load->weight_loader = NULL;
        return CKPT_OK;
}

ckpt_status ckpt_load_need_weight_loader(ckpt_load *load)
{
        const ckpt_status r = load->weight_loader ? CKPT_OK : ckpt_load_need_checkpoint_loader(load);

        if (r || load->weight_loader)
                return r;
        return make_chain(load, CKPT_KIND_WEIGHT_LOADER, load->session->format, load->session->architecture,
                          NULL, &load->weight_loader);
}

static ckpt_status make_weights(ckpt_load *load)
{
        _cleanup_(ckpt_weights_builder_freep) ckpt_weights_builder *builder = NULL;
        ckpt_status r = ckpt_load_need_checkpoint_loader(load);

        if (r == CKPT_OK)
                r = ckpt_load_need_source(load);
        if (r == CKPT_OK)
                r = ckpt_load_need_weight_loader(load);
        if (r == CKPT_OK)
                r = check_settings(load, false);
        if (r == CKPT_OK)
                r = ckpt_weights_builder_new(load->session, load->source, ckpt_chain_top(load->weight_loader),
                                             &builder);
        if (r == CKPT_OK)
                r = ckpt_chain_api_load_weights(ckpt_chain_top(load->checkpoint_loader), load->source,
                                                builder);
        if (r == CKPT_OK)
                r = ckpt_weights_builder_finish(ckpt_steal(&builder), &load->store);
        return r ? r : keep_weight_loader(load);
}

ckpt_status ckpt_load_need_weights(ckpt_load *load)
{
        const ckpt_stage stage = ckpt_load_begin_stage(load);
        ckpt_status r = enter_stage(load, "weights");

        if (load->weights || r)
                return r;
        if (!load->store)
                r = make_weights(load);
        if (r == CKPT_OK) {
                load->weights = ckpt_weights_dict_of_store(&load->session->scope, load->store);
                if (!load->weights)
                        r = CKPT_E_NOMEM;
        }
        ckpt_load_end_stage(load, &stage, "weights", &load->stats.weights_seconds, 0);
        return r;
}

ckpt_status ckpt_load_need_mapper(ckpt_load *load)
{
        ckpt_mapper *top = NULL;
        ckpt_stage stage;
        ckpt_status r;

        if (load->mapper)
                return CKPT_OK;
        r = ckpt_load_need_config(load);
        if (r == CKPT_OK)
                r = ckpt_load_need_weights(load);
        if (r == CKPT_OK)
                r = enter_stage(load, "map");
        if (r)
                return r;
        stage = ckpt_load_begin_stage(load);
        r = ckpt_chain_get_mapper(load->checkpoint_loader, &top);
        if (r == CKPT_OK) {
                load->mapper = ckpt_link_of(top)->chain;
                load->mapper->rules = &load->rules;
                r = check_settings(load, true);
        }
        ckpt_load_end_stage(load, &stage, "map", &load->stats.map_seconds, 0);
        return r;
}

static ckpt_status describe(ckpt_load *load)
{
        const ckpt_describe_options options = {
                .dtype = load->options.dtype,
                .params_map = load->options.params_map,
                .n_params_map = load->options.n_params_map,
                .skip_modules = load->options.skip_modules,
                .n_skip_modules = load->options.n_skip_modules,
                .ignore = load->options.ignore,
                .n_ignore = load->options.n_ignore,
        };
        ckpt_status r = CKPT_OK;

        if (!load->rules_ready) {
                ckpt_chain_map_weights(load->mapper, &load->rules);
                load->rules_ready = true;
        }
        if (!load->model)
                r = ckpt_model_new_derived(&load->model);
        if (r)
                return r;
        r = ckpt_mapper_describe(load->session, load->mapper, load->weights, load->model,
                                 load->shared->config, &options, &load->description);
        if (r)
                return r;
        for (uint64_t i = 0; i < load->model->params.count; i++)
                load->model->params.items[i]->public.skipped = load->description.bindings[i].skipped;
        return CKPT_OK;
}

ckpt_status ckpt_load_need_description(ckpt_load *load)
{
        ckpt_status r = load->described ? load->description_status : ckpt_load_need_mapper(load);
        ckpt_stage stage;

        if (r || load->described)
                return r;
        stage = ckpt_load_begin_stage(load);
        /* A failure is remembered: what is half described cannot be described again. */
        load->description_status = describe(load);
        load->described = true;
        ckpt_load_end_stage(load, &stage, "map", &load->stats.map_seconds, 0);
        return load->description_status;
}
