/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Why a component serves a load, or why it does not, in words
 */

#include <string.h>

#include "core/host/walk.h"

bool ckpt_walk_has_format(const ckpt_walk *w, const char *format)
{
        for (uint32_t i = 0; i < w->n_formats; i++) {
                if (strcmp(w->formats[i], format) == 0)
                        return true;
        }
        return false;
}

static bool is_on_chain(const ckpt_walk *w, const ckpt_component *component)
{
        for (uint32_t i = 0; i < w->count; i++) {
                if (w->chain[i].component == component)
                        return true;
        }
        return false;
}

static const char *reason_won(const ckpt_walk *w, const ckpt_component *c, int32_t order)
{
        ckpt_arena *const arena = &w->session->scope.arena;

        if (order == 0 && w->given)
                return "given by the embedder";
        if (order == 0 && w->forced)
                return ckpt_arena_printf(arena, "asked for as '%s'", w->forced);
        if (c->model)
                return ckpt_arena_printf(arena, "made for %s in format %s", c->model, c->format);
        if (w->n_formats > 0 && strcmp(c->format, w->formats[0]) != 0)
                return ckpt_arena_printf(arena, "the default of format %s, which format %s extends",
                                         c->format, w->formats[0]);
        return ckpt_arena_printf(arena, "the default of format %s", c->format);
}

static const char *reason_lost(const ckpt_walk *w, const ckpt_component *c)
{
        ckpt_arena *const arena = &w->session->scope.arena;

        if (!ckpt_walk_has_format(w, c->format) && !ckpt_string_equal(c->format, w->format))
                return ckpt_arena_printf(arena, "other format: %s, and %s does not extend it", c->format,
                                         w->format ? w->format : "the load");
        if (c->model && !w->model)
                return ckpt_arena_printf(arena, "other model: only for %s", c->model);
        if (c->model && strcmp(c->model, w->model) != 0)
                return ckpt_arena_printf(arena, "other model: only for %s, not for %s", c->model, w->model);
        if (w->given)
                return "not the one that the embedder gave";
        if (w->forced)
                return ckpt_arena_printf(arena, "not the one that was asked for ('%s')", w->forced);
        return "not on the chain";
}

/* Takes out a row that is there: probing made it, or an earlier look-up. Gives its reason, or NULL. */
static const char *take_row(ckpt_resolution *resolution, ckpt_kind kind, const char *id)
{
        ckpt_candidate *const rows = resolution->candidates.items;

        for (uint64_t i = 0; i < resolution->candidates.count; i++) {
                const char *const reason = rows[i].reason;

                if (rows[i].kind != kind || strcmp(rows[i].id, id) != 0)
                        continue;
                resolution->candidates.count--;
                memmove(&rows[i], &rows[i + 1], (resolution->candidates.count - i) * sizeof(*rows));
                return reason;
        }
        return NULL;
}

/* What a loader answered when it was probed is kept beside what became of it. */
static ckpt_status add_row(const ckpt_walk *w, ckpt_resolution *resolution, const char *id, int32_t order,
                           const char *reason)
{
        const char *const before = take_row(resolution, w->kind, id);
        ckpt_candidate row = {
                .kind = w->kind, .id = id, .chosen = order >= 0, .order = order, .reason = reason};

        if (!reason)
                return CKPT_E_NOMEM;
        if (before && w->kind == CKPT_KIND_CHECKPOINT_LOADER)
                row.reason = ckpt_arena_printf(&w->session->scope.arena, "%s; %s", reason, before);
        return row.reason ? ckpt_array_push(&resolution->candidates, row) : CKPT_E_NOMEM;
}

bool ckpt_walk_has_end(ckpt_kind kind)
{
        return kind == CKPT_KIND_CHECKPOINT_LOADER || kind == CKPT_KIND_WEIGHT_MAPPER;
}

/* The chain in its order, then those that lost in the order of their registration. */
ckpt_status ckpt_walk_explain(const ckpt_walk *w, ckpt_resolution *resolution)
{
        ckpt_status r = CKPT_OK;

        for (uint32_t i = 0; r == CKPT_OK && i < w->count; i++)
                r = add_row(w, resolution, w->chain[i].id, (int32_t)i,
                            reason_won(w, w->chain[i].component, (int32_t)i));
        if (r == CKPT_OK && ckpt_walk_has_end(w->kind))
                r = add_row(w, resolution, "ckpt:builtin", (int32_t)w->count,
                            "the runtime's own behaviour ends the chain");
        for (uint64_t i = 0; r == CKPT_OK && i < w->host->components.count; i++) {
                const ckpt_registered *const c = &w->host->components.items[i];

                if (c->component->kind == w->kind && !is_on_chain(w, c->component))
                        r = add_row(w, resolution, c->id, -1, reason_lost(w, c->component));
        }
        return r;
}
