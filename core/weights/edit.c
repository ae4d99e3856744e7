/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Edits: a log of what was set, of which every version sees a part
 *
 * The newest version appends to the log it came from. An older one, when it is edited again, starts a log of
 * its own.
 */

#include <string.h>

#include "core/weights/view.h"

typedef struct log_entry {
        const char *name;
        const ckpt_tensor *tensor; /* NULL: taken out */
        uint64_t older;            /* 1 + the entry before it of the same name; 0: none */
} log_entry;

struct ckpt_edit_log {
        const ckpt_weights *base; /* no edit */
        log_entry *entries;
        uint64_t count, capacity;
        ckpt_names newest; /* of each name */
};

/* The newest entry of a name that a version sees, or NULL. */
static const log_entry *find(const ckpt_edit_log *log, uint64_t length, const char *name)
{
        uint64_t at;

        if (!ckpt_names_find(&log->newest, name, &at))
                return NULL;
        while (at >= length) {
                if (log->entries[at].older == 0)
                        return NULL;
                at = log->entries[at].older - 1;
        }
        return &log->entries[at];
}

const ckpt_tensor *ckpt_edit_get(const ckpt_edit *edit, const char *name)
{
        const log_entry *entry = find(edit->log, edit->length, name);

        return entry ? entry->tensor : ckpt_weights_api_get(edit->log->base, name);
}

static ckpt_status append(ckpt_edit_log *log, ckpt_arena *arena, const char *name, const ckpt_tensor *tensor)
{
        const uint64_t capacity = log->capacity ? log->capacity * 2 : 4;
        uint64_t older = 0;

        if (log->count == log->capacity) {
                log_entry *entries = ckpt_arena_calloc(arena, capacity, sizeof(*entries));

                if (!entries)
                        return CKPT_E_NOMEM;
                if (log->count > 0)
                        memcpy(entries, log->entries, log->count * sizeof(*entries));
                log->entries = entries;
                log->capacity = capacity;
        }
        if (ckpt_names_find(&log->newest, name, &older))
                name = log->entries[older++].name;
        else
                name = ckpt_arena_strdup(arena, name);
        if (!name || ckpt_names_set(&log->newest, arena, name, log->count) != CKPT_OK)
                return CKPT_E_NOMEM;
        log->entries[log->count++] = (log_entry){name, tensor, older};
        return CKPT_OK;
}

/* A log with as much of another as a version of it sees. */
static ckpt_edit_log *log_new(ckpt_arena *arena, const ckpt_weights *base, const ckpt_edit_log *from,
                              uint64_t length)
{
        ckpt_edit_log *log = ckpt_arena_alloc(arena, sizeof(*log));

        if (log)
                log->base = base;
        for (uint64_t i = 0; log && i < length; i++)
                if (append(log, arena, from->entries[i].name, from->entries[i].tensor) != CKPT_OK)
                        return NULL;
        return log;
}

/* The log to append to. */
static ckpt_edit_log *log_for(const ckpt_weights *weights)
{
        ckpt_arena *arena = &weights->scope->arena;
        const ckpt_edit *edit = weights->as.edit;

        if (weights->kind != CKPT_WEIGHTS_EDIT)
                return log_new(arena, weights, NULL, 0);
        return edit->log->count == edit->length ? edit->log
                                                : log_new(arena, edit->log->base, edit->log, edit->length);
}

const ckpt_weights *ckpt_weights_api_set(const ckpt_weights *weights, const char *name,
                                         const ckpt_tensor *tensor)
{
        const bool before = name && ckpt_weights_api_get(weights, name) != NULL, after = tensor != NULL;
        ckpt_weights *version;
        ckpt_edit_log *log;

        if (!name || (!before && !after))
                return weights;
        version = ckpt_weights_view_new(weights->scope, CKPT_WEIGHTS_EDIT);
        log = version ? log_for(weights) : NULL;
        if (!log || append(log, &weights->scope->arena, name, tensor) != CKPT_OK) {
                weights->scope->out_of_memory = true;
                return NULL;
        }
        *version->as.edit = (ckpt_edit){
                .log = log,
                .length = log->count,
                .count = ckpt_weights_api_count(weights) + after - before,
                .renamed =
                        before != after || (weights->kind == CKPT_WEIGHTS_EDIT && weights->as.edit->renamed),
        };
        return version;
}

/* Those of the base that are left, in their places, then what was added, in the order of its first addition.
 */
static ckpt_status flatten(const ckpt_edit *edit, ckpt_weights *flat)
{
        const ckpt_edit_log *log = edit->log;
        const ckpt_weights *base = log->base;
        uint64_t other;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; r != CKPT_E_NOMEM && i < ckpt_weights_api_count(base); i++) {
                const char *name = ckpt_weights_api_name(base, i);
                const log_entry *entry = find(log, edit->length, name);
                const ckpt_tensor *tensor = entry ? entry->tensor : ckpt_weights_api_at(base, i);

                if (tensor)
                        r = ckpt_weights_dict_add(flat, name, tensor, &other);
        }
        for (uint64_t i = 0; r != CKPT_E_NOMEM && i < edit->length; i++) {
                const char *name = log->entries[i].name;
                const ckpt_tensor *tensor = find(log, edit->length, name)->tensor;

                if (tensor)
                        r = ckpt_weights_dict_add(flat, name, tensor, &other);
        }
        return r == CKPT_E_NOMEM ? r : CKPT_OK;
}

const ckpt_weights *ckpt_edit_flat(const ckpt_edit *edit)
{
        /* The version is const to those who read it; what it makes of itself is its own. */
        ckpt_edit *own = (ckpt_edit *)(uintptr_t)edit;
        ckpt_weights *flat;

        if (edit->flat)
                return edit->flat;
        flat = ckpt_weights_dict_new(edit->log->base->scope);
        if (!flat || flatten(edit, flat) != CKPT_OK)
                return NULL;
        own->flat = flat;
        return flat;
}

const char *ckpt_edit_name(const ckpt_edit *edit, uint64_t index)
{
        const ckpt_weights *from = edit->renamed ? ckpt_edit_flat(edit) : edit->log->base;

        return from ? ckpt_weights_api_name(from, index) : NULL;
}

const ckpt_tensor *ckpt_edit_at(const ckpt_edit *edit, uint64_t index)
{
        const ckpt_weights *flat = edit->renamed ? ckpt_edit_flat(edit) : NULL;

        if (flat)
                return ckpt_weights_api_at(flat, index);
        return edit->renamed ? NULL : ckpt_edit_get(edit, ckpt_weights_api_name(edit->log->base, index));
}
