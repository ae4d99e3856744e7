/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for the runtime, for tests of the HF plugin alone: the services of the SDK that its loaders
 * use, over files in memory. What is reported, built and asked for is written down.
 */
#ifndef TEST_HF_HOST_H
#define TEST_HF_HOST_H

#include <ckpt/plugin.h>

enum {
        HOST_FILES_MAX = 12,
        HOST_TENSORS_MAX = 16,
        HOST_MEMBERS_MAX = 32,
        HOST_NODES_MAX = 200,
        HOST_RANK_MAX = 4
};

/* What the plugin said, and the options that it is told. A frame's `data` points to it. */
struct host_report {
        int failures, warnings;
        ckpt_status status;
        char message[1024], object[128], tensor[128], hint[256];
        char log[1024];               /* the last line */
        char lines[4096];             /* all of them, each with its newline */
        uint32_t reads, failing_read; /* the read that fails, from 1; 0: none */
        int32_t use_consolidated, allow_trailing, verify;
        const char *pickle_policy, *state_dict;
};

struct ckpt_source {
        const ckpt_api *api;
        struct {
                const char *name;
                const char *bytes;
                size_t size;
        } files[HOST_FILES_MAX];
        uint32_t count;
};

struct ckpt_value {
        const ckpt_api *api;
        char key[64], text[64];
        int32_t type;
        double number;
        struct ckpt_value *members[HOST_MEMBERS_MAX];
        uint32_t count;
};

struct ckpt_config_builder {
        const ckpt_api *api;
        struct ckpt_value root, *open[4];
        uint32_t depth;
        struct ckpt_value *nodes[HOST_NODES_MAX];
        uint32_t n_nodes;
};

/* Leaves by their entries. */
struct ckpt_weights_builder {
        const ckpt_api *api;
        struct {
                char name[64];
                ckpt_leaf leaf; /* its shape and strides are those below */
                int64_t shape[HOST_RANK_MAX], strides[HOST_RANK_MAX];
        } entries[HOST_TENSORS_MAX];
        uint32_t count;
};

extern const ckpt_api host_api;

/* A component of the built plugin, which CKPT_TEST_PLUGINS has as hf.so; the test ends without it. */
const ckpt_component *host_component(ckpt_kind kind);

/* Adds an object; the bytes are not copied. */
void host_add_file(ckpt_source *source, const char *name, const char *bytes, size_t size);
void host_add_text(ckpt_source *source, const char *name, const char *text);

void host_config_init(ckpt_config_builder *builder);
void host_config_deinit(ckpt_config_builder *builder);

#endif
