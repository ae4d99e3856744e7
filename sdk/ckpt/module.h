/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MODULE_H
#define CKPT_MODULE_H

/*
 * Modules, and the rules of a mapper
 *
 * The load loop walks the modules of the model (given by the engine, or derived from the weights). A
 * module is what a mapper sees of it: a dotted name, the parameters that it owns itself, and a role.
 *
 * Patterns match whole module names component by component: `*` is any characters within a component,
 * `**` any number of components, none included. "**.q_proj" matches "q_proj" and "model.layers.0.q_proj".
 */

#include <ckpt/weights.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a module is, as far as the runtime knows. */
enum {
        CKPT_ROLE_PLAIN = 0, /**< norms and everything else: parameters are copied one by one */
        CKPT_ROLE_LINEAR = 1,
        CKPT_ROLE_FUSED = 2, /**< several sources of the checkpoint make one target */
        CKPT_ROLE_EMBEDDING = 3,
        CKPT_ROLE_SPECIAL = 4 /**< the mapper assigns its parameters itself */
};

/** The module's whole name, "model.layers.0.self_attn.qkv_proj". [control] */
static inline const char *ckpt_module_name(const ckpt_module *module)
{
        return CKPT_API(module)->module_name(module);
}

/** The last component of the name, "qkv_proj". [control] */
static inline const char *ckpt_module_last(const ckpt_module *module)
{
        return CKPT_API(module)->module_last(module);
}

/** One of CKPT_ROLE_…. [control] */
static inline int32_t ckpt_module_role(const ckpt_module *module)
{
        return CKPT_API(module)->module_role(module);
}

/** The engine's own tag, or NULL. [control] */
static inline const char *ckpt_module_tag(const ckpt_module *module)
{
        return CKPT_API(module)->module_tag(module);
}

/** How many parameters the module owns itself. [control] */
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
 * Gives a parameter of a special module its whole, unsharded value. A parameter that the module does not
 * have, or has already been given, is an error that names it. [control]
 */
static inline void ckpt_module_assign(ckpt_mapper *m, const ckpt_module *module, const char *param,
                                      const ckpt_tensor *tensor)
{
        CKPT_API(m)->module_assign(m, module, param, tensor);
}

/**
 * Adds a parameter to a derived model, and its module with it. Dtype and shape follow from what the
 * load loop describes for it. A parameter that is there already is left alone. [control]
 */
static inline void ckpt_model_add_param(ckpt_model_builder *builder, const char *module, const char *param,
                                        int32_t role)
{
        CKPT_API(builder)->model_add_param(builder, module, param, role);
}

/*
 * Rules, filled by a mapper's `map_weights`, base first. All [control]; strings are copied.
 */

/**
 * Modules whose last component is `target` are made of the sibling modules `sources`, in this order: each
 * parameter is the sources' parameters of that name, sharded one by one and put together along axis 0.
 * All sources have the parameter or none has. A target that is there already is replaced, and logged.
 */
static inline void ckpt_rules_fuse(ckpt_rules *rules, const char *target, const char *const *sources,
                                   uint32_t count)
{
        CKPT_API(rules)->rules_fuse(rules, target, sources, count);
}

/**
 * Adds a callback: it is called once per source of a fused module, with the source's name and its weights
 * ("weight", "bias"), in the order of the additions, and returns the weights to go on with.
 */
static inline void ckpt_rules_callback(ckpt_rules *rules, ckpt_callback callback)
{
        CKPT_API(rules)->rules_callback(rules, callback);
}

/** Modules that match are not loaded; `rule` is how this is named to the user. */
static inline void ckpt_rules_skip(ckpt_rules *rules, const char *pattern, const char *rule)
{
        CKPT_API(rules)->rules_skip(rules, pattern, rule);
}

/** Modules that match are sharded so; the last rule that matches wins. Without one a module is replicated. */
static inline void ckpt_rules_style(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard)
{
        CKPT_API(rules)->rules_style(rules, pattern, shard);
}

/**
 * Modules that match belong to these pipeline ranks (CKPT_STAGE_…); the last rule that matches wins, and
 * a module that no rule names belongs to every rank. With CKPT_STAGE_LAYER the pattern names the layers'
 * list, "model.layers": the component after it is the layer's number, and it covers everything below.
 */
static inline void ckpt_rules_stage(ckpt_rules *rules, const char *pattern, uint32_t stage)
{
        CKPT_API(rules)->rules_stage(rules, pattern, stage);
}

#ifdef __cplusplus
}
#endif

#endif
