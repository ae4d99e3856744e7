/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations that no fixture has, on tensors that need many tiles: row and column shards with a
 * cast, a transpose with a cast, gathered rows, batched transposes, a fused target, through a
 * mapper of the test's own
 */

#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "paths.h"

#define RANKS 2

typedef struct expectation {
        const synthetic_tensor *tensors;
        int64_t rank; /* of tensor parallelism */
        ckpt_model *model;
} expectation;

/* ---- the mapper ---- */

static const ckpt_tensor *gathered(const ckpt_tensor *tensor)
{
        const int64_t rows = ckpt_tensor_dim(tensor, 0);
        int64_t *index = malloc((size_t)rows * sizeof(*index));
        const ckpt_tensor *result;

        for (int64_t i = 0; index && i < rows; i++)
                index[i] = synthetic_index(i, rows);
        result = index ? ckpt_tensor_gather(tensor, 0, index, rows) : NULL;
        free(index);
        return result;
}

static const ckpt_tensor *handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                             const ckpt_weights *weights, const char *name)
{
        static const int32_t swapped[] = {0, 2, 1};
        const ckpt_tensor *tensor = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);
        const char *module_name = ckpt_module_name(module);

        if (strcmp(module_name, "turned") == 0)
                return ckpt_tensor_transpose(tensor);
        if (strcmp(module_name, "picked") == 0)
                return gathered(tensor);
        if (strcmp(module_name, "batched") == 0)
                return ckpt_tensor_permute(tensor, swapped, 3);
        return tensor;
}

static void map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        static const char *const sources[] = {"first", "second"};
        static const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP),
                                row = CKPT_SHARD_ROW(CKPT_GROUP_TP);

        (void)m;
        ckpt_rules_fuse(rules, "joined", sources, 2);
        ckpt_rules_style(rules, "rows", &row);
        ckpt_rules_style(rules, "picked", &column);
        ckpt_rules_style(rules, "joined", &column);
}

static const ckpt_weight_mapper mapper = {
        .struct_size = sizeof(mapper),
        .map_weights = map_weights,
        .handle_manual_copy = handle_manual_copy,
};

/* ---- what each parameter must be, element by element ---- */

static uint32_t rows_at(const expectation *e, int64_t i, int64_t j)
{
        const int64_t cols = e->tensors[SYNTHETIC_ROWS].shape[1];

        return synthetic_bf16(e->tensors, SYNTHETIC_ROWS, i * cols + e->rank * cols / RANKS + j);
}

static uint32_t turned_at(const expectation *e, int64_t i, int64_t j)
{
        return synthetic_bf16(e->tensors, SYNTHETIC_TURNED, j * e->tensors[SYNTHETIC_TURNED].shape[1] + i);
}

static uint32_t picked_at(const expectation *e, int64_t i, int64_t j)
{
        const int64_t *shape = e->tensors[SYNTHETIC_PICKED].shape;
        const int64_t row = synthetic_index(e->rank * shape[0] / RANKS + i, shape[0]);

        return synthetic_bits(e->tensors, SYNTHETIC_PICKED, row * shape[1] + j);
}

/* i counts over the batch and the rows of the result. */
static uint32_t batched_at(const expectation *e, int64_t i, int64_t j)
{
        const int64_t *shape = e->tensors[SYNTHETIC_BATCHED].shape;
        const int64_t batch = i / shape[2], row = i % shape[2];

        return synthetic_bits(e->tensors, SYNTHETIC_BATCHED, (batch * shape[1] + j) * shape[2] + row);
}

static uint32_t plain_at(const expectation *e, int64_t i, int64_t j)
{
        (void)i;
        return synthetic_bits(e->tensors, SYNTHETIC_PLAIN, j);
}

static uint32_t joined_at(const expectation *e, int64_t i, int64_t j)
{
        const int64_t *first = e->tensors[SYNTHETIC_FIRST].shape,
                      *second = e->tensors[SYNTHETIC_SECOND].shape;
        const int64_t mine = first[0] / RANKS;

        if (i < mine)
                return synthetic_bf16(e->tensors, SYNTHETIC_FIRST, (e->rank * mine + i) * first[1] + j);
        return synthetic_bf16(e->tensors, SYNTHETIC_SECOND,
                              (e->rank * second[0] / RANKS + i - mine) * second[1] + j);
}

static void compare(const expectation *e, const char *name,
                    uint32_t (*at)(const expectation *, int64_t, int64_t))
{
        const ckpt_param *param = ckpt_model_find(e->model, name);
        const size_t width = ckpt_dtype_bits(param->dtype) / 8;
        const int64_t cols = param->shape[param->rank - 1];
        const int64_t rows = (int64_t)(param->size / width) / cols;
        uint8_t *bytes = malloc(param->size);
        uint64_t wrong = 0;

        ck_assert_ptr_nonnull(bytes);
        ck_assert_int_eq(ckpt_model_read(e->model, param, 0, bytes, param->size), CKPT_OK);
        for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < cols; j++) {
                        const uint32_t want = at(e, i, j);

                        wrong += memcmp(bytes + (size_t)(i * cols + j) * width, &want, width) != 0;
                }
        free(bytes);
        ck_assert_msg(wrong == 0, "%s: %llu of %lld elements are wrong on rank %lld", name,
                      (unsigned long long)wrong, (long long)(rows * cols), (long long)e->rank);
}

static void compare_all(const expectation *e)
{
        compare(e, "rows.weight", rows_at);
        compare(e, "turned.weight", turned_at);
        compare(e, "picked.weight", picked_at);
        compare(e, "batched.weight", batched_at);
        compare(e, "plain.weight", plain_at);
        compare(e, "joined.weight", joined_at);
}

/* ---- the engine's side ---- */

static void add(ckpt_model *model, const char *module, int32_t role, ckpt_dtype dtype, uint32_t rank,
                int64_t a, int64_t b, int64_t c)
{
        const int64_t shape[] = {a, b, c};

        ck_assert_int_eq(ckpt_model_add_module(model, module, role, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, module, "weight", dtype, rank, shape, NULL),
                         CKPT_OK);
}

static ckpt_model *wanted(ckpt_host *host, const synthetic_tensor *t)
{
        const int64_t *rows = t[SYNTHETIC_ROWS].shape, *turned = t[SYNTHETIC_TURNED].shape;
        const int64_t *picked = t[SYNTHETIC_PICKED].shape, *batched = t[SYNTHETIC_BATCHED].shape;
        const int64_t *first = t[SYNTHETIC_FIRST].shape, *second = t[SYNTHETIC_SECOND].shape;
        ckpt_model *model = NULL;

        ck_assert_int_eq(ckpt_model_new(host, &model), CKPT_OK);
        add(model, "rows", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, 2, rows[0], rows[1] / RANKS, 0);
        add(model, "turned", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, 2, turned[1], turned[0], 0);
        add(model, "picked", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, 2, picked[0] / RANKS, picked[1], 0);
        add(model, "batched", CKPT_ROLE_PLAIN, CKPT_DTYPE_BF16, 3, batched[0], batched[2], batched[1]);
        add(model, "plain", CKPT_ROLE_PLAIN, CKPT_DTYPE_I32, 1, t[SYNTHETIC_PLAIN].shape[0], 0, 0);
        add(model, "joined", CKPT_ROLE_FUSED, CKPT_DTYPE_BF16, 2, (first[0] + second[0]) / RANKS, first[1],
            0);
        return model;
}

static void load_rank(ckpt_host *host, const char *path, int32_t rank, uint64_t staging,
                      const synthetic_tensor *tensors)
{
        static const char config[] = "{\"architectures\": [\"SyntheticForTest\"]}";
        const ckpt_component component = {
                .struct_size = sizeof(component),
                .kind = CKPT_KIND_WEIGHT_MAPPER,
                .format = "HF",
                .model = "SyntheticForTest",
                .as = {.weight_mapper = &mapper},
        };
        const golden_case mapping = {"tp2", RANKS, rank, 1, 0, 0};
        const golden g = {.model = "synthetic", .mapping = &mapping};
        expectation e = {.tensors = tensors, .rank = rank, .model = wanted(host, tensors)};
        ckpt_load_options options = golden_options(&g);
        ckpt_model *model = NULL;
        ckpt_load *load = NULL;

        options.staging_bytes = staging;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, path));
        GOLDEN_OK(&g, load, ckpt_load_set_config_json(load, config, strlen(config)));
        GOLDEN_OK(&g, load, ckpt_load_set_component(load, &component, NULL));
        GOLDEN_OK(&g, load, ckpt_load_set_model(load, e.model));
        GOLDEN_OK(&g, load, ckpt_load_run(load, &model));
        ck_assert_ptr_eq(model, e.model);
        ckpt_load_free(load);
        compare_all(&e);
        ckpt_model_unref(model);
        ckpt_model_unref(e.model);
}

/* With the default staging memory, and with so little that everything is cut small. */
START_TEST(synthetic_checkpoint)
{
        static const uint64_t staging[] = {0, 256 << 10};
        char directory[] = "/tmp/ckpt-synthetic-XXXXXX", path[64];
        synthetic_tensor tensors[SYNTHETIC_TENSORS];
        ckpt_host *host = golden_host();

        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/model.safetensors", directory);
        synthetic_describe(paths_synthetic_side(), tensors);
        synthetic_write(path, tensors);
        for (int32_t rank = 0; rank < RANKS; rank++)
                load_rank(host, path, rank, staging[_i], tensors);
        ckpt_host_free(host);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

void paths_add_synthetic(TCase *tests)
{
        tcase_add_loop_test(tests, synthetic_checkpoint, 0, 2);
}
