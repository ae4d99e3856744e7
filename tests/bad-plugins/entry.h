/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BAD_PLUGINS_ENTRY_H
#define CKPT_BAD_PLUGINS_ENTRY_H

/*
 * An entry written by hand, so that one member of it can be wrong. The initialisers given come last
 * and win.
 */

#include <ckpt/plugin.h>

#define BAD_ENTRY(id_, components_, count_, ...)                                                           \
        extern CKPT_EXPORT const ckpt_plugin ckpt_plugin_entry;                                            \
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Woverride-init\"")               \
                CKPT_EXPORT const ckpt_plugin ckpt_plugin_entry = {.struct_size = sizeof(ckpt_plugin),     \
                                                                   .abi_major = CKPT_ABI_MAJOR,            \
                                                                   .abi_minor = CKPT_ABI_MINOR,            \
                                                                   .id = (id_),                            \
                                                                   .version = "1.0.0",                     \
                                                                   .description = "A plugin of the tests", \
                                                                   .license = "Apache-2.0",                \
                                                                   .components = (components_),            \
                                                                   .n_components = (count_),               \
                                                                   __VA_ARGS__};                           \
        _Pragma("GCC diagnostic pop") struct bad_entry_semicolon

#endif
