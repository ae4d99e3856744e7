/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPER_LOOP_H
#define CKPT_MAPPER_LOOP_H

/*
 * Inside the load loop: one state and its steps, in the order in which describe.c takes them
 *
 *   rename.c   the checkpoint's names become the model's           -> all, names
 *   derive.c   a model that the engine did not give (checks.c and layers.c check it)
 *   loop.c     module by module, the whole value of each parameter (fused.c; missing.c)
 *   bind.c     a whole value's shard, in the parameter's dtype, against its shape
 *   account.c  what no parameter asked for
 */

#include "core/mapper/mapper.h"
#include "core/op/op.h"

typedef struct ckpt_loop {
        ckpt_session *session;
        ckpt_chain *chain;
        ckpt_mapper *mapper; /* the chain's top frame */
        struct ckpt_rules *rules;
        const ckpt_weights *source;  /* under the checkpoint's names, entry i is source i */
        const ckpt_weights *all;     /* renamed and preprocessed */
        const ckpt_weights *weights; /* the same without what a derived model shall ignore */
        const char **names;          /* per source: its new name, NULL when dropped; NULL: all stay */
        bool *used, *explained;      /* per source */
        uint64_t n_sources;
        ckpt_model *model;
        const ckpt_describe_options *options;
        ckpt_binding *bindings;
        /*
         * Room for as many sources as the largest fused rule has, used over and over: those of one module,
         * before and after its callbacks, and of one of its parameters, whole and cut for this rank.
         */
        const ckpt_weights **before, **views;
        const ckpt_tensor **values, **parts;
        int64_t n_layers; /* 0 when nothing tells */
        ckpt_text name;   /* room for one that is looked up and not kept */
} ckpt_loop;

/* ---- rules, beyond mapper.h ---- */

/** The rule's name under which the engine's own skip_modules stand in the rules; compared by address. */
extern const char ckpt_rule_engine[];

/** The first skip rule that covers a module, or NULL. With `engine` only the engine's own are asked. */
const char *ckpt_rules_find_skip(const struct ckpt_rules *rules, const char *module, bool engine);
/** The first pipeline rank that owns a module, or -1 when this rank is among its owners. */
int32_t ckpt_rules_owner(const struct ckpt_rules *rules, const ckpt_mapping *mapping, int64_t n_layers,
                         const char *module);
/** Whether a module is below a list of layers: its number, and what follows it (NULL: the layer itself). */
bool ckpt_rule_stage_layer(const ckpt_rule_stage *rule, const char *module, int64_t *ret_layer,
                           const char **ret_rest);
/** config's num_hidden_layers, or what the names show, or 0. */
int64_t ckpt_rules_count_layers(const struct ckpt_rules *rules, const ckpt_config *config,
                                const ckpt_weights *weights);
/**
 * "module.param" cut at its last dot: the length of the module, 0 without a dot; *ret_param is what
 * follows.
 */
uint64_t ckpt_name_split(const char *name, const char **ret_param);
/** module with its last component replaced by `last`, in the arena. */
const char *ckpt_name_sibling(ckpt_arena *arena, const char *module, const char *last);
/**
 * The same with ".param" (NULL: nothing) behind it, in a text that is used over and over; NULL when memory is
 * short.
 */
const char *ckpt_name_beside(ckpt_text *text, const char *module, const char *last, const char *param);
/** module and param with a dot between, or param alone for the root, in the arena. */
const char *ckpt_name_join(ckpt_arena *arena, const char *module, const char *param);

/* ---- questions about modules, whether the model has them or not ---- */

/** A module that stands for a name alone. */
ckpt_module ckpt_module_named(const ckpt_session *session, const char *name);
/** Why a module is not loaded, by the engine or the mapper, or NULL. */
const char *ckpt_mapper_skip_rule(ckpt_mapper *m, const ckpt_module *module);
/** The module's shard; unit is at least 1. */
void ckpt_mapper_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard);

/* ---- steps ---- */

/** Why a module of the model is not loaded by this rank, or NULL to load it. */
const char *ckpt_loop_left_out(ckpt_loop *loop, const ckpt_module *module);

ckpt_status ckpt_loop_rename(ckpt_loop *loop);
/** Narrows loop->weights by the engine's `ignore`. */
ckpt_status ckpt_loop_ignore(ckpt_loop *loop);
bool ckpt_loop_is_ignored(const ckpt_loop *loop, const char *name, const ckpt_tensor *tensor);
ckpt_status ckpt_loop_derive(ckpt_loop *loop);
/** The checks of a derived model's layers and required modules; records what is wrong. */
ckpt_status ckpt_derived_check(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model *model);
/**
 * Checks the layers below one list, of which there shall be `expected`; *found becomes true if there is
 * any.
 */
ckpt_status ckpt_layers_check_list(ckpt_mapper *m, const ckpt_weights *weights, const ckpt_model *model,
                                   const ckpt_rule_stage *rule, int64_t expected, bool *found);
/** Records the sources that a fused module of a derived model lacks, and marks its parameter as failed. */
ckpt_status ckpt_fused_check(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model *model);
/** Stops for lack of memory and when cancelled; every other fault is recorded and passed. */
ckpt_status ckpt_loop_walk(ckpt_loop *loop);
ckpt_status ckpt_loop_account(ckpt_loop *loop, uint64_t *ret_unused);

/**
 * A parameter's whole values, one per source of a fused module: sharded, joined, cast, compared, and bound.
 * What cannot be is recorded.
 */
void ckpt_loop_bind(ckpt_loop *loop, const ckpt_module *module, uint64_t param,
                    const ckpt_tensor *const *values, uint32_t count);
/** Everything below a view counts as used: a parameter made of it has failed, which is recorded already. */
void ckpt_loop_use(ckpt_loop *loop, const ckpt_weights *view);

/** "column over tp, rank 1 of 2", for messages. */
void ckpt_shard_print(const ckpt_session *session, const ckpt_shard *shard, ckpt_text *text);
/**
 * Records CKPT_E_MISSING for a parameter: `key` was looked for. `more` (may be NULL) says what else is to
 * say.
 */
void ckpt_loop_missing(ckpt_loop *loop, const ckpt_module *module, const char *param, const char *key,
                       const char *more);
/** "; nearest: 'a', 'b' ('b.old' in the checkpoint)" into the text; nothing when no name is near. */
void ckpt_nearest_print(ckpt_session *session, const ckpt_weights *weights, const char *key, ckpt_text *text);

#endif
