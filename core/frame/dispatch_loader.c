/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slots of checkpoint, config and weight loaders: from a frame downwards the first component that
 * has the slot is asked, with its own frame; below them all stands the load's own orchestration.
 */

#include "core/frame/link.h"

static ckpt_status nothing_below(const ckpt_link *link, const char *slot, const char *what)
{
        return ckpt_session_fail(link->session, CKPT_E_NOT_FOUND, NULL,
                                 "no component of the %s for format '%s' has the slot '%s', so %s",
                                 ckpt_kind_name(link->chain->kind),
                                 link->frame.format ? link->frame.format : "?", slot, what);
}

ckpt_status ckpt_chain_api_load_config(ckpt_frame *self, const ckpt_source *source,
                                       ckpt_config_builder *builder)
{
        ckpt_link *const link =
                ckpt_link_find(self, CKPT_KIND_CHECKPOINT_LOADER, checkpoint_loader, load_config);
        const ckpt_chain_host *host;

        if (!link)
                return CKPT_E_PLUGIN;
        host = &link->chain->host;
        if (link->component)
                return ckpt_link_call(
                        link, "load_config",
                        link->component->as.checkpoint_loader->load_config(&link->frame, source, builder));
        if (!host->load_config)
                return nothing_below(link, "load_config", "no configuration can be loaded here");
        return host->load_config(host->context, source, builder);
}

ckpt_status ckpt_chain_api_load_weights(ckpt_frame *self, const ckpt_source *source,
                                        ckpt_weights_builder *builder)
{
        ckpt_link *const link =
                ckpt_link_find(self, CKPT_KIND_CHECKPOINT_LOADER, checkpoint_loader, load_weights);
        const ckpt_chain_host *host;

        if (!link)
                return CKPT_E_PLUGIN;
        host = &link->chain->host;
        if (link->component)
                return ckpt_link_call(
                        link, "load_weights",
                        link->component->as.checkpoint_loader->load_weights(&link->frame, source, builder));
        if (!host->load_weights)
                return nothing_below(link, "load_weights", "no weights can be loaded here");
        return host->load_weights(host->context, source, builder);
}

/* The load's own look-up; not a slot. */
ckpt_status ckpt_chain_api_get_mapper(ckpt_frame *self, const char *format, const char *model,
                                      ckpt_mapper **ret_mapper)
{
        ckpt_link *const link =
                ckpt_link_check(self, CKPT_KIND_CHECKPOINT_LOADER, "get_initialized_weight_mapper");
        const ckpt_chain_host *host;

        if (!link)
                return CKPT_E_PLUGIN;
        host = &link->chain->host;
        if (!host->get_mapper)
                return nothing_below(link, "get_initialized_weight_mapper",
                                     "no weight mapper can be looked up here");
        return host->get_mapper(host->context, format, model, ret_mapper);
}

ckpt_status ckpt_chain_get_mapper(ckpt_chain *checkpoint_loader, ckpt_mapper **ret_mapper)
{
        ckpt_frame *const top = ckpt_chain_top(checkpoint_loader);
        ckpt_link *const link = ckpt_link_find(top, CKPT_KIND_CHECKPOINT_LOADER, checkpoint_loader,
                                               get_initialized_weight_mapper);
        ckpt_mapper *mapper = NULL;
        ckpt_status r;

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return ckpt_chain_api_get_mapper(&link->frame, NULL, NULL, ret_mapper);
        r = ckpt_link_call(
                link, "get_initialized_weight_mapper",
                link->component->as.checkpoint_loader->get_initialized_weight_mapper(&link->frame, &mapper));
        if (r == CKPT_OK && !mapper)
                r = ckpt_link_blame(link, "'get_initialized_weight_mapper' succeeded and gave no mapper");
        if (r == CKPT_OK && !ckpt_link_check(mapper, CKPT_KIND_WEIGHT_MAPPER, "init_model_and_config"))
                r = CKPT_E_PLUGIN;
        if (r == CKPT_OK)
                *ret_mapper = mapper;
        return r;
}

void ckpt_chain_cleanup(ckpt_chain *checkpoint_loader)
{
        ckpt_frame *const top = ckpt_chain_top(checkpoint_loader);
        ckpt_link *const link = ckpt_link_find(top, CKPT_KIND_CHECKPOINT_LOADER, checkpoint_loader, cleanup);

        if (link && link->component)
                link->component->as.checkpoint_loader->cleanup(&link->frame);
}

ckpt_status ckpt_chain_api_config_loader_load(ckpt_frame *self, const ckpt_source *source,
                                              ckpt_config_builder *builder)
{
        ckpt_link *const link = ckpt_link_find(self, CKPT_KIND_CONFIG_LOADER, config_loader, load);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return nothing_below(link, "load", "there is nothing that can read the configuration");
        return ckpt_link_call(link, "load",
                              link->component->as.config_loader->load(&link->frame, source, builder));
}

ckpt_status ckpt_chain_api_weight_loader_load(ckpt_frame *self, const ckpt_source *source,
                                              const ckpt_mapping *mapping, ckpt_weights_builder *builder)
{
        ckpt_link *const link = ckpt_link_find(self, CKPT_KIND_WEIGHT_LOADER, weight_loader, load_weights);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return nothing_below(link, "load_weights",
                                     "there is nothing that can name the checkpoint's tensors");
        return ckpt_link_call(
                link, "load_weights",
                link->component->as.weight_loader->load_weights(&link->frame, source, mapping, builder));
}
