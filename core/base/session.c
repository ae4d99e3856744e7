/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A session copies of the options what rooms look at while a load runs; the rest is the load's own business.
 */

#include "core/base/session.h"

static ckpt_status check_group(ckpt_session *session, const char *name, int32_t size, int32_t rank)
{
        if (size < 1)
                return ckpt_session_fail(session, CKPT_E_INVALID, NULL,
                                         "%s_size is %d; it must be at least 1", name, size);
        if (rank < 0 || rank >= size)
                return ckpt_session_fail(session, CKPT_E_INVALID, NULL,
                                         "%s_rank is %d; with %s_size %d it must be one of 0 to %d", name,
                                         rank, name, size, size - 1);
        return CKPT_OK;
}

static ckpt_status check_mapping(ckpt_session *session, const ckpt_mapping *mapping)
{
        ckpt_status r = check_group(session, "tp", mapping->tp_size, mapping->tp_rank);

        if (r == CKPT_OK)
                r = check_group(session, "pp", mapping->pp_size, mapping->pp_rank);
        if (r == CKPT_OK)
                r = check_group(session, "ep", mapping->ep_size, mapping->ep_rank);
        return r;
}

static ckpt_status copy_settings(ckpt_session *session, const ckpt_pair *settings, uint64_t count)
{
        ckpt_arena *const arena = &session->scope.arena;
        ckpt_pair *copy = ckpt_arena_calloc(arena, count, sizeof(*copy));

        session->setting_used = ckpt_arena_calloc(arena, count, sizeof(*session->setting_used));
        if (!copy || !session->setting_used)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++) {
                if (!settings[i].key || !settings[i].value)
                        return ckpt_session_fail(session, CKPT_E_INVALID, NULL, "setting %llu has no %s",
                                                 (unsigned long long)i, settings[i].key ? "value" : "key");
                copy[i].key = ckpt_arena_strdup(arena, settings[i].key);
                copy[i].value = ckpt_arena_strdup(arena, settings[i].value);
                if (!copy[i].key || !copy[i].value)
                        return CKPT_E_NOMEM;
        }
        session->settings = copy;
        session->n_settings = count;
        return CKPT_OK;
}

/* After a failure the session holds the reason, and ckpt_session_deinit is due as after success. */
ckpt_status ckpt_session_init(ckpt_session *session, const ckpt_api *api, ckpt_logger *logger,
                              const ckpt_load_options *options)
{
        ckpt_status r;

        *session = (ckpt_session){.scope = {.api = api, .arena = CKPT_ARENA_INIT},
                                  .logger = logger,
                                  .mapping = CKPT_MAPPING_INIT};
        ckpt_diagnostics_init(&session->diagnostics);
        session->scope.diagnostics = &session->diagnostics;
        atomic_init(&session->cancelled, false);
        if (!options)
                return CKPT_OK;
        if (CKPT_KNOWS(options, mapping))
                session->mapping = options->mapping;
        session->mapping.struct_size = sizeof(session->mapping);
        session->strict = CKPT_HAS(options, strict);
        r = check_mapping(session, &session->mapping);
        if (r == CKPT_OK && CKPT_HAS(options, n_settings) && options->settings)
                r = copy_settings(session, options->settings, options->n_settings);
        return r;
}

ckpt_status ckpt_session_add_setting(ckpt_session *session, const char *key, const char *value)
{
        const uint64_t count = session->n_settings;
        ckpt_pair *settings = ckpt_arena_calloc(&session->scope.arena, count + 1, sizeof(*settings));
        bool *used = ckpt_arena_calloc(&session->scope.arena, count + 1, sizeof(*used));

        if (!settings || !used)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++) {
                settings[i] = session->settings[i];
                used[i] = session->setting_used[i];
        }
        settings[count] = (ckpt_pair){.key = key, .value = value};
        session->settings = settings;
        session->setting_used = used;
        session->n_settings = count + 1;
        return CKPT_OK;
}

void ckpt_session_deinit(ckpt_session *session)
{
        session->trace = ckpt_trace_free(session->trace);
        ckpt_arena_deinit(&session->scope.arena);
        ckpt_diagnostics_deinit(&session->diagnostics);
}
