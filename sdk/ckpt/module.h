/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MODULE_H
#define CKPT_MODULE_H

/*
 * Modules, and the rules of a mapper
 *
 * The load loop walks the modules of the model (given by the engine, or derived from the weights). A
 * module is what a mapper sees of it: a dotted name, the parameters that it owns itself, and a role.
 *
 * A module is valid until the slot that it was given to returns; its name and those of its parameters as long
 * as the load. The root module's name is "".
 *
 * Patterns match whole module names component by component: `*` is any characters within a component,
 * `**` any number of components, none included. Nothing else is special, and case counts.
 *
 *         "**.q_proj"              "q_proj", "model.layers.0.q_proj", not "model.q_proj.lora"
 *         "model.layers.*.mlp"     "model.layers.0.mlp", not "model.layers.mlp"
 *         "vision_tower.**"        "vision_tower" and all below it
 *         "*.experts*"             "mlp.experts", "mlp.experts_a"
 */

#include <ckpt/weights.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a module is, as far as the runtime knows. It is told to the mapper and does not steer the load loop:
 * fused is what a fuse rule's target names, special what is_special_instance_module says. In a derived model
 * a sharded module is LINEAR, one that is padded EMBEDDING, a fuse rule's target FUSED, else PLAIN.
 */
enum {
        CKPT_ROLE_PLAIN = 0, /**< norms and everything else: parameters are copied one by one */
        CKPT_ROLE_LINEAR = 1,
        CKPT_ROLE_FUSED = 2, /**< several sources of the checkpoint make one target */
        CKPT_ROLE_EMBEDDING = 3,
        CKPT_ROLE_SPECIAL = 4 /**< the mapper assigns its parameters itself */
};

/** The module's whole name, "model.layers.0.self_attn.qkv_proj"; "" for the root. Never NULL. [control] */
static inline const char *ckpt_module_name(const ckpt_module *module)
{
        return CKPT_API(module)->module_name(module);
}

/** The last component of the name, "qkv_proj"; the whole name where it has no dot. [control] */
static inline const char *ckpt_module_last(const ckpt_module *module)
{
        return CKPT_API(module)->module_last(module);
}

/** One of CKPT_ROLE_…; what the engine said, or what was found when the model was derived. [control] */
static inline int32_t ckpt_module_role(const ckpt_module *module)
{
        return CKPT_API(module)->module_role(module);
}

/** The engine's own tag of ckpt_model_add_module, or NULL; always NULL in a derived model. [control] */
static inline const char *ckpt_module_tag(const ckpt_module *module)
{
        return CKPT_API(module)->module_tag(module);
}

/**
 * How many parameters the module owns itself, those of modules below it not counted. 0 for a module of which
 * only the name is known: should_skip_module and module_style are asked about such too. [control]
 */
static inline uint32_t ckpt_module_param_count(const ckpt_module *module)
{
        return CKPT_API(module)->module_param_count(module);
}

/** A parameter's name within its module, "weight"; NULL past the last. [control] */
static inline const char *ckpt_module_param_name(const ckpt_module *module, uint32_t index)
{
        return CKPT_API(module)->module_param_name(module, index);
}

/**
 * Gives a parameter of a special module its whole, unsharded value, from handle_special_instance_module;
 * `param` is the name within the module. The runtime shards and casts it. A parameter that the module does
 * not have, or has already been given, is CKPT_E_PLUGIN, which names it; a NULL tensor counts as not given,
 * and a parameter that was not given one is CKPT_E_MISSING. [control]
 */
static inline void ckpt_module_assign(ckpt_mapper *m, const ckpt_module *module, const char *param,
                                      const ckpt_tensor *tensor)
{
        CKPT_API(m)->module_assign(m, module, param, tensor);
}

/**
 * Adds a parameter to a derived model, and its module with it, after those that are there. `module` "" is the
 * root; `role` is CKPT_ROLE_… and counts where the module is new. Dtype and shape follow from what the
 * load loop describes for it. A parameter that is there already is left alone. Names are copied. NULL, an
 * empty `param` or an unknown role are CKPT_E_PLUGIN; failures end the load when the slot returns. [control]
 */
static inline void ckpt_model_add_param(ckpt_model_builder *builder, const char *module, const char *param,
                                        int32_t role)
{
        CKPT_API(builder)->model_add_param(builder, module, param, role);
}

/*
 * Rules, filled by a mapper's `map_weights`, base first, so that later rules are those of more derived
 * components. All [control]; strings, arrays and structs are copied. What is no rule (NULL, an empty string,
 * an unknown flag) is CKPT_E_PLUGIN and ends the load after map_weights.
 *
 *         static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"};
 *         const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP), row = CKPT_SHARD_ROW(CKPT_GROUP_TP);
 *
 *         ckpt_rules_fuse(rules, "qkv_proj", qkv, 3);
 *         ckpt_rules_style(rules, "**.qkv_proj", &column);
 *         ckpt_rules_style(rules, "**.o_proj", &row);
 *         ckpt_rules_stage(rules, "model.embed_tokens", CKPT_STAGE_FIRST | CKPT_STAGE_REQUIRED);
 *         ckpt_rules_stage(rules, "model.layers", CKPT_STAGE_LAYER);
 *         if (ckpt_config_bool(m->config, "tie_word_embeddings", false))
 *                 ckpt_rules_skip(rules, "lm_head", "tie_word_embeddings");
 */

/**
 * Modules whose last component is `target` are made of the sibling modules `sources`, in this order: each
 * parameter is the sources' parameters of that name, sharded one by one by the target's style and put
 * together along axis 0. So rank 1 of 2 holds the second half of q, then of k, then of v:
 *
 *         x.qkv_proj.weight = concat(0, half(x.q_proj.weight), half(x.k_proj.weight), half(x.v_proj.weight))
 *
 * `target` and `sources` are single components, `count` at least 1. Some of the sources without the others
 * are CKPT_E_MISSING. Where none is there, a checkpoint that holds the target itself is taken as it is, if
 * nothing divides it; else CKPT_E_UNSUPPORTED: a mapper must split it (preprocess_weights). Sources of
 * different dtypes are cast to the parameter's, or are CKPT_E_MISMATCH where that is not known. A rule of
 * the same target is replaced, and that is logged.
 */
static inline void ckpt_rules_fuse(ckpt_rules *rules, const char *target, const char *const *sources,
                                   uint32_t count)
{
        CKPT_API(rules)->rules_fuse(rules, target, sources, count);
}

/**
 * Adds a callback: it is called once per source of a fused module, with the source's name and its weights
 * ("weight", "bias"), in the order of the additions, and returns the weights to go on with: those that it
 * was given, or a view of ckpt_weights_set. `m` is the top of the chain. NULL is CKPT_E_PLUGIN, except after
 * ckpt_fail. Sources of which the checkpoint has nothing are passed over. Key and value heads that more ranks
 * share than there are heads are repeated here (ckpt_tensor_repeat_blocks). [control]
 */
static inline void ckpt_rules_callback(ckpt_rules *rules, ckpt_callback callback)
{
        CKPT_API(rules)->rules_callback(rules, callback);
}

/**
 * Modules that match, and all below them, are not loaded: their parameters have no data, and tensors of the
 * checkpoint that belong to them are not left over. `rule` is how this is named to the user
 * (ckpt_param.skipped). The first rule that matches gives the name; the embedder's skip_modules come before
 * all of them.
 */
static inline void ckpt_rules_skip(ckpt_rules *rules, const char *pattern, const char *rule)
{
        CKPT_API(rules)->rules_skip(rules, pattern, rule);
}

/**
 * Modules that match, themselves and not those below them, are sharded so; the last rule that matches wins.
 * Without one a module is replicated. Fused modules are named by their target ("**.qkv_proj").
 */
static inline void ckpt_rules_style(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard)
{
        CKPT_API(rules)->rules_style(rules, pattern, shard);
}

/**
 * Modules that match belong to these pipeline ranks (CKPT_STAGE_…); the last rule that matches wins, and
 * a module that no rule names belongs to every rank. With CKPT_STAGE_LAYER the pattern names the layers'
 * list, "model.layers": the component after it is the layer's number (decimal, without leading zeros), and
 * it covers everything below. Without it a pattern covers the module alone; "vision_tower.**" covers what is
 * below. Layers are num_hidden_layers of the configuration, or else as many as the weights' names show, and
 * ckpt_mapping_layer_rank divides them.
 *
 * A derived model is checked by these rules on every rank: a REQUIRED module that is not there and not
 * skipped, and a layer that is missing, is CKPT_E_MISSING; a layer too many is CKPT_E_UNUSED.
 */
static inline void ckpt_rules_stage(ckpt_rules *rules, const char *pattern, uint32_t stage)
{
        CKPT_API(rules)->rules_stage(rules, pattern, stage);
}

#ifdef __cplusplus
}
#endif

#endif
