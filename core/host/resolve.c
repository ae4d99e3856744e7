/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which components serve a load, and why the others do not
 *
 * The chain of a kind is (format, model), (format), then the same of the parent format, and so on.
 * Every component of that kind gets a row that says what became of it.
 */

#include <string.h>

#include "core/base/text.h"
#include "core/host/walk.h"

static void push(ckpt_walk *w, const ckpt_registered *registered)
{
        if (registered)
                w->chain[w->count++] = *registered;
}

/*
 * The parent that a format declares: its component of this kind has the word; where the format has
 * none of this kind, the parent is what any other component of the format says.
 */
static const char *parent_of(const ckpt_walk *w, const char *format)
{
        const ckpt_registered *const own = ckpt_host_find(w->host, w->kind, format, NULL);

        if (own)
                return own->component->extends;
        for (ckpt_kind kind = 0; kind < CKPT_KIND_COUNT; kind++) {
                const ckpt_registered *const other = ckpt_host_find(w->host, kind, format, NULL);

                if (other && other->component->extends)
                        return other->component->extends;
        }
        return NULL;
}

/* Parents may form a circle by mistake of two plugins: no format is visited twice. */
static void walk_formats(ckpt_walk *w, const char *format)
{
        while (format && !ckpt_walk_has_format(w, format)) {
                w->formats[w->n_formats++] = format;
                if (w->model)
                        push(w, ckpt_host_find(w->host, w->kind, format, w->model));
                push(w, ckpt_host_find(w->host, w->kind, format, NULL));
                format = parent_of(w, format);
        }
}

/*
 * The chain below a component that was chosen otherwise than by its key. An embedder's own may name
 * its own format as its parent: it stands before the registered ones of that format.
 */
static void walk_below(ckpt_walk *w, const ckpt_registered *top, bool is_given)
{
        const ckpt_component *const c = top->component;
        const char *parent = c->model ? NULL : c->extends;

        push(w, top);
        if (!is_given || !ckpt_string_equal(parent, c->format))
                w->formats[w->n_formats++] = c->format;
        if (c->model) {
                push(w, ckpt_host_find(w->host, w->kind, c->format, NULL));
                parent = parent_of(w, c->format);
        }
        if (c->model)
                w->model = c->model;
        walk_formats(w, parent);
}

/* ---- a component asked for by its id ---- */

static ckpt_status not_found(const ckpt_walk *w, const char *forced)
{
        _cleanup_(ckpt_text_deinit) ckpt_text ids = CKPT_TEXT_INIT;

        for (uint64_t i = 0; i < w->host->components.count; i++) {
                const ckpt_registered *const c = &w->host->components.items[i];

                if (c->component->kind == w->kind)
                        ckpt_text_add(&ids, "%s%s", ids.length ? ", " : "", c->id);
        }
        return ckpt_session_fail(w->session, CKPT_E_NOT_FOUND, NULL, "there is no %s '%s'; there is: %s",
                                 ckpt_kind_name(w->kind), forced, ids.length ? ckpt_text_get(&ids) : "none");
}

static ckpt_status ambiguous(const ckpt_walk *w, const char *forced, const ckpt_registered *a,
                             const ckpt_registered *b)
{
        return ckpt_session_fail(w->session, CKPT_E_AMBIGUOUS, NULL,
                                 "'%s' has more than one %s: say which, '%s' or '%s'", forced,
                                 ckpt_kind_name(w->kind), a->id, b->id);
}

/*
 * A whole id names one component. A plugin's id names its only component of the kind; of several,
 * the one whose key is the load's.
 */
static ckpt_status find_forced(const ckpt_walk *w, const char *forced, const ckpt_registered **ret_registered)
{
        const ckpt_registered *first = NULL, *second = NULL;

        for (uint64_t i = 0; i < w->host->components.count; i++) {
                const ckpt_registered *const c = &w->host->components.items[i];

                if (c->component->kind != w->kind)
                        continue;
                if (strcmp(c->id, forced) == 0) {
                        *ret_registered = c;
                        return CKPT_OK;
                }
                if (strcmp(c->plugin, forced) != 0)
                        continue;
                if (w->format && strcmp(c->component->format, w->format) == 0 && w->model &&
                    ckpt_string_equal(c->component->model, w->model)) {
                        *ret_registered = c;
                        return CKPT_OK;
                }
                if (!first)
                        first = c;
                else if (!second)
                        second = c;
        }
        if (!first)
                return not_found(w, forced);
        if (second)
                return ambiguous(w, forced, first, second);
        *ret_registered = first;
        return CKPT_OK;
}

static ckpt_status make_chain(ckpt_walk *w)
{
        const ckpt_registered *top = w->given;
        ckpt_status r = CKPT_OK;

        if (!top && w->forced)
                r = find_forced(w, w->forced, &top);
        if (r != CKPT_OK)
                return r;
        if (top)
                walk_below(w, top, w->given != NULL);
        else
                walk_formats(w, w->format);
        return CKPT_OK;
}

/* ---- what a chain must have ---- */

static ckpt_status fail_empty(const ckpt_walk *w)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .hint = "add the plugin directory that has one, or choose another format"};
        _cleanup_(ckpt_text_deinit) ckpt_text formats = CKPT_TEXT_INIT;

        for (uint64_t i = 0; i < w->host->components.count; i++) {
                const ckpt_component *const c = w->host->components.items[i].component;

                if (c->kind == w->kind && !c->model)
                        ckpt_text_add(&formats, "%s%s", formats.length ? ", " : "", c->format);
        }
        return ckpt_session_fail(
                w->session, CKPT_E_NOT_FOUND, &where, "there is no %s for format '%s'; there is one for: %s",
                ckpt_kind_name(w->kind), w->format, formats.length ? ckpt_text_get(&formats) : "none");
}

/*
 * A mapper made for the architecture, or the user's word; anything else is a fallback and not
 * silent.
 */
static ckpt_status check_fallback(const ckpt_walk *w)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .hint = "add a plugin that knows it, or load without strict"};

        if (w->kind != CKPT_KIND_WEIGHT_MAPPER || !w->model || w->given || w->forced)
                return CKPT_OK;
        for (uint32_t i = 0; i < w->count; i++) {
                if (w->chain[i].component->model)
                        return CKPT_OK;
        }
        if (w->session->strict)
                return ckpt_session_fail(w->session, CKPT_E_NOT_FOUND, &where,
                                         "there is no weight mapper for architecture '%s' in format '%s'",
                                         w->model, w->format);
        ckpt_logger_write(w->session->logger, CKPT_LOG_INFO,
                          "no weight mapper is made for architecture '%s' in format '%s': %s serves",
                          w->model, w->format, w->count > 0 ? w->chain[0].id : "the runtime's own behaviour");
        return CKPT_OK;
}

static ckpt_status init_walk(ckpt_walk *w)
{
        const uint64_t room = w->host->components.count + 2;

        w->chain = ckpt_arena_calloc(&w->session->scope.arena, room, sizeof(*w->chain));
        w->formats = ckpt_arena_calloc(&w->session->scope.arena, room, sizeof(*w->formats));
        return w->chain && w->formats ? CKPT_OK : CKPT_E_NOMEM;
}

static ckpt_status check_given(const ckpt_walk *w)
{
        char reason[CKPT_REASON_MAX];
        ckpt_status r;

        if (!w->given)
                return CKPT_OK;
        r = ckpt_component_validate(w->given->component, reason, sizeof(reason));
        if (r == CKPT_OK && w->given->component->kind != w->kind)
                r = ckpt_refuse(reason, sizeof(reason), CKPT_E_INVALID, "it is a %s",
                                ckpt_kind_name(w->given->component->kind));
        if (r == CKPT_OK)
                return CKPT_OK;
        return ckpt_session_fail(w->session, r, NULL, "the given %s is no good: %s", ckpt_kind_name(w->kind),
                                 reason);
}

ckpt_status ckpt_resolve_chain(ckpt_host *host, ckpt_session *session, ckpt_kind kind, const char *format,
                               const char *model, const char *forced, const ckpt_registered *given,
                               ckpt_resolution *resolution, const ckpt_registered **ret_components,
                               uint32_t *ret_count)
{
        ckpt_walk w = {.host = host,
                       .session = session,
                       .kind = kind,
                       .format = format,
                       .model = model,
                       .forced = forced,
                       .given = given};
        ckpt_status r = check_given(&w);

        if (r == CKPT_OK)
                r = init_walk(&w);
        if (r == CKPT_OK)
                r = make_chain(&w);
        if (r != CKPT_OK)
                return r;
        w.model = model;
        if (resolution)
                r = ckpt_walk_explain(&w, resolution);
        if (r == CKPT_OK && w.count == 0 && !ckpt_walk_has_end(kind))
                r = fail_empty(&w);
        if (r == CKPT_OK)
                r = check_fallback(&w);
        if (r != CKPT_OK)
                return r;
        *ret_components = w.chain;
        *ret_count = w.count;
        return CKPT_OK;
}
