/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built against a later SDK: longer structs, a newer minor version. It is no bad plugin and must be
 * accepted.
 */

#include <ckpt/plugin.h>

/* A table of that SDK: ours, and slots that this host has never heard of. */
struct later_mapper {
        ckpt_weight_mapper table;
        void (*later_slot)(ckpt_mapper *m);
        uint64_t later_member;
};

struct later_plugin {
        ckpt_plugin plugin;
        uint64_t later_member;
};

static const struct later_mapper mapper = {.table = {.struct_size = sizeof(mapper)}, .later_member = 1};

static const ckpt_component component = {.struct_size = sizeof(component) + 8, /* nothing reads beyond ours */
                                         .kind = CKPT_KIND_WEIGHT_MAPPER,
                                         .format = "NEWER",
                                         .as = {.weight_mapper = &mapper.table}};
static const ckpt_component *const components[] = {&component};

extern CKPT_EXPORT const struct later_plugin ckpt_plugin_entry;
CKPT_EXPORT const struct later_plugin ckpt_plugin_entry = {
        .plugin = {.struct_size = sizeof(struct later_plugin),
                   .abi_major = CKPT_ABI_MAJOR,
                   .abi_minor = CKPT_ABI_MINOR + 7,
                   .id = "test.newer",
                   .version = "9.0.0",
                   .description = "A plugin of the tests",
                   .license = "Apache-2.0",
                   .components = components,
                   .n_components = 1},
        .later_member = 1};
