/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_WEIGHTS_WEIGHTS_H
#define CKPT_WEIGHTS_WEIGHTS_H

/*
 * Weights: what a checkpoint holds, and views of it
 *
 * The store is what a weight loader fills or an embedder makes: names and descriptions, reference-counted,
 * and immutable once a load has it; it may serve many loads at once and remembers nothing of them. A view is
 * a load's: a dictionary under other names, a part of one below a prefix, or one with entries replaced. Both
 * are `ckpt_weights` to those who read them; views live in a scope's arena and are never freed.
 */

#include <ckpt/weights.h>

#include "core/base/cleanup.h"
#include "core/source/source.h"
#include "core/tensor/tensor.h"

/* ---- store ---- */

/** An empty store with a scope of its own. One reference. */
ckpt_status ckpt_weights_store_new(ckpt_weights **ret_weights);
/** From now on errors of describing into this store go there (NULL: nowhere). */
void ckpt_weights_store_set_diagnostics(ckpt_weights *weights, ckpt_diagnostics *diagnostics);
ckpt_scope *ckpt_weights_store_scope(ckpt_weights *weights);
/**
 * Adds an entry; the name is copied. A name that is there already is CKPT_E_CORRUPT, recorded; the error
 * tensor is accepted and ignored (its diagnostic is there already).
 */
ckpt_status ckpt_weights_store_add(ckpt_weights *weights, const char *name, const ckpt_tensor *tensor);
/** Something that must live as long as the store (a loader, a source, memory): released in reverse order at
 * the end. */
ckpt_status ckpt_weights_store_keep(ckpt_weights *weights, void (*release)(void *context, void *object),
                                    void *context, void *object);
/** Releases what was kept last, at once: for an entry that came to nothing. */
void ckpt_weights_store_release_last(ckpt_weights *weights);
/** The entry's own description (its scope is the store's). */
const ckpt_tensor *ckpt_weights_store_tensor(const ckpt_weights *weights, uint64_t index);

/* ---- builder, what a weight loader sees ---- */

/**
 * A builder that fills a new store from a source (may be NULL for readers). Leaves of kind OBJECT refer to
 * it; the store keeps a reference to it. `reader` is the weight loader's top frame, for leaves of kind READER
 * (NULL until set).
 */
ckpt_status ckpt_weights_builder_new(ckpt_session *session, ckpt_source *source, ckpt_frame *reader,
                                     ckpt_weights_builder **ret_builder);
ckpt_weights_builder *ckpt_weights_builder_free(ckpt_weights_builder *builder);
CKPT_DEFINE_CLEANUP(ckpt_weights_builder *, ckpt_weights_builder_free);
/** The store, no longer tied to the session; the builder is freed. Fails with the session's first failure if
 * there is one. */
ckpt_status ckpt_weights_builder_finish(ckpt_weights_builder *builder, ckpt_weights **ret_weights);

/* ---- views ---- */

/** An empty dictionary in a scope. */
ckpt_weights *ckpt_weights_dict_new(ckpt_scope *scope);
/** Adds; CKPT_ABSENT when the name is there already (its index in *ret_other). The name must live as long as
 * the scope. */
ckpt_status ckpt_weights_dict_add(ckpt_weights *dict, const char *name, const ckpt_tensor *tensor,
                                  uint64_t *ret_other);
/** Room for `count` entries in all. */
ckpt_status ckpt_weights_dict_reserve(ckpt_weights *dict, uint64_t count);
/** The whole store as a dictionary of source nodes in a load's scope, under the checkpoint's own names;
 * nothing may be added to it. NULL: memory. */
ckpt_weights *ckpt_weights_dict_of_store(ckpt_scope *scope, ckpt_weights *store);
/** Up to `limit` entry names nearest to `name` (same last component and small edit distance first); returns
 * how many. */
uint32_t ckpt_weights_nearest(const ckpt_weights *weights, const char *name, const char **ret_names,
                              uint32_t limit);

/* The services of ckpt/weights.h, entries of ckpt_api_table. */
const ckpt_tensor *ckpt_weights_api_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf);
void ckpt_weights_api_add(ckpt_weights_builder *builder, const char *name, const ckpt_tensor *tensor);
uint64_t ckpt_weights_api_count(const ckpt_weights *weights);
const char *ckpt_weights_api_name(const ckpt_weights *weights, uint64_t index);
const ckpt_tensor *ckpt_weights_api_at(const ckpt_weights *weights, uint64_t index);
const ckpt_tensor *ckpt_weights_api_get(const ckpt_weights *weights, const char *name);
const ckpt_weights *ckpt_weights_api_filter(const ckpt_weights *weights, const char *prefix);
const ckpt_weights *ckpt_weights_api_set(const ckpt_weights *weights, const char *name,
                                         const ckpt_tensor *tensor);

#endif
