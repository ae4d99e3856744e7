/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a weight loader fills: a new store, tied to the load's session until it is finished
 */

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/weights/view.h"

struct ckpt_weights_builder {
        const ckpt_api *api;
        ckpt_session *session;
        ckpt_source *source; /* kept by the store; NULL without one */
        ckpt_frame *reader;
        ckpt_weights *store;
        ckpt_status status; /* the first failure */
};

static void release_source(void *context, void *object)
{
        (void)context;
        ckpt_source_unref(object);
}

ckpt_weights_builder *ckpt_weights_builder_free(ckpt_weights_builder *builder)
{
        if (builder)
                ckpt_weights_unref(builder->store);
        free(builder);
        return NULL;
}

ckpt_status ckpt_weights_builder_new(ckpt_session *session, ckpt_source *source, ckpt_frame *reader,
                                     ckpt_weights_builder **ret_builder)
{
        _cleanup_(ckpt_weights_builder_freep) ckpt_weights_builder *builder = calloc(1, sizeof(*builder));
        ckpt_status r;

        if (!builder)
                return CKPT_E_NOMEM;
        builder->api = &ckpt_api_table;
        builder->session = session;
        builder->source = source;
        builder->reader = reader;
        r = ckpt_weights_store_new(&builder->store);
        if (r != CKPT_OK)
                return r;
        ckpt_weights_store_set_diagnostics(builder->store, &session->diagnostics);
        if (source) {
                r = ckpt_weights_store_keep(builder->store, release_source, NULL, ckpt_source_ref(source));
                if (r != CKPT_OK) {
                        ckpt_source_unref(source);
                        return r;
                }
        }
        *ret_builder = ckpt_steal(&builder);
        return CKPT_OK;
}

static const ckpt_tensor *refuse(ckpt_weights_builder *builder, const char *why)
{
        ckpt_session_fail(builder->session, CKPT_E_PLUGIN, NULL, "%s; the weight loader is at fault", why);
        return ckpt_tensor_error(builder->store->scope);
}

static const ckpt_tensor *object_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        const ckpt_place place = {
                .kind = CKPT_PLACE_OBJECT,
                .big_endian = (leaf->flags & CKPT_LEAF_BIG_ENDIAN) != 0,
                .source = builder->source,
                .object = leaf->object,
                .offset = leaf->offset,
        };

        if (!builder->source || leaf->object >= ckpt_source_api_count(builder->source))
                return refuse(builder, "a leaf names an object that the source does not have");
        return ckpt_tensor_leaf(builder->store->scope, NULL, &place, leaf->dtype, leaf->rank, leaf->shape,
                                leaf->strides);
}

static const ckpt_tensor *reader_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        const ckpt_place place = {
                .kind = CKPT_PLACE_READER,
                .big_endian = (leaf->flags & CKPT_LEAF_BIG_ENDIAN) != 0,
                .reader = builder->reader,
                .cookie = leaf->cookie,
                .size = leaf->size,
                .sort_key = leaf->sort_key,
                .access = leaf->access,
        };

        if (!builder->reader)
                return refuse(builder, "a leaf asks for a reader, but there is none");
        if (leaf->access < CKPT_ACCESS_RANDOM || leaf->access > CKPT_ACCESS_WHOLE)
                return refuse(builder, "a leaf's access is none of random, sequential, whole");
        return ckpt_tensor_leaf(builder->store->scope, NULL, &place, leaf->dtype, leaf->rank, leaf->shape,
                                leaf->strides);
}

const ckpt_tensor *ckpt_weights_api_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        if (!CKPT_KNOWS(leaf, sort_key))
                return refuse(builder, "a leaf's struct_size is too small");
        if (leaf->rank > 0 && !leaf->shape)
                return refuse(builder, "a leaf has axes but no shape");
        if (leaf->flags & ~(uint32_t)CKPT_LEAF_BIG_ENDIAN)
                return refuse(builder, "a leaf has flags that this version does not know");
        switch (leaf->kind) {
        case CKPT_LEAF_OBJECT:
                return object_leaf(builder, leaf);
        case CKPT_LEAF_READER:
                return reader_leaf(builder, leaf);
        default:
                return refuse(builder, "a leaf is of no known kind");
        }
}

void ckpt_weights_api_add(ckpt_weights_builder *builder, const char *name, const ckpt_tensor *tensor)
{
        ckpt_status r;

        if (!name || !tensor) {
                refuse(builder,
                       name ? "an entry was added without a tensor" : "an entry was added without a name");
                return;
        }
        r = ckpt_weights_store_add(builder->store, name, tensor);
        if (r < 0 && builder->status == CKPT_OK)
                builder->status = r;
}

ckpt_status ckpt_weights_builder_finish(ckpt_weights_builder *builder, ckpt_weights **ret_weights)
{
        _cleanup_(ckpt_weights_builder_freep) ckpt_weights_builder *used = builder;
        ckpt_status r = ckpt_diagnostics_first(&used->session->diagnostics);

        if (r == CKPT_OK)
                r = used->status;
        if (r == CKPT_OK && used->store->scope->out_of_memory)
                r = CKPT_E_NOMEM;
        if (r != CKPT_OK)
                return r;
        ckpt_weights_store_set_diagnostics(used->store, NULL);
        *ret_weights = ckpt_steal(&used->store);
        return CKPT_OK;
}
