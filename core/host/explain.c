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

static int32_t order_of(const ckpt_walk *w, const ckpt_component *component)
{
        for (uint32_t i = 0; i < w->count; i++) {
                if (w->chain[i].component == component)
                        return (int32_t)i;
        }
        return -1;
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

static ckpt_candidate *find_row(ckpt_resolution *resolution, ckpt_kind kind, const char *id)
{
        for (uint64_t i = 0; i < resolution->candidates.count; i++) {
                ckpt_candidate *const row = &resolution->candidates.items[i];

                if (row->kind == kind && strcmp(row->id, id) == 0)
                        return row;
        }
        return NULL;
}

/*
 * A row that is there was made by probing, whose words are kept, or by an earlier look-up of
 * another mapper.
 */
static ckpt_status add_row(const ckpt_walk *w, ckpt_resolution *resolution, const char *id, int32_t order,
                           const char *reason)
{
        ckpt_candidate row = {
                .kind = w->kind, .id = id, .chosen = order >= 0, .order = order, .reason = reason};
        ckpt_candidate *const old = find_row(resolution, w->kind, id);

        if (old && w->kind == CKPT_KIND_CHECKPOINT_LOADER)
                row.reason = ckpt_arena_printf(&w->session->scope.arena, "%s; %s", reason, old->reason);
        if (!reason || !row.reason)
                return CKPT_E_NOMEM;
        if (!old)
                return ckpt_array_push(&resolution->candidates, row);
        *old = row;
        return CKPT_OK;
}

bool ckpt_walk_has_end(ckpt_kind kind)
{
        return kind == CKPT_KIND_CHECKPOINT_LOADER || kind == CKPT_KIND_WEIGHT_MAPPER;
}

ckpt_status ckpt_walk_explain(const ckpt_walk *w, ckpt_resolution *resolution)
{
        ckpt_status r = CKPT_OK;

        if (w->given)
                r = add_row(w, resolution, w->given->id, 0, reason_won(w, w->given->component, 0));
        for (uint64_t i = 0; r == CKPT_OK && i < w->host->components.count; i++) {
                const ckpt_registered *const c = &w->host->components.items[i];
                const int32_t order = order_of(w, c->component);

                if (c->component->kind == w->kind)
                        r = add_row(w, resolution, c->id, order,
                                    order >= 0 ? reason_won(w, c->component, order)
                                               : reason_lost(w, c->component));
        }
        if (r == CKPT_OK && ckpt_walk_has_end(w->kind))
                r = add_row(w, resolution, "ckpt:builtin", (int32_t)w->count,
                            "the runtime's own behaviour ends the chain");
        return r;
}
