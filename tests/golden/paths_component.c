/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One component of the embedder's own, never registered, with its own data; the other three are the
 * stock ones
 */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "golden.h"
#include "paths.h"

/* ---- a weight loader that has everything in memory and counts what it is asked ---- */

typedef struct own_loader {
        const checkpoint *checkpoint;
        uint64_t *next; /* a sequential tensor's next offset; only its one worker touches it */
        atomic_uint reads, opens, closes;
        atomic_uint broken; /* promises of the interface that were not kept */
} own_loader;

static int32_t access_of(uint64_t tensor)
{
        static const int32_t kinds[] = {CKPT_ACCESS_RANDOM, CKPT_ACCESS_SEQUENTIAL, CKPT_ACCESS_WHOLE};

        return kinds[tensor % 3];
}

static ckpt_status own_load_weights(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                    ckpt_weights_builder *builder)
{
        const own_loader *own = self->data;

        (void)source;
        (void)mapping;
        for (uint64_t i = 0; i < own->checkpoint->count; i++) {
                const checkpoint_tensor *tensor = &own->checkpoint->tensors[i];
                const ckpt_leaf leaf = {
                        .struct_size = sizeof(leaf),
                        .kind = CKPT_LEAF_READER,
                        .dtype = tensor->dtype,
                        .rank = tensor->rank,
                        .shape = tensor->shape,
                        .cookie = i,
                        .size = tensor->size,
                        .access = access_of(i),
                        .sort_key = own->checkpoint->count - i,
                };

                ckpt_weights_add(builder, tensor->name, ckpt_weights_leaf(builder, &leaf));
        }
        return CKPT_OK;
}

static ckpt_status own_read(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer, uint64_t size)
{
        own_loader *own = self->data;
        const checkpoint_tensor *tensor = &own->checkpoint->tensors[cookie];

        atomic_fetch_add(&own->reads, 1);
        if (offset > tensor->size || size > tensor->size - offset) {
                atomic_fetch_add(&own->broken, 1);
                return ckpt_fail(self, CKPT_E_INVALID, NULL, "%s: a range outside of it was asked for",
                                 tensor->name);
        }
        if (access_of(cookie) == CKPT_ACCESS_WHOLE && (offset != 0 || size != tensor->size))
                atomic_fetch_add(&own->broken, 1);
        if (access_of(cookie) == CKPT_ACCESS_SEQUENTIAL) {
                if (offset < own->next[cookie])
                        atomic_fetch_add(&own->broken, 1);
                own->next[cookie] = offset + size;
        }
        memcpy(buffer, tensor->data + offset, size);
        return CKPT_OK;
}

static ckpt_status own_open(ckpt_frame *self, uint64_t cookie)
{
        own_loader *own = self->data;

        if (access_of(cookie) != CKPT_ACCESS_SEQUENTIAL)
                atomic_fetch_add(&own->broken, 1);
        own->next[cookie] = 0;
        atomic_fetch_add(&own->opens, 1);
        return CKPT_OK;
}

static void own_close(ckpt_frame *self, uint64_t cookie)
{
        own_loader *own = self->data;

        own->next[cookie] = UINT64_MAX; /* a read after the close is out of order */
        atomic_fetch_add(&own->closes, 1);
}

static const ckpt_weight_loader own_weight_loader = {
        .struct_size = sizeof(own_weight_loader),
        .load_weights = own_load_weights,
        .flags = CKPT_READ_CONCURRENT,
        .read = own_read,
        .open = own_open,
        .close = own_close,
};

START_TEST(own_weight_loader_serves)
{
        const ckpt_component component = {
                .struct_size = sizeof(component),
                .kind = CKPT_KIND_WEIGHT_LOADER,
                .format = "HF",
                .as = {.weight_loader = &own_weight_loader},
        };
        ckpt_host *host = golden_host();
        own_loader own = {0};
        ckpt_load_options options;
        ckpt_load *load = NULL;
        checkpoint c;
        golden g;

        golden_init(&g, _i);
        checkpoint_init(&c, g.directory);
        own.checkpoint = &c;
        own.next = calloc(c.count, sizeof(*own.next));
        ck_assert_ptr_nonnull(own.next);
        options = golden_options(&g);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_set_component(load, &component, &own));
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_host_free(host);
        ck_assert_uint_gt(own.reads, 0);
        ck_assert_uint_gt(own.opens, 0);
        ck_assert_uint_eq(own.opens, own.closes);
        ck_assert_uint_eq(own.broken, 0);
        free(own.next);
        checkpoint_deinit(&c);
        golden_deinit(&g);
}
END_TEST

/* ---- a weight mapper that gets from its data what Gemma's text models need ---- */

typedef struct own_mapper {
        double norm_offset;
        unsigned renames, created, destroyed;
} own_mapper;

static ckpt_status own_create(ckpt_frame *self)
{
        own_mapper *own = self->data;

        own->created++;
        return CKPT_OK;
}

static void own_destroy(ckpt_frame *self)
{
        own_mapper *own = self->data;

        own->destroyed++;
}

static const char *own_rename(ckpt_mapper *m, const char *name)
{
        own_mapper *own = m->data;

        own->renames++;
        return ckpt_mapper_rename(m->base, name);
}

static const ckpt_tensor *own_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                 const ckpt_weights *weights, const char *name)
{
        const own_mapper *own = m->data;
        const ckpt_tensor *tensor = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);

        if (own->norm_offset == 0 || !strstr(ckpt_module_last(module), "norm"))
                return tensor;
        return ckpt_tensor_add_scalar(tensor, own->norm_offset);
}

static const ckpt_weight_mapper own_weight_mapper = {
        .struct_size = sizeof(own_weight_mapper),
        .create = own_create,
        .destroy = own_destroy,
        .rename = own_rename,
        .handle_manual_copy = own_handle_manual_copy,
};

START_TEST(own_weight_mapper_serves)
{
        const ckpt_component component = {
                .struct_size = sizeof(component),
                .kind = CKPT_KIND_WEIGHT_MAPPER,
                .format = "HF",
                .model = "AnyForCausalLM",
                .as = {.weight_mapper = &own_weight_mapper},
        };
        ckpt_host *host = golden_host();
        own_mapper own = {0};
        ckpt_load_options options;
        ckpt_load *load = NULL;
        golden g;

        golden_init(&g, _i);
        own.norm_offset = golden_is_gemma(&g) ? 1 : 0;
        options = golden_options(&g);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_set_component(load, &component, &own));
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_host_free(host);
        ck_assert_uint_eq(own.created, 1);
        ck_assert_uint_eq(own.destroyed, 1);
        ck_assert_uint_gt(own.renames, 0);
        golden_deinit(&g);
}
END_TEST

void paths_add_component(TCase *tests, int model)
{
        const int first = model * GOLDEN_CASES, end = first + GOLDEN_CASES;

        /* The loader serves what the tests' own reader read. */
        if (!golden_model_is_torch(model))
                tcase_add_loop_test(tests, own_weight_loader_serves, first, end);
        /* The mapper knows one layout of names; the multimodal ones have three others. */
        if (!strstr(golden_model_name(model), "vlm"))
                tcase_add_loop_test(tests, own_weight_mapper_serves, first, end);
}
