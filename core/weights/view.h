/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_VIEW_H
#define CKPT_WEIGHTS_VIEW_H

/*
 * The three things that a ckpt_weights can be
 *
 *   a dictionary   entries in the order of their addition, with an index by name, and one in sorted order
 * that is made when something below a prefix is first asked for; the store is one of these a range what a
 * dictionary has below a prefix: a range of its sorted index an edit        a dictionary or a range with
 * entries replaced, added or taken out
 *
 * Each edit of one base is an entry of a log that all versions share; a version is a length of the log. So a
 * mapper that edits a hundred thousand tensors one by one makes a hundred thousand versions, each in constant
 * time. What versions of edits cannot answer quickly (iterating over added and removed names, prefixes) they
 * answer from a dictionary that is made of them on first need.
 *
 * Everything is in the arena of its scope. Lazily made parts hang on pointers, so that readers may be const;
 * like all views they belong to one thread.
 */

#include "core/weights/names.h"
#include "core/weights/weights.h"

typedef struct ckpt_weights_entry {
        const char *name;
        const ckpt_tensor *tensor;
} ckpt_weights_entry;

typedef struct ckpt_dict {
        ckpt_weights_entry *entries;
        uint64_t count, capacity;
        ckpt_names names;
        uint64_t *sorted;  /* indices of entries in order of their names */
        uint64_t n_sorted; /* how many entries there were when it was made */
        uint64_t near;     /* where in it the last prefix was found: the next is mostly not far */
} ckpt_dict;

/** Entries of a dictionary whose names share a prefix, in two orders. */
typedef struct ckpt_range {
        const ckpt_dict *dict;
        const uint64_t *sorted; /* indices of entries, by name */
        const uint64_t *added;  /* the same, by addition; NULL until somebody asks */
        uint64_t count;
        uint64_t skip; /* bytes of the prefix, its dot included */
} ckpt_range;

typedef struct ckpt_edit_log ckpt_edit_log;

typedef struct ckpt_edit {
        ckpt_edit_log *log;
        uint64_t length;    /* entries of the log that this version sees */
        uint64_t count;     /* entries of this version */
        bool renamed;       /* names were added or taken out: those of the base do not serve */
        ckpt_weights *flat; /* made on first need */
} ckpt_edit;

enum ckpt_weights_kind {
        CKPT_WEIGHTS_DICT,
        CKPT_WEIGHTS_RANGE,
        CKPT_WEIGHTS_EDIT
};

struct ckpt_weights {
        const ckpt_api *api;
        enum ckpt_weights_kind kind;
        ckpt_scope *scope;
        union {
                ckpt_dict *dict;
                ckpt_range *range;
                ckpt_edit *edit;
        } as;
};

/** A new view in a scope with a zeroed body; NULL when memory is short. */
ckpt_weights *ckpt_weights_view_new(ckpt_scope *scope, enum ckpt_weights_kind kind);

/** The numbers of `count` entries in the order of their names; CKPT_E_NOMEM. */
ckpt_status ckpt_entries_sort(const ckpt_weights_entry *entries, uint64_t *ret_sorted, uint64_t count);
/** The names of a dictionary or a range in sorted order; CKPT_E_NOMEM. */
ckpt_status ckpt_weights_sorted(const ckpt_weights *weights, ckpt_range *ret_range);
/** The entries of a sorted range below a prefix: where they begin (sought around `near`), and how many. */
uint64_t ckpt_range_below(const ckpt_range *range, const char *prefix, uint64_t near, uint64_t *ret_first);
/** First entry of a sorted range that is not before a name. */
uint64_t ckpt_range_lower_bound(const ckpt_range *range, const char *name);
/** Indices of a range's entries in the order of their addition; NULL when memory is short. */
const uint64_t *ckpt_range_added(ckpt_range *range, ckpt_scope *scope);
const char *ckpt_range_name(const ckpt_range *range, uint64_t at);

/* What an edit answers itself. */
const ckpt_tensor *ckpt_edit_get(const ckpt_edit *edit, const char *name);
const char *ckpt_edit_name(const ckpt_edit *edit, uint64_t index);
const ckpt_tensor *ckpt_edit_at(const ckpt_edit *edit, uint64_t index);
/** The same entries as a dictionary; NULL when memory is short. */
const ckpt_weights *ckpt_edit_flat(const ckpt_edit *edit);

#endif
