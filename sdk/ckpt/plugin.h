/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_PLUGIN_H
#define CKPT_PLUGIN_H

/*
 * A plugin: one shared object, one exported symbol
 *
 * Include this header, define tables of the interfaces (ckpt/interfaces.h), end with
 *
 *         CKPT_PLUGIN("org.example.mine", "1.0.0", "Apache-2.0", "What it is for",
 *                     CKPT_WEIGHT_MAPPER("HF", "MyModelForCausalLM", &my_mapper));
 *
 * build with hidden visibility, and put the .so into a plugin directory. It links to nothing but libc. The
 * same source is linked into a program with -DCKPT_PLUGIN_STATIC=name, which calls its struct
 * `ckpt_plugin_name`, and is added with ckpt_host_add_plugin.
 *
 * The entry is constant data and is judged before any code of the plugin runs; ckpt/abi.h has the rules that
 * both sides keep. A plugin is accepted whole or not at all.
 */

#include <ckpt/interfaces.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a plugin is. All of it is constant data that lives as long as the process: the host keeps pointers to
 * it. Strings are not NULL and not empty; ids "ckpt" and "embedder" are the runtime's. Refusals say why
 * (ckpt_plugin_info): CKPT_E_UNSUPPORTED for another major version, CKPT_E_AMBIGUOUS for an id or a key that
 * another plugin has, CKPT_E_PLUGIN for data that is not well-formed, `init`'s own status.
 */
typedef struct ckpt_plugin {
        uint32_t struct_size;
        uint32_t abi_major; /**< must equal the host's */
        uint32_t abi_minor; /**< may be newer than the host's: what the host does not know is not used */
        uint32_t flags;     /**< reserved: 0 */
        const char *id;     /**< reverse domain, "org.example.mine": letters, digits, '.', '_', '-' */
        const char *version;
        const char *description;
        const char *license; /**< an SPDX expression */
        const ckpt_component *const *components;
        uint32_t n_components;
        uint32_t reserved0;

        /**
         * Once per host, after the rest was found to be good; a failure refuses the plugin. There is no frame
         * to record a reason on: the status alone is reported. `api` lives on. Optional. [scan]
         */
        ckpt_status (*init)(const ckpt_api *api);
        /**
         * Once per host, when it ends, if the plugin was in use; last plugin first. No load of that host is
         * left. On whichever thread gives up the host's last reference, which may be a model's or that of
         * weights. The file stays mapped. Optional.
         */
        void (*deinit)(void);
        /**
         * Interfaces beyond these four, by a versioned name ("ckpt.name/1"): constant data, or NULL for a
         * name that it does not know. This version of the host asks for none. Optional. [any-thread]
         */
        const void *(*get_extension)(const char *id);
} ckpt_plugin;

/** Name of the symbol that a plugin exports: a ckpt_plugin, not a function. */
#define CKPT_PLUGIN_SYMBOL "ckpt_plugin_entry"

#ifndef CKPT_PLUGIN_STATIC
#        define CKPT_PLUGIN_NAME ckpt_plugin_entry
#else
#        define CKPT_PLUGIN_PASTE_(a, b) a##b
#        define CKPT_PLUGIN_PASTE(a, b)  CKPT_PLUGIN_PASTE_(a, b)
#        define CKPT_PLUGIN_NAME         CKPT_PLUGIN_PASTE(ckpt_plugin_, CKPT_PLUGIN_STATIC)
#endif

/**
 * Components, for CKPT_PLUGIN: each is a pointer to constant data of static storage. `table_` points to a
 * table of ckpt/interfaces.h. `model_` NULL is the format's default; `extends_` a parent format, or NULL.
 *
 *         CKPT_PLUGIN("org.example.gguf", "1.0.0", "MIT", "GGUF files",
 *                     CKPT_CHECKPOINT_LOADER("GGUF", "HF", &checkpoint_loader),
 *                     CKPT_WEIGHT_LOADER("GGUF", "HF", &weight_loader),
 *                     CKPT_WEIGHT_MAPPER("GGUF", "LlamaForCausalLM", &llama_mapper));
 *
 * leaves the configuration and all other mappers to format "HF".
 */
#define CKPT_COMPONENT_(kind_, format_, model_, extends_, member_, table_)                   \
        &(const ckpt_component)                                                              \
        {                                                                                    \
                .struct_size = sizeof(ckpt_component), .kind = (kind_), .format = (format_), \
                .model = (model_), .extends = (extends_),                                    \
                .as = {.member_ = (table_) }                                                 \
        }
#define CKPT_CHECKPOINT_LOADER(format_, extends_, table_) \
        CKPT_COMPONENT_(CKPT_KIND_CHECKPOINT_LOADER, format_, NULL, extends_, checkpoint_loader, table_)
#define CKPT_CONFIG_LOADER(format_, extends_, table_) \
        CKPT_COMPONENT_(CKPT_KIND_CONFIG_LOADER, format_, NULL, extends_, config_loader, table_)
#define CKPT_WEIGHT_LOADER(format_, extends_, table_) \
        CKPT_COMPONENT_(CKPT_KIND_WEIGHT_LOADER, format_, NULL, extends_, weight_loader, table_)
#define CKPT_WEIGHT_MAPPER(format_, model_, table_) \
        CKPT_COMPONENT_(CKPT_KIND_WEIGHT_MAPPER, format_, model_, NULL, weight_mapper, table_)
/** A format's default mapper with a parent format. */
#define CKPT_WEIGHT_MAPPER_EXTENDS(format_, extends_, table_) \
        CKPT_COMPONENT_(CKPT_KIND_WEIGHT_MAPPER, format_, NULL, extends_, weight_mapper, table_)

/**
 * Defines the plugin's entry; the components, at least one, follow the description. Once per plugin, at the
 * end of one file of it. Without init, deinit and get_extension: a plugin that wants them defines the struct
 * CKPT_PLUGIN_NAME itself, as this does.
 */
#define CKPT_PLUGIN(id_, version_, license_, description_, ...)                                       \
        extern CKPT_EXPORT const ckpt_plugin CKPT_PLUGIN_NAME;                                        \
        static const ckpt_component *const ckpt_plugin_components_[] = {__VA_ARGS__};                 \
        CKPT_EXPORT const ckpt_plugin CKPT_PLUGIN_NAME = {                                            \
                .struct_size = sizeof(ckpt_plugin),                                                   \
                .abi_major = CKPT_ABI_MAJOR,                                                          \
                .abi_minor = CKPT_ABI_MINOR,                                                          \
                .id = (id_),                                                                          \
                .version = (version_),                                                                \
                .description = (description_),                                                        \
                .license = (license_),                                                                \
                .components = ckpt_plugin_components_,                                                \
                .n_components = sizeof(ckpt_plugin_components_) / sizeof(ckpt_plugin_components_[0]), \
        }

#ifdef __cplusplus
}
#endif

#endif
