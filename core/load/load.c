/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making a load, giving it what it shall not make itself, and ending it
 */

#include "core/load/load.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"

ckpt_shared *ckpt_shared_unref(ckpt_shared *shared)
{
        if (!shared || atomic_fetch_sub(&shared->references, 1) != 1)
                return NULL;
        ckpt_config_free(shared->config);
        ckpt_session_deinit(&shared->session);
        ckpt_host_free(shared->host);
        free(shared);
        return NULL;
}

/* What ckpt_host_error says where there is no load to ask. */
static ckpt_status fail_on_host(ckpt_host *host, ckpt_session *session, ckpt_status status)
{
        const ckpt_diagnostic *first =
                session->diagnostics.list.count > 0 ? &session->diagnostics.list.items[0] : NULL;

        return ckpt_host_fail(host, status, "%s", first ? first->text : ckpt_status_name(status));
}

/* Options that nobody initialised would be the defaults in silence. */
static ckpt_status check_options(ckpt_host *host, const ckpt_load_options *options)
{
        if (!options || CKPT_KNOWS(options, mapping))
                return CKPT_OK;
        return ckpt_host_fail(
                host, CKPT_E_INVALID,
                "the load's options say that they are %u bytes long; start from CKPT_LOAD_OPTIONS_INIT",
                options->struct_size);
}

ckpt_status ckpt_load_new(ckpt_host *host, const ckpt_load_options *options, ckpt_load **ret_load)
{
        ckpt_status r = check_options(host, options);
        ckpt_load *load = r ? NULL : calloc(1, sizeof(*load));
        ckpt_shared *shared = r ? NULL : calloc(1, sizeof(*shared));

        if (r)
                return r;
        if (!load || !shared) {
                free(load);
                free(shared);
                return ckpt_host_fail(host, CKPT_E_NOMEM, "out of memory");
        }
        atomic_init(&shared->references, 1);
        shared->host = ckpt_host_ref(host);
        load->shared = shared;
        load->session = &shared->session;
        load->host = host;
        atomic_store(&load->stage, "new");
        r = ckpt_session_init(load->session, &ckpt_api_table, &host->logger, options);
        ckpt_rules_init(&load->rules, load->session);
        if (r == CKPT_OK)
                r = ckpt_load_copy_options(load, options);
        if (r == CKPT_OK && load->options.trace) {
                load->session->trace = ckpt_trace_new();
                r = load->session->trace ? CKPT_OK : CKPT_E_NOMEM;
        }
        if (r) {
                fail_on_host(host, load->session, r);
                ckpt_load_free(load);
                return r;
        }
        *ret_load = load;
        return CKPT_OK;
}

/* Mappers, then weight loader, config loader, checkpoint loader: a component may use those made before it. */
static void free_chains(ckpt_load *load)
{
        if (load->checkpoint_loader)
                ckpt_chain_cleanup(load->checkpoint_loader);
        for (uint64_t i = load->mappers.count; i-- > 0;)
                ckpt_chain_free(load->mappers.items[i]);
        ckpt_array_deinit(&load->mappers);
        ckpt_weights_unref(load->store);
        ckpt_chain_free(load->weight_loader);
        ckpt_chain_free(load->config_loader);
        ckpt_chain_free(load->checkpoint_loader);
}

ckpt_load *ckpt_load_free(ckpt_load *load)
{
        if (!load)
                return NULL;
        if (load->running) {
                ckpt_load_cancel(load);
                ckpt_load_wait(load, NULL);
        }
        ckpt_plan_free(load->plan);
        ckpt_model_unref(load->model);
        free_chains(load);
        ckpt_rules_deinit(&load->rules);
        ckpt_array_deinit(&load->resolution.candidates);
        ckpt_source_unref(load->source);
        ckpt_shared_unref(load->shared);
        free(load);
        return NULL;
}

/* Giving what has been made already would be ignored in silence. */
static ckpt_status check_early(ckpt_load *load, bool made, const char *what)
{
        if (!made)
                return CKPT_OK;
        return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "%s was given after it had been made",
                                 what);
}

ckpt_status ckpt_load_set_path(ckpt_load *load, const char *path)
{
        ckpt_status r = check_early(load, load->source != NULL, "the path");

        if (r == CKPT_OK && !path)
                r = ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                      "no checkpoint was named: the path is NULL");
        if (r)
                return r;
        load->path = ckpt_arena_strdup(&load->session->scope.arena, path);
        return load->path ? CKPT_OK : CKPT_E_NOMEM;
}

ckpt_status ckpt_load_set_config_json(ckpt_load *load, const char *text, uint64_t size)
{
        ckpt_config_builder *builder = NULL;
        ckpt_status r = check_early(load, load->shared->config != NULL, "the configuration");

        if (r == CKPT_OK)
                r = ckpt_config_builder_new(load->session, &builder);
        if (r)
                return r;
        r = ckpt_config_builder_add_json(&load->session->diagnostics, builder, text, size,
                                         "the given configuration");
        if (r) {
                ckpt_config_builder_free(builder);
                return r;
        }
        return ckpt_config_builder_finish(builder, load->session, &load->shared->config);
}

ckpt_status ckpt_load_set_weights(ckpt_load *load, ckpt_weights *weights)
{
        ckpt_status r = check_early(load, load->store != NULL, "weights");

        if (r)
                return r;
        load->store = ckpt_weights_ref(weights);
        return CKPT_OK;
}

ckpt_status ckpt_load_set_model(ckpt_load *load, ckpt_model *model)
{
        ckpt_status r = check_early(load, load->model != NULL, "the model");

        if (r)
                return r;
        load->model = ckpt_model_ref(model);
        return CKPT_OK;
}

ckpt_status ckpt_load_set_arena(ckpt_load *load, void *memory, uint64_t size)
{
        const ckpt_status r = check_early(load, load->done || load->running, "the arena");

        if (r)
                return r;
        if (!load->plan)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                         "the arena was given before the plan that says how large it is");
        if (!memory || (uintptr_t)memory % CKPT_ARENA_ALIGNMENT != 0 || size < load->plan->arena_bytes)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                         "the arena has %llu bytes at %p; the plan wants %llu, aligned to %u",
                                         (unsigned long long)size, memory,
                                         (unsigned long long)load->plan->arena_bytes, CKPT_ARENA_ALIGNMENT);
        load->arena = memory;
        return CKPT_OK;
}

ckpt_status ckpt_load_set_component(ckpt_load *load, const ckpt_component *component, void *data)
{
        ckpt_status r = check_early(load, load->checkpoint_loader != NULL, "a component");

        if (r)
                return r;
        if (!component || component->kind < 0 || component->kind >= CKPT_KIND_COUNT || !component->format ||
            !component->as.weight_mapper)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                         "the given component has no kind or no table");
        load->given[component->kind] = (ckpt_registered){
                .component = component,
                .plugin = "embedder",
                .id = "embedder",
                .data = data,
        };
        return CKPT_OK;
}

ckpt_status ckpt_load_set_weights_option(ckpt_load *load, const char *name, const char *value)
{
        ckpt_arena *arena = &load->session->scope.arena;
        ckpt_status r = check_early(load, load->store != NULL, "an option of the weight loader");
        const char *key;

        if (r == CKPT_OK && (!name || !value))
                r = ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "the option has no %s",
                                      name ? "value" : "name");
        /* The architecture chooses among weight loaders, as it will when they are made for the weights. */
        if (r == CKPT_OK)
                r = ckpt_load_need_config(load);
        if (r == CKPT_OK)
                r = ckpt_load_need_weight_loader(load);
        if (r)
                return r;
        key = ckpt_arena_printf(arena, "weights.%s", name);
        value = ckpt_arena_strdup(arena, value);
        if (!key || !value)
                return CKPT_E_NOMEM;
        return ckpt_chain_declares(load->weight_loader, key)
                       ? ckpt_session_add_setting(load->session, key, value)
                       : CKPT_ABSENT;
}

void ckpt_load_cancel(ckpt_load *load)
{
        atomic_store(&load->session->cancelled, true);
}

bool ckpt_load_is_cancelled(const ckpt_load *load)
{
        return atomic_load(&load->session->cancelled);
}
