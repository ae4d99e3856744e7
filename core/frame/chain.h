/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FRAME_CHAIN_H
#define CKPT_FRAME_CHAIN_H

/*
 * A chosen component at work: its chain of frames
 *
 * Link 0 is the component that was chosen (`top`); each link's base is the next; the last link has no
 * component and stands for the runtime's own behaviour. Slots are called with the frame of the link that
 * defines them.
 */

#include <ckpt/plugin.h>

#include "core/base/session.h"

struct ckpt_rules;
struct ckpt_resolver;

/** A component of the registry, and who brought it. */
typedef struct ckpt_registered {
        const ckpt_component *component;
        const char *plugin; /* the plugin's id; "embedder" for one that was never registered */
        const char *id;     /* "org.ckpt.hf:HF" */
        void *data;         /* the embedder's, with ckpt_load_set_component; else NULL */
} ckpt_registered;

typedef struct ckpt_link {
        ckpt_frame frame; /* first, so that a frame is its link */
        ckpt_session *session;
        struct ckpt_chain *chain;
        const ckpt_component *component; /* NULL: the runtime's own */
        const char *plugin;
        bool created;
} ckpt_link;

/** What a chain's runtime-own end needs from the rooms above it; filled by the load, NULL where not wanted.
 */
typedef struct ckpt_chain_host {
        void *context;
        /** checkpoint loader: the default orchestration */
        ckpt_status (*load_config)(void *context, const ckpt_source *source, ckpt_config_builder *builder);
        ckpt_status (*load_weights)(void *context, const ckpt_source *source, ckpt_weights_builder *builder);
        ckpt_status (*get_mapper)(void *context, const char *format, const char *model,
                                  ckpt_mapper **ret_mapper);
} ckpt_chain_host;

typedef struct ckpt_chain {
        ckpt_kind kind;
        ckpt_session *session;
        ckpt_link *links;
        uint32_t count; /* with the runtime's own */
        ckpt_chain_host host;
        struct ckpt_rules *rules;  /* weight mapper: filled before the load loop; owned by the load */
        pthread_mutex_t read_lock; /* weight loader: serialises `read` without CKPT_READ_CONCURRENT */
} ckpt_chain;

static inline ckpt_link *ckpt_link_of(const ckpt_frame *frame)
{
        /* A union, since no cast drops const in silence. */
        const union {
                const ckpt_frame *frame;
                ckpt_link *link;
        } of = {.frame = frame};

        return of.link;
}

/**
 * Makes a chain from components in order, top first, and calls `create` base first. Frames get the session's
 * mapping, format and architecture, and config and weights (may be NULL). On failure everything made is
 * destroyed.
 */
ckpt_status ckpt_chain_new(ckpt_session *session, ckpt_kind kind, const ckpt_registered *components,
                           uint32_t count, const ckpt_config *config, const ckpt_weights *weights,
                           const ckpt_chain_host *host, ckpt_chain **ret_chain);
/** Calls `destroy`, top first. Returns NULL. */
ckpt_chain *ckpt_chain_free(ckpt_chain *chain);
ckpt_frame *ckpt_chain_top(ckpt_chain *chain);
/** Sets config, weights and architecture in every frame of a chain that was made before they were known. */
void ckpt_chain_set(ckpt_chain *chain, const ckpt_config *config, const ckpt_weights *weights,
                    const char *architecture);
/** Whether a component of this chain declares the option of a setting's key, "weights.verify". */
bool ckpt_chain_declares(const ckpt_chain *chain, const char *key);
/** Marks the session's settings that this chain's components declare; a value of the wrong type is recorded.
 */
ckpt_status ckpt_chain_check_settings(ckpt_chain *chain);

/* Slots that the load calls itself, each through the chain. */
ckpt_status ckpt_chain_get_mapper(ckpt_chain *checkpoint_loader, ckpt_mapper **ret_mapper);
void ckpt_chain_cleanup(ckpt_chain *checkpoint_loader);
/** map_weights of every link, base first. */
void ckpt_chain_map_weights(ckpt_chain *mapper, struct ckpt_rules *rules);
/** A worker's read through a weight loader; `reader` is any frame of it. */
ckpt_status ckpt_chain_read(ckpt_frame *reader, uint64_t cookie, uint64_t offset, void *buffer,
                            uint64_t size);
ckpt_status ckpt_chain_read_open(ckpt_frame *reader, uint64_t cookie);
void ckpt_chain_read_close(ckpt_frame *reader, uint64_t cookie);

/* Entries of ckpt_api_table: reports, options, dispatch. */
void ckpt_frame_api_log(const ckpt_frame *self, ckpt_log_level level, const char *message);
ckpt_status ckpt_frame_api_fail(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                                const char *message);
ckpt_status ckpt_frame_api_option_bool(const ckpt_frame *self, const char *key, int32_t *ret_value);
ckpt_status ckpt_frame_api_option_i64(const ckpt_frame *self, const char *key, int64_t *ret_value);
ckpt_status ckpt_frame_api_option_string(const ckpt_frame *self, const char *key, const char **ret_value);
const char *ckpt_frame_api_string_concat(const ckpt_frame *self, const char *a, const char *b, const char *c);

ckpt_status ckpt_chain_api_load_config(ckpt_frame *self, const ckpt_source *source,
                                       ckpt_config_builder *builder);
ckpt_status ckpt_chain_api_load_weights(ckpt_frame *self, const ckpt_source *source,
                                        ckpt_weights_builder *builder);
ckpt_status ckpt_chain_api_get_mapper(ckpt_frame *self, const char *format, const char *model,
                                      ckpt_mapper **ret_mapper);
ckpt_status ckpt_chain_api_config_loader_load(ckpt_frame *self, const ckpt_source *source,
                                              ckpt_config_builder *builder);
ckpt_status ckpt_chain_api_weight_loader_load(ckpt_frame *self, const ckpt_source *source,
                                              const ckpt_mapping *mapping, ckpt_weights_builder *builder);
ckpt_status ckpt_mapper_api_init_model_and_config(ckpt_mapper *m);
void ckpt_mapper_api_map_weights(ckpt_mapper *m, ckpt_rules *rules);
const char *ckpt_mapper_api_rename(ckpt_mapper *m, const char *name);
const ckpt_weights *ckpt_mapper_api_preprocess_weights(ckpt_mapper *m, const ckpt_weights *weights);
const ckpt_weights *ckpt_mapper_api_apply_callbacks(ckpt_mapper *m, const ckpt_module *module,
                                                    const char *source, const ckpt_weights *weights);
const ckpt_tensor *ckpt_mapper_api_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                      const ckpt_weights *weights, const char *name);
int32_t ckpt_mapper_api_is_special_instance_module(ckpt_mapper *m, const ckpt_module *module);
ckpt_status ckpt_mapper_api_handle_special_instance_module(ckpt_mapper *m, const ckpt_module *module,
                                                           const ckpt_weights *weights);
const char *ckpt_mapper_api_should_skip_module(ckpt_mapper *m, const ckpt_module *module);
void ckpt_mapper_api_module_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard);
ckpt_status ckpt_mapper_api_derive_model(ckpt_mapper *m, const ckpt_weights *weights,
                                         ckpt_model_builder *builder);

#endif
