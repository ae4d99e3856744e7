/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPER_MAPPER_H
#define CKPT_MAPPER_MAPPER_H

/*
 * The load loop: from renamed weights to one description per parameter
 *
 * Input: the checkpoint's weights, a chain of mapper frames on which init_model_and_config has succeeded, and
 * a model (the engine's, or an empty one to derive). Output: for every parameter of the model its whole
 * expression, sharded, joined and cast, or the name of the rule that leaves it out. Nothing is read.
 */

#include "core/frame/chain.h"
#include "core/model/model.h"
#include "core/weights/weights.h"

/** What becomes of a parameter; parallel to the model's parameters. */
typedef struct ckpt_binding {
        const ckpt_tensor *value; /* NULL when skipped */
        const char *skipped;      /* the rule's name */
} ckpt_binding;

/** The embedder's part in the rules. */
typedef struct ckpt_describe_options {
        ckpt_dtype dtype; /* of floating-point parameters of a derived model; NONE: the expression's own */
        const ckpt_pair *params_map;
        uint64_t n_params_map;
        const char *const *skip_modules;
        uint64_t n_skip_modules;
        const char *const *ignore;
        uint64_t n_ignore;
} ckpt_describe_options;

typedef struct ckpt_description {
        ckpt_binding *bindings; /* in the session's arena; one per parameter of the model */
        uint64_t n_bindings;
        uint64_t unused; /* sources that a rule leaves out */
} ckpt_description;

/**
 * Runs the loop. `source` is the checkpoint's dictionary of source nodes (ckpt_weights_dict_of_store). With
 * model->derived the model is filled. Every failure of every parameter is recorded; the result is the first
 * one's status.
 */
ckpt_status ckpt_mapper_describe(ckpt_session *session, ckpt_chain *mapper, const ckpt_weights *source,
                                 ckpt_model *model, const ckpt_config *config,
                                 const ckpt_describe_options *options, ckpt_description *ret_description);

/* ---- rules ---- */

typedef struct ckpt_rule_fuse {
        const char *target;
        const char *const *sources;
        uint32_t n_sources;
} ckpt_rule_fuse;

typedef struct ckpt_rule_skip {
        const char *pattern, *rule;
} ckpt_rule_skip;

typedef struct ckpt_rule_style {
        ckpt_pattern pattern;
        ckpt_shard shard;
} ckpt_rule_style;

typedef struct ckpt_rule_stage {
        const char *pattern;
        uint32_t stage;
} ckpt_rule_stage;

struct ckpt_rules {
        const ckpt_api *api;
        ckpt_session *session;
        ckpt_status status; /* sticky */
        CKPT_ARRAY(ckpt_rule_fuse) fuses;
        CKPT_ARRAY(ckpt_callback) callbacks;
        CKPT_ARRAY(ckpt_rule_skip) skips;
        CKPT_ARRAY(ckpt_rule_style) styles;
        CKPT_ARRAY(ckpt_rule_stage) stages;
};

void ckpt_rules_init(struct ckpt_rules *rules, ckpt_session *session);
void ckpt_rules_deinit(struct ckpt_rules *rules);
/** The fused rule whose target is this last component, or NULL. */
ckpt_rule_fuse *ckpt_rules_find_target(const struct ckpt_rules *rules, const char *last);
/** The fused rule one of whose sources is this last component, or NULL. */
const ckpt_rule_fuse *ckpt_rules_find_source(const struct ckpt_rules *rules, const char *last);
/** Whether this pipeline rank owns a module, by the stage rules; *ret_layer is the layer's number or -1. */
bool ckpt_rules_owns(const struct ckpt_rules *rules, const ckpt_mapping *mapping, int64_t n_layers,
                     const char *module);

/* ---- shards ---- */

/**
 * This rank's part of a whole tensor under a shard. An axis beyond the tensor's rank, a width of 1 and a
 * group of one rank leave it whole. What does not divide is recorded with `what` (the parameter) and gives
 * the error tensor.
 */
const ckpt_tensor *ckpt_shard_apply(ckpt_session *session, const ckpt_shard *shard, const ckpt_tensor *tensor,
                                    const char *what);

/* ---- the runtime's own mapper: the last link of every chain ---- */

ckpt_status ckpt_base_init_model_and_config(ckpt_mapper *m);
const char *ckpt_base_rename(ckpt_mapper *m, const char *name);
const ckpt_weights *ckpt_base_preprocess_weights(ckpt_mapper *m, const ckpt_weights *weights);
const ckpt_weights *ckpt_base_apply_callbacks(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                              const ckpt_weights *weights);
const ckpt_tensor *ckpt_base_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                const ckpt_weights *weights, const char *name);
int32_t ckpt_base_is_special_instance_module(ckpt_mapper *m, const ckpt_module *module);
ckpt_status ckpt_base_handle_special_instance_module(ckpt_mapper *m, const ckpt_module *module,
                                                     const ckpt_weights *weights);
const char *ckpt_base_should_skip_module(ckpt_mapper *m, const ckpt_module *module);
void ckpt_base_module_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard);
ckpt_status ckpt_base_derive_model(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model_builder *builder);

/* The services of ckpt/module.h that concern rules and assignment, entries of ckpt_api_table. */
void ckpt_rules_api_fuse(ckpt_rules *rules, const char *target, const char *const *sources, uint32_t count);
void ckpt_rules_api_callback(ckpt_rules *rules, ckpt_callback callback);
void ckpt_rules_api_skip(ckpt_rules *rules, const char *pattern, const char *rule);
void ckpt_rules_api_style(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard);
void ckpt_rules_api_stage(ckpt_rules *rules, const char *pattern, uint32_t stage);
void ckpt_mapper_api_assign(ckpt_mapper *m, const ckpt_module *module, const char *param,
                            const ckpt_tensor *tensor);

#endif
