/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which format a checkpoint is of: every checkpoint loader looks at it
 *
 * A loader that looks at a foreign checkpoint may well stumble; what it records is nobody's error.
 * So each probe runs on a session of its own that is thrown away.
 */

#include <string.h>

#include "core/frame/link.h"
#include "core/host/plugin.h"

/** Where nobody claims a source, it is taken for what nearly all of the field writes. */
#define FORMAT_UNCLAIMED "HF"

typedef struct best {
        const ckpt_registered *loader, *tied;
        int32_t score;
} best;

static ckpt_status call_probe(ckpt_session *session, const ckpt_registered *loader, const ckpt_source *source,
                              int32_t *ret_score)
{
        ckpt_chain *chain;
        const ckpt_status r = ckpt_chain_alloc(session, CKPT_KIND_CHECKPOINT_LOADER, loader, 1, NULL, &chain);

        if (r != CKPT_OK)
                return r;
        *ret_score = loader->component->as.checkpoint_loader->probe(ckpt_chain_top(chain), source);
        ckpt_chain_free(chain);
        return CKPT_OK;
}

static void log_stumble(ckpt_session *session, const ckpt_registered *loader, ckpt_diagnostics *diagnostics)
{
        if (ckpt_diagnostics_count(diagnostics) > 0)
                ckpt_logger_write(session->logger, CKPT_LOG_DEBUG, "%s: while probing: %s", loader->id,
                                  diagnostics->list.items[0].text);
}

/* 0 for an answer outside 0 to 100. */
static ckpt_status ask(ckpt_session *session, const ckpt_registered *loader, const ckpt_source *source,
                       int32_t *ret_score)
{
        ckpt_session scratch;
        ckpt_status r = ckpt_session_init(&scratch, session->scope.api, session->logger, NULL);
        int32_t score = 0;

        if (r == CKPT_OK) {
                scratch.mapping = session->mapping;
                scratch.settings = session->settings;
                scratch.n_settings = session->n_settings;
                r = call_probe(&scratch, loader, source, &score);
                log_stumble(session, loader, &scratch.diagnostics);
        }
        ckpt_session_deinit(&scratch);
        if (score < 0 || score > 100) {
                ckpt_logger_write(session->logger, CKPT_LOG_WARNING,
                                  "%s: its probe answered %d, which is not 0 to 100: ignored", loader->id,
                                  score);
                score = 0;
        }
        *ret_score = score;
        return r;
}

static ckpt_status add_row(ckpt_session *session, ckpt_resolution *resolution, const ckpt_registered *loader,
                           bool asked, int32_t score)
{
        ckpt_candidate row = {.kind = CKPT_KIND_CHECKPOINT_LOADER, .id = loader->id, .order = -1};

        if (!resolution)
                return CKPT_OK;
        row.reason = asked ? ckpt_arena_printf(&session->scope.arena, "its probe answered %d", score)
                           : "it has no probe";
        return row.reason ? ckpt_array_push(&resolution->candidates, row) : CKPT_E_NOMEM;
}

static void compare(best *winner, const ckpt_registered *loader, int32_t score)
{
        if (score > winner->score)
                *winner = (best){.loader = loader, .score = score};
        else if (score > 0 && score == winner->score && !winner->tied)
                winner->tied = loader;
}

static ckpt_status ask_all(ckpt_host *host, ckpt_session *session, const ckpt_source *source,
                           ckpt_resolution *resolution, best *ret_winner)
{
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; r == CKPT_OK && i < host->components.count; i++) {
                const ckpt_registered *const loader = &host->components.items[i];
                int32_t score = 0;
                bool asked;

                if (loader->component->kind != CKPT_KIND_CHECKPOINT_LOADER)
                        continue;
                asked = CKPT_HAS(loader->component->as.checkpoint_loader, probe);
                if (asked)
                        r = ask(session, loader, source, &score);
                if (r == CKPT_OK)
                        r = add_row(session, resolution, loader, asked, score);
                compare(ret_winner, loader, score);
        }
        return r;
}

ckpt_status ckpt_resolve_format(ckpt_host *host, ckpt_session *session, const ckpt_source *source,
                                ckpt_resolution *resolution, const char **ret_format)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .hint = "choose the format, or one of the two checkpoint loaders"};
        best winner = {NULL, NULL, 0};
        const ckpt_status r = ask_all(host, session, source, resolution, &winner);

        if (r != CKPT_OK)
                return r;
        if (winner.tied)
                return ckpt_session_fail(session, CKPT_E_AMBIGUOUS, &where,
                                         "'%s' and '%s' both claim '%s' with %d of 100", winner.loader->id,
                                         winner.tied->id, session->scope.api->source_label(source),
                                         winner.score);
        if (!winner.loader)
                ckpt_logger_write(session->logger, CKPT_LOG_INFO,
                                  "no checkpoint loader claims '%s': it is taken for format %s",
                                  session->scope.api->source_label(source), FORMAT_UNCLAIMED);
        *ret_format = winner.loader ? winner.loader->component->format : FORMAT_UNCLAIMED;
        return CKPT_OK;
}
