/* SPDX-License-Identifier: Apache-2.0 */
#include "asked.h"

#include <string.h>

#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

static const ckpt_tensor *handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                             const ckpt_weights *weights, const char *name)
{
        const ckpt_tensor *tensor = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);

        return strcmp(ckpt_module_name(module), "turned") == 0 ? ckpt_tensor_transpose(tensor) : tensor;
}

static void map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        static const char *const joined[] = {"first", "second"}, *const shared[] = {"shared"};
        static const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP),
                                row = CKPT_SHARD_ROW(CKPT_GROUP_TP);

        (void)m;
        ckpt_rules_fuse(rules, "joined", joined, 2);
        ckpt_rules_fuse(rules, "left", shared, 1);
        ckpt_rules_fuse(rules, "right", shared, 1);
        ckpt_rules_style(rules, "rows_*", &row);
        ckpt_rules_style(rules, "columns_*", &column);
}

static const ckpt_weight_mapper mapper = {
        .struct_size = sizeof(mapper),
        .map_weights = map_weights,
        .handle_manual_copy = handle_manual_copy,
};

static const ckpt_component component = {
        .struct_size = sizeof(component),
        .kind = CKPT_KIND_WEIGHT_MAPPER,
        .format = "HF",
        .model = "AskedForTest",
        .as = {.weight_mapper = &mapper},
};

static void add_param(ckpt_model *model, const asked *p)
{
        ck_assert_int_eq(ckpt_model_add_module(model, p->module, p->role, NULL), CKPT_OK);
        ck_assert_int_eq(
                ckpt_model_add_param_buffer(model, p->module, "weight", p->dtype, p->rank, p->shape, NULL),
                CKPT_OK);
}

ckpt_load *asked_load(ckpt_host *host, const char *file, const ckpt_load_options *options,
                      const asked *params, unsigned count, ckpt_model **ret_model)
{
        static const char config[] = "{\"architectures\": [\"AskedForTest\"]}";
        static const char *const ignore[] = {"filler.*"};
        ckpt_load_options mine = *options;
        ckpt_load *load = NULL;

        mine.ignore = ignore;
        mine.n_ignore = 1;
        ck_assert_int_eq(ckpt_model_new(host, ret_model), CKPT_OK);
        for (unsigned i = 0; i < count; i++)
                add_param(*ret_model, &params[i]);
        ck_assert_int_eq(ckpt_load_new(host, &mine, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, scratch_path(file)), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_config_json(load, config, strlen(config)), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_component(load, &component, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_model(load, *ret_model), CKPT_OK);
        return load;
}

ckpt_host *asked_host(void)
{
        ckpt_host *host = stock_host();

        ck_assert_int_eq(ckpt_host_set_backend_dir(host, test_place("CKPT_TEST_FAKE_CUDA")), CKPT_OK);
        return host;
}
