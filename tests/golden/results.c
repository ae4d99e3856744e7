/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a finished load offers: the tensors themselves, DLPack, export, callbacks and counters
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "golden.h"
#include "paths.h"
#include "target.h"

/* The ABI of DLPack 1.x, as its specification has it. */
typedef struct dl_tensor {
        void *data;
        int32_t device_type, device_id;
        int32_t ndim;
        uint8_t code, bits;
        uint16_t lanes;
        int64_t *shape, *strides;
        uint64_t byte_offset;
} dl_tensor;

struct DLManagedTensorVersioned {
        uint32_t major, minor;
        void *manager_ctx;
        void (*deleter)(struct DLManagedTensorVersioned *self);
        uint64_t flags;
        dl_tensor tensor;
};

static ckpt_model *load_model(const golden *g)
{
        const ckpt_load_options options = golden_options(g);
        ckpt_host *host = golden_host();
        ckpt_model *model = NULL;

        ck_assert_msg(ckpt_load_dir(host, g->directory, &options, &model) == CKPT_OK, "%s",
                      ckpt_host_error(host));
        ckpt_host_free(host);
        return model;
}

static int number_of(const char *model, const char *mapping)
{
        for (int i = 0; i < GOLDEN_MODELS * GOLDEN_CASES; i++) {
                golden g;
                bool found;

                golden_init(&g, i);
                found = strcmp(g.model, model) == 0 && strcmp(g.mapping->name, mapping) == 0;
                golden_deinit(&g);
                if (found)
                        return i;
        }
        ck_abort_msg("there is no golden %s %s", model, mapping);
        return -1;
}

static void compare_whole(const golden *g, const ckpt_model *model, const checkpoint *expected)
{
        ck_assert_uint_eq(ckpt_model_count(model), expected->count);
        for (uint64_t i = 0; i < expected->count; i++) {
                const checkpoint_tensor *tensor = &expected->tensors[i];
                const ckpt_param *param = ckpt_model_find(model, tensor->name);
                uint8_t *bytes = malloc(tensor->size);
                uint64_t at = 0;

                ck_assert_ptr_nonnull(bytes);
                ck_assert_msg(param != NULL, "%s is missing", tensor->name);
                ck_assert_uint_eq(param->size, tensor->size);
                ck_assert_int_eq(ckpt_model_read(model, param, 0, bytes, param->size), CKPT_OK);
                while (at < tensor->size && bytes[at] == tensor->data[at])
                        at++;
                ck_assert_msg(at == tensor->size, "%s %s: %s: byte %llu is wrong", g->model, g->mapping->name,
                              tensor->name, (unsigned long long)at);
                free(bytes);
        }
}

START_TEST(whole_tensors_are_equal)
{
        char name[] = "tp2-rank0", path[600];
        checkpoint expected;
        ckpt_model *model;
        golden g;

        name[8] = (char)('0' + _i);
        golden_init(&g, number_of("gemma3-bf16", name));
        snprintf(path, sizeof(path), "%s/expected/%s.safetensors", g.directory, name);
        checkpoint_init(&expected, path);
        model = load_model(&g);
        compare_whole(&g, model, &expected);
        ckpt_model_unref(model);
        checkpoint_deinit(&expected);
        golden_deinit(&g);
}
END_TEST

/* A range of a parameter, and one that leaves it. */
START_TEST(parts_can_be_read)
{
        uint8_t whole[4096], part[100];
        const ckpt_param *param;
        ckpt_model *model;
        golden g;

        golden_init(&g, number_of("gemma3-bf16", "tp2-rank1"));
        model = load_model(&g);
        param = ckpt_model_find(model, "model.layers.1.self_attn.qkv_proj.weight");
        ck_assert_ptr_nonnull(param);
        ck_assert_uint_gt(param->size, sizeof(whole));
        ck_assert_int_eq(ckpt_model_read(model, param, 0, whole, sizeof(whole)), CKPT_OK);
        ck_assert_int_eq(ckpt_model_read(model, param, 1001, part, sizeof(part)), CKPT_OK);
        ck_assert_mem_eq(part, whole + 1001, sizeof(part));
        ck_assert_int_lt(ckpt_model_read(model, param, param->size - 99, part, sizeof(part)), 0);
        ck_assert_int_lt(ckpt_model_read(model, param, UINT64_MAX, part, sizeof(part)), 0);
        ckpt_model_unref(model);
        golden_deinit(&g);
}
END_TEST

static void check_dlpack(const golden_line *line, const struct DLManagedTensorVersioned *managed)
{
        const bool cpu = strcmp(golden_device(), "cpu") == 0;
        int64_t stride = 1;

        ck_assert_uint_eq(managed->major, 1);
        ck_assert_int_eq(managed->tensor.device_type, cpu ? 1 : 2);
        ck_assert_int_eq(managed->tensor.device_id, 0);
        ck_assert_int_eq(managed->tensor.ndim, (int)line->rank);
        ck_assert_uint_eq(managed->tensor.code, line->dtype == CKPT_DTYPE_BF16 ? 4 : 2);
        ck_assert_uint_eq(managed->tensor.bits, ckpt_dtype_bits(line->dtype));
        ck_assert_uint_eq(managed->tensor.lanes, 1);
        for (uint32_t axis = line->rank; axis-- > 0;) {
                ck_assert_int_eq(managed->tensor.shape[axis], line->shape[axis]);
                if (managed->tensor.strides)
                        ck_assert_int_eq(managed->tensor.strides[axis], stride);
                stride *= line->shape[axis];
        }
}

/* The last one to hold the model is the DLPack tensor. */
START_TEST(dlpack_keeps_the_model)
{
        static const char *const models[] = {"gemma3-bf16", "gemma3-fp16", "gemma3-fp32"};
        struct DLManagedTensorVersioned *managed = NULL;
        uint8_t *bytes, digest[16];
        const golden_line *line;
        ckpt_model *model;
        test_target t;
        golden g;

        golden_init(&g, number_of(models[_i], "tp4-rank3"));
        line = golden_find(&g, "model.layers.2.self_attn.o_proj.weight");
        ck_assert_ptr_nonnull(line);
        bytes = malloc(line->size);
        model = load_model(&g);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_find(model, line->name), &managed), CKPT_OK);
        ckpt_model_unref(model);
        check_dlpack(line, managed);
        target_init(&t);
        target_read(&t, (const uint8_t *)managed->tensor.data + managed->tensor.byte_offset, bytes,
                    line->size);
        target_deinit(&t);
        golden_digest(bytes, line->size, digest);
        ck_assert_mem_eq(digest, line->digest, 16);
        managed->deleter(managed);
        free(bytes);
        golden_deinit(&g);
}
END_TEST

static void compare_export(const golden *g, const char *path)
{
        checkpoint c;

        checkpoint_init(&c, path);
        ck_assert_uint_eq(c.count, g->count);
        for (uint64_t i = 0; i < g->count; i++) {
                const golden_line *line = &g->lines[i];
                const checkpoint_tensor *tensor = checkpoint_find(&c, line->name);
                uint8_t digest[16];

                ck_assert_msg(tensor != NULL, "%s %s: %s was not exported", g->model, g->mapping->name,
                              line->name);
                ck_assert_int_eq(tensor->dtype, line->dtype);
                ck_assert_uint_eq(tensor->rank, line->rank);
                ck_assert_mem_eq(tensor->shape, line->shape, line->rank * sizeof(*line->shape));
                golden_digest(tensor->data, tensor->size, digest);
                ck_assert_msg(memcmp(digest, line->digest, 16) == 0,
                              "%s %s: %s was exported with the wrong bytes", g->model, g->mapping->name,
                              line->name);
        }
        checkpoint_deinit(&c);
}

/* The stock weight loader accepts what was exported. */
static void read_back(const golden *g, ckpt_host *host, const char *path)
{
        ckpt_weights *weights = NULL;
        ckpt_load *load = NULL;

        ck_assert_int_eq(ckpt_load_new(host, NULL, &load), CKPT_OK);
        GOLDEN_OK(g, load, ckpt_load_set_path(load, path));
        GOLDEN_OK(g, load, ckpt_load_get_weights(load, &weights));
        ck_assert_uint_eq(ckpt_weights_count(weights), g->count);
        ckpt_load_free(load);
}

START_TEST(export_holds_the_model)
{
        char directory[] = "/tmp/ckpt-golden-XXXXXX", path[64];
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_model *model = NULL;
        ckpt_load *load = NULL;
        golden g;

        golden_init(&g, _i * GOLDEN_CASES + 2);
        options = golden_options(&g);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/out.safetensors", directory);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_run(load, &model));
        GOLDEN_OK(&g, load, ckpt_load_export(load, model, path));
        ckpt_model_unref(model);
        ckpt_load_free(load);
        compare_export(&g, path);
        read_back(&g, host, path);
        ckpt_host_free(host);
        golden_deinit(&g);
        /* The temporary file took the name: nothing else is left. */
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* What the callbacks saw. `ready` comes from other threads, so it only notes. */
typedef struct seen {
        const golden *g;
        unsigned *ready; /* by line */
        unsigned unknown, wrong;
        unsigned progress, backwards;
        ckpt_progress last;
} seen;

static void on_ready(void *context, const ckpt_param *param, void *event)
{
        seen *s = context;
        const golden_line *line = golden_find(s->g, param->name);
        uint8_t digest[16];

        (void)event;
        if (!line) {
                s->unknown++;
                return;
        }
        s->ready[line - s->g->lines]++;
        s->wrong += !param->data || param->size != line->size;
        if (strcmp(golden_device(), "cpu") != 0 || !param->data)
                return;
        /* Complete means that the bytes are final now, not when the load ends. */
        golden_digest(param->data, param->size, digest);
        s->wrong += memcmp(digest, line->digest, 16) != 0;
}

static void on_progress(void *context, const ckpt_progress *progress)
{
        seen *s = context;

        s->progress++;
        s->backwards += progress->bytes_read < s->last.bytes_read ||
                        progress->params_ready < s->last.params_ready ||
                        progress->params_ready > progress->params_total ||
                        progress->bytes_read > progress->bytes_total;
        s->last = *progress;
}

static void check_totals(const golden *g, const ckpt_load *load, const ckpt_plan_totals *totals)
{
        ckpt_progress progress;
        ckpt_load_stats stats;
        uint64_t bytes = 0;

        for (uint64_t i = 0; i < g->count; i++)
                bytes += g->lines[i].size;
        ckpt_load_get_progress(load, &progress);
        ck_assert_str_eq(progress.stage, "done");
        ck_assert_uint_eq(progress.params_ready, g->count);
        ck_assert_uint_eq(progress.params_total, g->count);
        ck_assert_uint_eq(progress.bytes_read, progress.bytes_total);
        ck_assert_uint_eq(progress.bytes_total, totals->bytes_read);
        ckpt_load_get_stats(load, &stats);
        ck_assert_uint_eq(stats.bytes_final, bytes);
        ck_assert_uint_eq(stats.bytes_read, totals->bytes_read);
        ck_assert_uint_gt(stats.readers, 0);
}

START_TEST(callbacks_tell_the_truth)
{
        ckpt_host *host = golden_host();
        const ckpt_plan *plan = NULL;
        ckpt_plan_totals totals;
        ckpt_load_options options;
        ckpt_load *load = NULL;
        seen s = {0};
        golden g;

        golden_init(&g, _i * GOLDEN_CASES + 1);
        s.g = &g;
        s.ready = calloc(g.count, sizeof(*s.ready));
        ck_assert_ptr_nonnull(s.ready);
        options = golden_options(&g);
        options.ready = on_ready;
        options.progress = on_progress;
        options.context = &s;
        options.readers = 3;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_get_plan(load, &plan));
        ckpt_plan_get_totals(plan, &totals);
        golden_run(&g, load);
        check_totals(&g, load, &totals);
        for (uint64_t i = 0; i < g.count; i++)
                ck_assert_msg(s.ready[i] == 1, "%s: %s was reported %u times", g.model, g.lines[i].name,
                              s.ready[i]);
        ck_assert_uint_eq(s.unknown, 0);
        ck_assert_uint_eq(s.wrong, 0);
        ck_assert_uint_gt(s.progress, 0);
        ck_assert_uint_eq(s.backwards, 0);
        ckpt_load_free(load);
        ckpt_host_free(host);
        free(s.ready);
        golden_deinit(&g);
}
END_TEST

/* One slot of staging, one reader: the smallest that a user may ask for. */
START_TEST(little_staging_is_enough)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        golden g;

        golden_init(&g, _i * GOLDEN_CASES + 3);
        options = golden_options(&g);
        options.readers = 1;
        options.staging_bytes = 4096;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_host_free(host);
        golden_deinit(&g);
}
END_TEST

void paths_add_results(TCase *tests)
{
        tcase_add_loop_test(tests, whole_tensors_are_equal, 0, 2);
        tcase_add_test(tests, parts_can_be_read);
        tcase_add_loop_test(tests, dlpack_keeps_the_model, 0, 3);
        tcase_add_loop_test(tests, export_holds_the_model, 0, GOLDEN_MODELS);
        tcase_add_loop_test(tests, callbacks_tell_the_truth, 0, GOLDEN_MODELS);
        tcase_add_loop_test(tests, little_staging_is_enough, 0, GOLDEN_MODELS);
}
