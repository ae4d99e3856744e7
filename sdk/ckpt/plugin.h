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
 * The entry is constant data and is judged before any code of the plugin runs. docs/abi.md has the numbered
 * duties of both sides.
 */

#include <ckpt/interfaces.h>

#ifdef __cplusplus
extern "C" {
#endif

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

        /** Once, after the plugin was accepted; a failure refuses it. Optional. [scan] */
        ckpt_status (*init)(const ckpt_api *api);
        /** Once, when the host ends, if init succeeded. The file stays mapped. Optional. [scan] */
        void (*deinit)(void);
        /** Interfaces beyond these four, by a versioned name ("ckpt.name/1"). Optional. [any-thread] */
        const void *(*get_extension)(const char *id);
} ckpt_plugin;

/** Name of the symbol that a plugin exports. */
#define CKPT_PLUGIN_SYMBOL "ckpt_plugin_entry"

#ifndef CKPT_PLUGIN_STATIC
#        define CKPT_PLUGIN_NAME ckpt_plugin_entry
#else
#        define CKPT_PLUGIN_PASTE_(a, b) a##b
#        define CKPT_PLUGIN_PASTE(a, b)  CKPT_PLUGIN_PASTE_(a, b)
#        define CKPT_PLUGIN_NAME         CKPT_PLUGIN_PASTE(ckpt_plugin_, CKPT_PLUGIN_STATIC)
#endif

/** Components, for CKPT_PLUGIN. `model_` NULL is the format's default; `extends_` a parent format, or NULL.
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

/** Defines the plugin's entry; the components follow the description. */
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
