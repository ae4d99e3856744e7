/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chains: made from resolved components, created from the base up, destroyed from the top down
 *
 * A chain is not in the session's arena: a weight loader's outlives the load when weights are
 * shared.
 */

#include "core/frame/link.h"

/* All four tables begin alike; only their types differ. */
static ckpt_status call_create(ckpt_link *link)
{
        const ckpt_component *const component = link->component;
        ckpt_status (*create)(ckpt_frame * self) = NULL;

        switch (component->kind) {
        case CKPT_KIND_CHECKPOINT_LOADER:
                create = component->as.checkpoint_loader->create;
                break;
        case CKPT_KIND_CONFIG_LOADER:
                create = component->as.config_loader->create;
                break;
        case CKPT_KIND_WEIGHT_LOADER:
                create = component->as.weight_loader->create;
                break;
        case CKPT_KIND_WEIGHT_MAPPER:
                create = component->as.weight_mapper->create;
                break;
        default:
                break;
        }
        return create ? ckpt_link_call(link, "create", create(&link->frame)) : CKPT_OK;
}

static void call_destroy(ckpt_link *link)
{
        const ckpt_component *const component = link->component;
        void (*destroy)(ckpt_frame * self) = NULL;

        switch (component->kind) {
        case CKPT_KIND_CHECKPOINT_LOADER:
                destroy = component->as.checkpoint_loader->destroy;
                break;
        case CKPT_KIND_CONFIG_LOADER:
                destroy = component->as.config_loader->destroy;
                break;
        case CKPT_KIND_WEIGHT_LOADER:
                destroy = component->as.weight_loader->destroy;
                break;
        case CKPT_KIND_WEIGHT_MAPPER:
                destroy = component->as.weight_mapper->destroy;
                break;
        default:
                break;
        }
        if (destroy)
                destroy(&link->frame);
}

static void fill_link(ckpt_chain *chain, uint32_t index, const ckpt_registered *registered)
{
        ckpt_session *const session = chain->session;
        ckpt_link *const link = &chain->links[index];

        link->session = session;
        link->chain = chain;
        link->component = registered ? registered->component : NULL;
        link->plugin = registered ? registered->plugin : NULL;
        link->frame = (ckpt_frame){
                .api = session->scope.api,
                .data = registered ? registered->data : NULL,
                .base = registered ? &chain->links[index + 1].frame : NULL,
                .top = &chain->links[0].frame,
                .mapping = &session->mapping,
                .architecture = session->architecture,
                .format = session->format,
        };
}

ckpt_status ckpt_chain_alloc(ckpt_session *session, ckpt_kind kind, const ckpt_registered *components,
                             uint32_t count, const ckpt_chain_host *host, ckpt_chain **ret_chain)
{
        ckpt_chain *const chain = calloc(1, sizeof(*chain));
        ckpt_link *const links = calloc((size_t)count + 1, sizeof(*links));

        if (!chain || !links) {
                free(chain);
                free(links);
                return CKPT_E_NOMEM;
        }
        *chain = (ckpt_chain){.kind = kind, .session = session, .links = links, .count = count + 1};
        if (host)
                chain->host = *host;
        pthread_mutex_init(&chain->read_lock, NULL);
        for (uint32_t i = 0; i < count; i++)
                fill_link(chain, i, &components[i]);
        fill_link(chain, count, NULL);
        *ret_chain = chain;
        return CKPT_OK;
}

/*
 * A component without `create` counts as created: what its slots put into self->impl is for
 * `destroy` to free.
 */
static ckpt_status create_links(ckpt_chain *chain)
{
        for (uint32_t i = chain->count - 1; i-- > 0;) {
                const ckpt_status r = call_create(&chain->links[i]);

                if (r != CKPT_OK)
                        return r;
                chain->links[i].created = true;
        }
        return CKPT_OK;
}

ckpt_status ckpt_chain_new(ckpt_session *session, ckpt_kind kind, const ckpt_registered *components,
                           uint32_t count, const ckpt_config *config, const ckpt_weights *weights,
                           const ckpt_chain_host *host, ckpt_chain **ret_chain)
{
        ckpt_chain *chain;
        ckpt_status r = ckpt_chain_alloc(session, kind, components, count, host, &chain);

        if (r != CKPT_OK)
                return r;
        ckpt_chain_set(chain, config, weights, session->architecture);
        r = create_links(chain);
        if (r != CKPT_OK) {
                ckpt_chain_free(chain);
                return r;
        }
        *ret_chain = chain;
        return CKPT_OK;
}

ckpt_chain *ckpt_chain_free(ckpt_chain *chain)
{
        if (!chain)
                return NULL;
        for (uint32_t i = 0; i < chain->count; i++) {
                if (chain->links[i].created)
                        call_destroy(&chain->links[i]);
        }
        pthread_mutex_destroy(&chain->read_lock);
        free(chain->links);
        free(chain);
        return NULL;
}

ckpt_frame *ckpt_chain_top(ckpt_chain *chain)
{
        return &chain->links[0].frame;
}

void ckpt_chain_set(ckpt_chain *chain, const ckpt_config *config, const ckpt_weights *weights,
                    const char *architecture)
{
        for (uint32_t i = 0; i < chain->count; i++) {
                ckpt_frame *const frame = &chain->links[i].frame;

                frame->config = config;
                frame->weights = weights;
                frame->architecture = architecture;
                frame->format = chain->session->format;
        }
}
