/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_INTERFACES_H
#define CKPT_INTERFACES_H

/*
 * The four interfaces of a checkpoint format
 *
 *   checkpoint loader   recognises a format and orchestrates the other three
 *   config loader       the checkpoint's configuration        -> ckpt_config
 *   weight loader       its files, headers only               -> ckpt_weights
 *   weight mapper       its names and tensors -> the model's  -> descriptions
 *
 * Each is a table of slots, constant data of the plugin. A NULL slot is inherited: from the component that
 * this one is based on, in the end from the runtime. A component of (format, model) is based on the one of
 * (format), that on the one of the format's declared parent (`extends`), that on the runtime's own behaviour.
 * Mappers see whole, unsharded tensors in the checkpoint's dtype; sharding, concatenation, the cast to the
 * parameter's dtype and the comparison of shapes are the runtime's.
 *
 * All slots are [control] unless they say otherwise. `create` (sets self->impl; a failure ends the load) and
 * `destroy` (called after every successful create, in the order mapper, weight loader, config loader,
 * checkpoint loader, derived before base) are never inherited: each component has its own. A component
 * without `create` counts as created. A weight loader that the weights still need is destroyed with them.
 *
 * How a load finds its components: the format is the embedder's word, or that of the checkpoint loader that
 * was chosen, or that of the highest probe, or "HF". Of each kind the chain then is (format, model),
 * (format), and the same of the parent format, and of its parent, each format once. A component that was
 * given or asked for by its id stands before what its own key finds below it. A config loader or weight
 * loader that nobody has is CKPT_E_NOT_FOUND; a checkpoint loader and a mapper end on the runtime's own.
 *
 * Slots that return ckpt_status return 0 or what ckpt_fail or a service gave them (ckpt/abi.h); slots that
 * return objects return NULL after ckpt_fail. Arguments are never NULL unless it is said, and are the
 * runtime's.
 */

#include <ckpt/config.h>
#include <ckpt/module.h>
#include <ckpt/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Type of an option's value; ckpt_option_bool, _i64 and _string (ckpt/report.h) read it. */
enum {
        CKPT_OPTION_BOOL = 1,
        CKPT_OPTION_I64 = 2,
        CKPT_OPTION_STRING = 3
};

/**
 * An option that a component reads (the field's **kwargs). The user writes SLOT.NAME=VALUE, where SLOT is
 * "checkpoint", "config", "weights" or "mapper". A key that the chosen components do not declare is
 * CKPT_E_INVALID, and so is a value that is not of the type. Constant data of the plugin; names have letters,
 * digits, '.', '_' and '-'.
 *
 *         static const ckpt_option consolidated = {
 *                 .struct_size = sizeof(consolidated), .type = CKPT_OPTION_BOOL, .name = "use_consolidated",
 *                 .fallback = "false", .description = "read consolidated.safetensors",
 *         };
 */
typedef struct ckpt_option {
        uint32_t struct_size;
        int32_t type;
        const char *name;
        const char *fallback;    /**< the default, written as the user would; NULL: false, 0 or no string */
        const char *description; /**< one line */
} ckpt_option;

/** Recognises checkpoints of one format, and runs its components. */
typedef struct ckpt_checkpoint_loader {
        uint32_t struct_size;
        uint32_t n_options;
        const ckpt_option *const *options;

        ckpt_status (*create)(ckpt_frame *self);
        void (*destroy)(ckpt_frame *self);

        /**
         * How sure it is that the source is a checkpoint of its format: 0 (not at all) to 100. Looks at names
         * and a few bytes; records nothing (what is recorded is dropped). The only slot that runs without
         * `create`: self->impl, config, architecture and format are NULL. Never inherited: NULL means "never
         * chosen by looking". Not called where the format is known. Equal best scores of two loaders are
         * CKPT_E_AMBIGUOUS unless the user chooses; a score outside 0 … 100 counts as 0. [control]
         */
        int32_t (*probe)(ckpt_frame *self, const ckpt_source *source);

        /**
         * Fills the builder with the configuration. NULL: the config loader's `load`, which an override
         * reaches with ckpt_checkpoint_loader_load_config(self->base, …). Not called where the embedder gave
         * the configuration.
         */
        ckpt_status (*load_config)(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder);

        /**
         * Names the checkpoint's tensors. NULL: the weight loader's `load_weights`, with the load's mapping,
         * which an override reaches with ckpt_checkpoint_loader_load_weights(self->base, …). Not called where
         * the embedder gave weights.
         */
        ckpt_status (*load_weights)(ckpt_frame *self, const ckpt_source *source,
                                    ckpt_weights_builder *builder);

        /**
         * Gives a mapper on which init_model_and_config has succeeded. NULL: the one that is looked up by
         * format and architecture. An override asks for another with ckpt_checkpoint_loader_get_mapper.
         * Called once, when configuration and weights are there. Success without a mapper is CKPT_E_PLUGIN.
         */
        ckpt_status (*get_initialized_weight_mapper)(ckpt_frame *self, ckpt_mapper **ret_mapper);

        /** When the load is freed, whether it succeeded or not, before any destroy. NULL: nothing. */
        void (*cleanup)(ckpt_frame *self);
} ckpt_checkpoint_loader;

/** Reads the configuration. */
typedef struct ckpt_config_loader {
        uint32_t struct_size;
        uint32_t n_options;
        const ckpt_option *const *options;

        ckpt_status (*create)(ckpt_frame *self);
        void (*destroy)(ckpt_frame *self);

        /**
         * Fills the builder; must set "architecture" (or "architectures": ckpt/config.h). Wrong types and
         * ranges are errors that name the key, CKPT_E_CORRUPT. `source` and `builder` are valid during the
         * call. There is no default: a chain without it is CKPT_E_NOT_FOUND.
         */
        ckpt_status (*load)(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder);
} ckpt_config_loader;

/** Flags of a weight loader. */
enum {
        CKPT_READ_CONCURRENT = 1 /**< `read` may run on several workers at once */
};

/** Names the checkpoint's tensors, and reads those that the runtime cannot read itself. */
typedef struct ckpt_weight_loader {
        uint32_t struct_size;
        uint32_t n_options;
        const ckpt_option *const *options;

        ckpt_status (*create)(ckpt_frame *self);
        void (*destroy)(ckpt_frame *self);

        /**
         * Adds every tensor of the checkpoint to the builder, as leaves or expressions, from headers alone:
         * names, dtypes and shapes are the checkpoint's own, whole and in the order of the files. No default:
         * CKPT_E_NOT_FOUND. `mapping` lets a format that stores ranks apart choose; others ignore it.
         * self->config is NULL where weights are asked for before the configuration.
         */
        ckpt_status (*load_weights)(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                    ckpt_weights_builder *builder);

        uint32_t flags;
        uint32_t reserved0;

        /**
         * For leaves of kind READER: fills `buffer` with exactly `size` bytes from `offset` of the tensor
         * that the cookie names, or fails. Keeps no pointer. SEQUENTIAL leaves are framed by open and close,
         * and their offsets ascend; WHOLE leaves are asked for from offset 0 for all of their size, once for
         * each parameter that uses them. Without CKPT_READ_CONCURRENT calls are serial but come from several
         * workers, and several SEQUENTIAL tensors may be open together: what is remembered is remembered per
         * cookie. With it self->impl is shared by several threads. May be NULL where no leaf is of kind READER, else CKPT_E_PLUGIN. A failure (ckpt_fail may
         * be called from here) ends the load. [worker]
         */
        ckpt_status (*read)(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer, uint64_t size);
        /**
         * SEQUENTIAL leaves: before the first read, on the same worker. A failure ends the load, without
         * `close`. May come more than once for one cookie. Serial as `read`. NULL: nothing. [worker]
         */
        ckpt_status (*open)(ckpt_frame *self, uint64_t cookie);
        /**
         * SEQUENTIAL leaves: after the last read, or after one that failed, on the same worker. Serial as
         * `read`. NULL: nothing. [worker]
         */
        void (*close)(ckpt_frame *self, uint64_t cookie);
} ckpt_weight_loader;

/** Turns the checkpoint's names and tensors into the model's. */
typedef struct ckpt_weight_mapper {
        uint32_t struct_size;
        uint32_t n_options;
        const ckpt_option *const *options;

        ckpt_status (*create)(ckpt_frame *self);
        void (*destroy)(ckpt_frame *self);

        /**
         * Checks that this mapper can serve the configuration; self->config, self->weights and self->mapping
         * are set. An override calls base. NULL inherits; the runtime's own does nothing. The place to read
         * what the other slots need of the configuration into self->impl, and to say CKPT_E_UNSUPPORTED to
         * what this mapper does not know (a quantization, say).
         */
        ckpt_status (*init_model_and_config)(ckpt_mapper *m);

        /**
         * Adds to the mapper's rules (ckpt/module.h). Additive: called once for every component of the chain,
         * base first, so an override does not call base. `rules` is valid during the call.
         */
        void (*map_weights)(ckpt_mapper *m, ckpt_rules *rules);

        /**
         * A checkpoint key's new name: the name itself, another (ckpt_string_concat), or NULL to drop the
         * tensor. Two keys with one new name are CKPT_E_AMBIGUOUS, which names both; an empty one is
         * CKPT_E_INVALID. Called once per key, after the embedder's params_map has had it. The result must
         * live as long as the load. The runtime's own keeps the name.
         */
        const char *(*rename)(ckpt_mapper *m, const char *name);

        /**
         * Edits the whole dictionary, under its renamed keys, before the load loop. Returns the view to go
         * on with: `weights` itself (the runtime's own), or one of ckpt_weights_set. For what concerns more
         * than one parameter: splitting what is stored fused, stacking experts, applying scales. Tensors that
         * are in no entry any more count as dropped. NULL is CKPT_E_PLUGIN.
         */
        const ckpt_weights *(*preprocess_weights)(ckpt_mapper *m, const ckpt_weights *weights);

        /**
         * Once per source of a fused module: `weights` are the source's own, `source` its last name
         * ("k_proj"). NULL inherits; the runtime's own runs the callbacks of the rules. Returns the weights
         * to go on with, never NULL (CKPT_E_PLUGIN). Tensors are whole here: sharding follows.
         */
        const ckpt_weights *(*apply_callbacks)(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                               const ckpt_weights *weights);

        /**
         * The whole value of parameter `name` of a module that is not fused; `weights` are the module's own.
         * The runtime's own is ckpt_weights_get(weights, name). NULL: the checkpoint does not have it, which
         * the runtime records as CKPT_E_MISSING with the nearest names. Another shape than the parameter's,
         * after sharding, is CKPT_E_MISMATCH. An override for norms stored as w - 1:
         *
         *         value = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);
         *         return is_norm(module) ? ckpt_tensor_add_scalar(value, 1.0) : value;
         */
        const ckpt_tensor *(*handle_manual_copy)(ckpt_mapper *m, const ckpt_module *module,
                                                 const ckpt_weights *weights, const char *name);

        /**
         * Nonzero for a module that the next slot handles; not asked for fused ones. The runtime's own: 0.
         */
        int32_t (*is_special_instance_module)(ckpt_mapper *m, const ckpt_module *module);
        /**
         * Gives every parameter of a special module its value with ckpt_module_assign; `weights` are the
         * module's own. One that is left without is CKPT_E_MISSING. There is no default: CKPT_E_PLUGIN.
         */
        ckpt_status (*handle_special_instance_module)(ckpt_mapper *m, const ckpt_module *module,
                                                      const ckpt_weights *weights);

        /**
         * The name of the rule by which a module is not loaded ("tie_word_embeddings"), or NULL to load it.
         * The runtime's own answers from the rules. An override calls base for what it does not decide. Also
         * asked about modules that only a left-over tensor's name shows (their parameters are unknown). Asked
         * more than once; the answer must be the same and live as long as the load.
         */
        const char *(*should_skip_module)(ckpt_mapper *m, const ckpt_module *module);

        /**
         * How a module is sharded. *ret_shard is set to "replicated" before. The runtime's own answers from
         * the rules (ckpt_rules_style). A negative axis, an unknown group or a unit below 1 is CKPT_E_PLUGIN.
         */
        void (*module_style)(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard);

        /**
         * Names modules and parameters of a model that the engine did not give, from the renamed weights. The
         * runtime's own: every weight is a parameter of its module, sources of fused targets become the
         * target, and what names cannot show is checked (fused targets have all sources or none; layers are
         * exactly 0 … num_hidden_layers - 1 with equal parameters; required modules exist). Faults of the
         * checkpoint are CKPT_E_MISSING and CKPT_E_UNUSED. Names are those of all pipeline ranks: what others
         * own is left out afterwards. Not called for an engine's own model.
         */
        ckpt_status (*derive_model)(ckpt_mapper *m, const ckpt_weights *weights, ckpt_model_builder *builder);
} ckpt_weight_mapper;

/**
 * A table with the key under which it is found. `model` NULL: the format's default. `extends` names a parent
 * format whose components serve where this format has none (or a slot is NULL); only read where model is
 * NULL. Constant data; format, model and extends have 1 to 200 letters, digits, '.', '_', '-'. `as` holds the
 * table of `kind`. Two registered components of one (kind, format, model) are CKPT_E_AMBIGUOUS. Written with
 * the macros of ckpt/plugin.h.
 */
typedef struct ckpt_component {
        uint32_t struct_size;
        ckpt_kind kind;
        const char *format;
        const char *model;
        const char *extends;
        int32_t rank;   /**< reserved: 0 */
        uint32_t flags; /**< reserved: 0 */
        union {
                const ckpt_checkpoint_loader *checkpoint_loader;
                const ckpt_config_loader *config_loader;
                const ckpt_weight_loader *weight_loader;
                const ckpt_weight_mapper *weight_mapper;
        } as;
} ckpt_component;

/*
 * Calling a slot through its chain [control]: from a frame downwards, the first component that defines the
 * slot is asked. With self->base this is "super", with self->top it is the whole component. With plain `self`
 * a slot would call itself. Each has the arguments, result and errors of its slot. A frame of another kind of
 * component is CKPT_E_PLUGIN, recorded; functions without a status then give NULL, 0 or what they were given.
 */

/** The checkpoint loader's load_config; at the end of the chain the config loader's `load`. */
static inline ckpt_status ckpt_checkpoint_loader_load_config(ckpt_frame *self, const ckpt_source *source,
                                                             ckpt_config_builder *builder)
{
        return self->api->checkpoint_loader_load_config(self, source, builder);
}

/** The checkpoint loader's load_weights; at the end of the chain the weight loader's `load_weights`. */
static inline ckpt_status ckpt_checkpoint_loader_load_weights(ckpt_frame *self, const ckpt_source *source,
                                                              ckpt_weights_builder *builder)
{
        return self->api->checkpoint_loader_load_weights(self, source, builder);
}

/**
 * For a checkpoint loader: looks up the mapper of (format, model), NULL for its own format and the
 * configuration's architecture, creates it and runs its init_model_and_config. The load owns it, also where
 * that failed, and destroys it when it is freed. Not a slot: any frame of a checkpoint loader gives the same.
 * CKPT_E_NOT_FOUND when a strict load has no mapper made for the architecture.
 */
static inline ckpt_status ckpt_checkpoint_loader_get_mapper(ckpt_frame *self, const char *format,
                                                            const char *model, ckpt_mapper **ret_mapper)
{
        return self->api->checkpoint_loader_get_mapper(self, format, model, ret_mapper);
}

/** The config loader's load. CKPT_E_NOT_FOUND where no component below has one. */
static inline ckpt_status ckpt_config_loader_load(ckpt_frame *self, const ckpt_source *source,
                                                  ckpt_config_builder *builder)
{
        return self->api->config_loader_load(self, source, builder);
}

/** The weight loader's load_weights. CKPT_E_NOT_FOUND where no component below has one. */
static inline ckpt_status ckpt_weight_loader_load_weights(ckpt_frame *self, const ckpt_source *source,
                                                          const ckpt_mapping *mapping,
                                                          ckpt_weights_builder *builder)
{
        return self->api->weight_loader_load_weights(self, source, mapping, builder);
}

/** The mapper's init_model_and_config: an override calls it with m->base. */
static inline ckpt_status ckpt_mapper_init_model_and_config(ckpt_mapper *m)
{
        return m->api->mapper_init_model_and_config(m);
}

/** The mapper's rename. The name itself at the end of the chain; NULL drops the tensor. */
static inline const char *ckpt_mapper_rename(ckpt_mapper *m, const char *name)
{
        return m->api->mapper_rename(m, name);
}

/**
 * The mapper's preprocess_weights. Never NULL: where the slot fails, it is recorded and `weights` comes back.
 */
static inline const ckpt_weights *ckpt_mapper_preprocess_weights(ckpt_mapper *m, const ckpt_weights *weights)
{
        return m->api->mapper_preprocess_weights(m, weights);
}

/** The mapper's apply_callbacks; at the end of the chain the callbacks of the rules, for all of the chain. */
static inline const ckpt_weights *ckpt_mapper_apply_callbacks(ckpt_mapper *m, const ckpt_module *module,
                                                              const char *source, const ckpt_weights *weights)
{
        return m->api->mapper_apply_callbacks(m, module, source, weights);
}

/**
 * The mapper's handle_manual_copy; at the end of the chain ckpt_weights_get(weights, name), which may be
 * NULL.
 */
static inline const ckpt_tensor *ckpt_mapper_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                                const ckpt_weights *weights, const char *name)
{
        return m->api->mapper_handle_manual_copy(m, module, weights, name);
}

/** The mapper's is_special_instance_module; 0 at the end of the chain. */
static inline int32_t ckpt_mapper_is_special_instance_module(ckpt_mapper *m, const ckpt_module *module)
{
        return m->api->mapper_is_special_instance_module(m, module);
}

/** The mapper's handle_special_instance_module; CKPT_E_PLUGIN at the end of the chain. */
static inline ckpt_status ckpt_mapper_handle_special_instance_module(ckpt_mapper *m,
                                                                     const ckpt_module *module,
                                                                     const ckpt_weights *weights)
{
        return m->api->mapper_handle_special_instance_module(m, module, weights);
}

/**
 * The mapper's should_skip_module; at the end of the chain the rule of ckpt_rules_skip that matches, or NULL.
 */
static inline const char *ckpt_mapper_should_skip_module(ckpt_mapper *m, const ckpt_module *module)
{
        return m->api->mapper_should_skip_module(m, module);
}

/**
 * The mapper's module_style; *ret_shard is always set. At the end of the chain the last style that matches.
 */
static inline void ckpt_mapper_module_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        m->api->mapper_module_style(m, module, ret_shard);
}

/** The mapper's derive_model; an override adds its own parameters before or after it, with m->base. */
static inline ckpt_status ckpt_mapper_derive_model(ckpt_mapper *m, const ckpt_weights *weights,
                                                   ckpt_model_builder *builder)
{
        return m->api->mapper_derive_model(m, weights, builder);
}

#ifdef __cplusplus
}
#endif

#endif
