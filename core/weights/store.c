/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store: a dictionary with a scope of its own, counted references, and what must live as long as it
 */

#include <ckpt/ckpt.h>
#include <stdlib.h>
#include <string.h>

#include "core/op/op.h"
#include "core/weights/view.h"

typedef struct kept {
        void (*release)(void *context, void *object);
        void *context, *object;
} kept;

typedef struct store {
        struct ckpt_weights weights; /* first, so that the weights are their store */
        atomic_uint references;
        ckpt_scope scope;
        CKPT_ARRAY(kept) kept;
} store;

static store *store_of(const ckpt_weights *weights)
{
        return (store *)(uintptr_t)weights;
}

ckpt_status ckpt_weights_store_new(ckpt_weights **ret_weights)
{
        store *s = calloc(1, sizeof(*s));

        if (!s)
                return CKPT_E_NOMEM;
        atomic_init(&s->references, 1);
        s->scope.api = &ckpt_api_table;
        s->weights.api = &ckpt_api_table;
        s->weights.kind = CKPT_WEIGHTS_DICT;
        s->weights.scope = &s->scope;
        s->weights.as.dict = ckpt_arena_alloc(&s->scope.arena, sizeof(*s->weights.as.dict));
        if (!s->weights.as.dict) {
                free(s);
                return CKPT_E_NOMEM;
        }
        *ret_weights = &s->weights;
        return CKPT_OK;
}

ckpt_weights *ckpt_weights_ref(ckpt_weights *weights)
{
        if (weights)
                atomic_fetch_add_explicit(&store_of(weights)->references, 1, memory_order_relaxed);
        return weights;
}

ckpt_weights *ckpt_weights_unref(ckpt_weights *weights)
{
        store *s = store_of(weights);

        if (!weights || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        while (s->kept.count > 0) {
                const kept *k = &s->kept.items[--s->kept.count];

                k->release(k->context, k->object);
        }
        ckpt_array_deinit(&s->kept);
        ckpt_arena_deinit(&s->scope.arena);
        free(s);
        return NULL;
}

void ckpt_weights_store_set_diagnostics(ckpt_weights *weights, ckpt_diagnostics *diagnostics)
{
        weights->scope->diagnostics = diagnostics;
}

ckpt_scope *ckpt_weights_store_scope(ckpt_weights *weights)
{
        return weights->scope;
}

/* Names are matched component by component: a name of thousands of them is an attack, not a model. */
#define NAME_COMPONENTS_MAX 128

static bool name_is_usable(const char *name)
{
        uint32_t components = 1;

        if (!name || !*name || *name == '.')
                return false;
        for (name = strchr(name, '.'); name; name = strchr(name + 1, '.')) {
                if (name[1] == '.' || name[1] == '\0')
                        return false;
                components++;
        }
        return components <= NAME_COMPONENTS_MAX;
}

ckpt_status ckpt_weights_store_add(ckpt_weights *weights, const char *name, const ckpt_tensor *tensor)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = name,
                .hint = "the checkpoint is damaged, or two of its files hold the same tensor"};
        const char *copy;
        uint64_t other;
        ckpt_status r;

        if (ckpt_tensor_is_error(tensor))
                return CKPT_OK;
        if (!name_is_usable(name))
                return ckpt_diagnostics_add(weights->scope->diagnostics, CKPT_E_CORRUPT, NULL, NULL, &where,
                                            "a tensor's name has an empty component, or more than %d of them",
                                            NAME_COMPONENTS_MAX);
        copy = ckpt_arena_strdup(&weights->scope->arena, name);
        if (name && !copy)
                return CKPT_E_NOMEM;
        r = ckpt_weights_dict_add(weights, copy, tensor, &other);
        if (r == CKPT_ABSENT)
                return ckpt_diagnostics_add(weights->scope->diagnostics, CKPT_E_CORRUPT, NULL, NULL, &where,
                                            "a tensor of this name is there already");
        return r;
}

ckpt_status ckpt_weights_store_keep(ckpt_weights *weights, void (*release)(void *context, void *object),
                                    void *context, void *object)
{
        return ckpt_array_push(&store_of(weights)->kept, (kept){release, context, object});
}

void ckpt_weights_store_release_last(ckpt_weights *weights)
{
        const kept last = store_of(weights)->kept.items[--store_of(weights)->kept.count];

        last.release(last.context, last.object);
}

const ckpt_tensor *ckpt_weights_store_tensor(const ckpt_weights *weights, uint64_t index)
{
        return ckpt_weights_api_at(weights, index);
}

ckpt_status ckpt_weights_info(const ckpt_weights *weights, uint64_t index, ckpt_weight_info *ret_info)
{
        const ckpt_tensor *tensor = weights ? ckpt_weights_api_at(weights, index) : NULL;
        const ckpt_place *place;

        if (!tensor)
                return CKPT_ABSENT;
        *ret_info = (ckpt_weight_info){
                .name = ckpt_weights_api_name(weights, index),
                .dtype = tensor->dtype,
                .rank = tensor->rank,
                .shape = tensor->shape,
                .size = ckpt_tensor_size(tensor),
        };
        while (ckpt_tensor_is_source(tensor))
                tensor = tensor->inputs[0];
        place = &tensor->as.leaf.place;
        if (tensor->op == &ckpt_op_leaf && place->kind == CKPT_PLACE_OBJECT) {
                ret_info->object = ckpt_source_api_name(place->source, place->object);
                ret_info->offset = place->offset;
        }
        return CKPT_OK;
}
