/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xxhash.h>

static const struct {
        const char *name;
        const char *expected; /* the fixture that holds expected/: one model may come in several containers */
        bool torch;
} models[GOLDEN_MODELS] = {
        {"gemma3-bf16", "gemma3-bf16", false},
        {"gemma3-bf16-sharded", "gemma3-bf16-sharded", false},
        {"gemma3-fp16", "gemma3-fp16", false},
        {"gemma3-fp16-sharded", "gemma3-fp16-sharded", false},
        {"gemma3-fp32", "gemma3-fp32", false},
        {"gemma3-fp32-sharded", "gemma3-fp32-sharded", false},
        {"gemma3-kv1", "gemma3-kv1", false},
        {"gemma3-vlm-old", "gemma3-vlm-old", false},
        {"gemma3-vlm-new", "gemma3-vlm-new", false},
        {"gemma3-vlm-v5", "gemma3-vlm-v5", false},
        {"llama", "llama", false},
        {"qwen2", "qwen2", false},
        {"torch-gemma3", "torch-gemma3", true},
        {"torch-gemma3-sharded", "torch-gemma3", true},
        {"torch-gemma3-legacy", "torch-gemma3", true},
        {"torch-gemma3-pth", "torch-gemma3", true},
        {"torch-llama-views", "torch-llama-views", true},
        {"torch-llama-views-legacy", "torch-llama-views", true},
};

static const golden_case cases[GOLDEN_CASES] = {
        {"tp1-rank0", 1, 0, 1, 0, 0},     {"tp2-rank0", 2, 0, 1, 0, 0},     {"tp2-rank1", 2, 1, 1, 0, 0},
        {"tp4-rank0", 4, 0, 1, 0, 0},     {"tp4-rank1", 4, 1, 1, 0, 0},     {"tp4-rank2", 4, 2, 1, 0, 0},
        {"tp4-rank3", 4, 3, 1, 0, 0},     {"pp2-rank0", 1, 0, 2, 0, 0},     {"pp2-rank1", 1, 0, 2, 1, 0},
        {"tp2-rank0-adp", 2, 0, 1, 0, 1}, {"tp2-rank1-adp", 2, 1, 1, 0, 1},
};

const char *golden_model_name(int model)
{
        return models[model].name;
}

bool golden_model_is_torch(int model)
{
        return models[model].torch;
}

const golden_case *golden_case_at(int number)
{
        ck_assert_int_lt(number, GOLDEN_CASES);
        return &cases[number];
}

bool golden_is_gemma(const golden *g)
{
        return strstr(g->model, "gemma3") != NULL;
}

bool golden_is_multimodal(const golden *g)
{
        return strstr(g->model, "vlm") != NULL;
}

const char *golden_place(const char *variable)
{
        const char *value = getenv(variable);

        ck_assert_msg(value != NULL, "%s is not set; run the suite with meson test", variable);
        return value;
}

static ckpt_dtype parse_dtype(const char *name)
{
        ckpt_dtype dtype = CKPT_DTYPE_BOOL;

        while (dtype < CKPT_DTYPE_COUNT && strcmp(ckpt_dtype_name(dtype), name) != 0)
                dtype++;
        ck_assert_msg(dtype < CKPT_DTYPE_COUNT, "no dtype '%s'", name);
        return dtype;
}

static void parse_shape(golden_line *line, char *dims)
{
        uint64_t bits = ckpt_dtype_bits(line->dtype);
        char *rest = NULL;

        for (char *dim = strtok_r(dims, ",", &rest); dim; dim = strtok_r(NULL, ",", &rest)) {
                ck_assert_uint_lt(line->rank, GOLDEN_RANK);
                line->shape[line->rank] = strtoll(dim, NULL, 10);
                bits *= (uint64_t)line->shape[line->rank++];
        }
        line->size = bits / 8;
}

/* Fields may be empty: a scalar has no dims. */
static void parse_line(golden_line *line, char *text)
{
        const char *name = strsep(&text, "\t"), *dtype = strsep(&text, "\t");
        char *dims = strsep(&text, "\t");
        const char *digest = strsep(&text, "\n");

        ck_assert_msg(name && dtype && dims && digest, "a line of the expected tensors is cut off");
        ck_assert_uint_lt(strlen(name), sizeof(line->name));
        ck_assert_uint_eq(strlen(digest), 32);
        strcpy(line->name, name);
        line->dtype = parse_dtype(dtype);
        parse_shape(line, dims);
        for (int i = 0; i < 16; i++) {
                const char byte[3] = {digest[2 * i], digest[2 * i + 1], '\0'};

                line->digest[i] = (uint8_t)strtoul(byte, NULL, 16);
        }
}

golden_line *golden_read_lines(const char *path, uint64_t *ret_count)
{
        FILE *file = fopen(path, "re");
        golden_line *lines = NULL;
        uint64_t count = 0;
        char text[512];

        ck_assert_msg(file != NULL, "%s cannot be opened", path);
        while (fgets(text, sizeof(text), file)) {
                lines = realloc(lines, (count + 1) * sizeof(*lines));
                ck_assert_ptr_nonnull(lines);
                memset(&lines[count], 0, sizeof(*lines));
                parse_line(&lines[count++], text);
        }
        fclose(file);
        ck_assert_uint_gt(count, 0);
        *ret_count = count;
        return lines;
}

static golden_line *read_expected(const char *model, const char *name, uint64_t *ret_count)
{
        char path[600];
        int i = 0;

        while (i < GOLDEN_MODELS && strcmp(models[i].name, model) != 0)
                i++;
        ck_assert_int_lt(i, GOLDEN_MODELS);
        snprintf(path, sizeof(path), "%s/%s/expected/%s.tsv", golden_place("CKPT_TEST_FIXTURES"),
                 models[i].expected, name);
        return golden_read_lines(path, ret_count);
}

void golden_init(golden *g, int number)
{
        ck_assert_int_lt(number, GOLDEN_MODELS * GOLDEN_CASES);
        *g = (golden){.model = models[number / GOLDEN_CASES].name, .mapping = &cases[number % GOLDEN_CASES]};
        snprintf(g->directory, sizeof(g->directory), "%s/%s", golden_place("CKPT_TEST_FIXTURES"), g->model);
        g->lines = read_expected(g->model, g->mapping->name, &g->count);
}

golden_line *golden_read_weights(const golden *g, uint64_t *ret_count)
{
        return read_expected(g->model, "weights", ret_count);
}

void golden_deinit(golden *g)
{
        free(g->lines);
}

const golden_line *golden_find(const golden *g, const char *name)
{
        for (uint64_t i = 0; i < g->count; i++)
                if (strcmp(g->lines[i].name, name) == 0)
                        return &g->lines[i];
        return NULL;
}

ckpt_host *golden_host(void)
{
        ckpt_host *host = NULL;
        ckpt_status r;

        ck_assert_int_eq(ckpt_host_new(&host), CKPT_OK);
        r = ckpt_host_add_plugin_dir(host, golden_place("CKPT_TEST_PLUGINS"));
        ck_assert_msg(r == CKPT_OK, "plugins: %s", ckpt_host_error(host));
        ck_assert_int_eq(ckpt_host_set_backend_dir(host, golden_place("CKPT_TEST_BACKENDS")), CKPT_OK);
        return host;
}

ckpt_load_options golden_options(const golden *g)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.device = golden_device();
        options.digest = 1;
        options.mapping.tp_size = g->mapping->tp_size;
        options.mapping.tp_rank = g->mapping->tp_rank;
        options.mapping.pp_size = g->mapping->pp_size;
        options.mapping.pp_rank = g->mapping->pp_rank;
        options.mapping.attention_dp = g->mapping->attention_dp;
        return options;
}

char *golden_config_text(const golden *g)
{
        char path[600], *text;
        json_error_t error;
        json_t *root, *text_config;

        snprintf(path, sizeof(path), "%s/config.json", g->directory);
        root = json_load_file(path, 0, &error);
        ck_assert_msg(root != NULL, "%s: %s", path, error.text);
        text_config = json_object_get(root, "text_config");
        if (text_config)
                json_object_update_missing(root, text_config);
        text = json_dumps(root, 0);
        json_decref(root);
        ck_assert_ptr_nonnull(text);
        return text;
}

void golden_check(const golden *g, const ckpt_load *load, ckpt_status status, const char *call)
{
        char reasons[4096] = "nothing was recorded";
        ckpt_diagnostic diagnostic;
        size_t at = 0;

        if (status == CKPT_OK)
                return;
        for (uint64_t i = 0;
             load && at < sizeof(reasons) && ckpt_load_diagnostic(load, i, &diagnostic) == CKPT_OK; i++)
                at += (size_t)snprintf(reasons + at, sizeof(reasons) - at, "%s; ", diagnostic.text);
        ck_abort_msg("%s %s: %s: %s: %s", g->model, g->mapping->name, call, ckpt_status_name(status),
                     reasons);
}

void golden_digest(const void *bytes, uint64_t size, uint8_t ret_digest[16])
{
        XXH128_canonical_t canonical;

        XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
        memcpy(ret_digest, canonical.digest, 16);
}

static void compare_kind(const golden *g, const golden_line *line, const ckpt_param *param)
{
        ck_assert_msg(param->dtype == line->dtype, "%s %s: %s is %s instead of %s", g->model,
                      g->mapping->name, line->name, ckpt_dtype_name(param->dtype),
                      ckpt_dtype_name(line->dtype));
        ck_assert_msg(param->rank == line->rank, "%s %s: %s has rank %u instead of %u", g->model,
                      g->mapping->name, line->name, param->rank, line->rank);
        for (uint32_t i = 0; i < line->rank; i++)
                ck_assert_msg(param->shape[i] == line->shape[i], "%s %s: %s: axis %u is %lld instead of %lld",
                              g->model, g->mapping->name, line->name, i, (long long)param->shape[i],
                              (long long)line->shape[i]);
        ck_assert_uint_eq(param->size, line->size);
        ck_assert(param->data != NULL || line->size == 0);
}

static void compare_bytes(const golden *g, const golden_line *line, const ckpt_model *model,
                          const ckpt_param *param)
{
        uint8_t *bytes = malloc(param->size + 1), digest[16];

        ck_assert_ptr_nonnull(bytes);
        ck_assert_msg(ckpt_model_read(model, param, 0, bytes, param->size) == CKPT_OK,
                      "%s %s: %s cannot be read", g->model, g->mapping->name, line->name);
        golden_digest(bytes, param->size, digest);
        free(bytes);
        ck_assert_msg(memcmp(digest, line->digest, 16) == 0, "%s %s: %s has the wrong bytes", g->model,
                      g->mapping->name, line->name);
        ck_assert_msg(param->has_digest && memcmp(param->digest, line->digest, 16) == 0,
                      "%s %s: %s: the load's digest %s", g->model, g->mapping->name, line->name,
                      param->has_digest ? "is wrong" : "is missing");
}

void golden_compare(const golden *g, const ckpt_model *model)
{
        uint64_t loaded = 0;

        ck_assert_ptr_nonnull(model);
        ck_assert_str_eq(ckpt_model_device(model), golden_device());
        for (uint64_t i = 0; i < ckpt_model_count(model); i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                const golden_line *line = golden_find(g, param->name);

                if (param->skipped) {
                        ck_assert_msg(strcmp(param->name, "lm_head.weight") == 0 && !line && !param->data,
                                      "%s %s: %s was skipped by %s", g->model, g->mapping->name, param->name,
                                      param->skipped);
                        continue;
                }
                ck_assert_msg(line != NULL, "%s %s: %s should not be there", g->model, g->mapping->name,
                              param->name);
                ck_assert_ptr_eq(ckpt_model_find(model, param->name), param);
                compare_kind(g, line, param);
                compare_bytes(g, line, model, param);
                loaded++;
        }
        for (uint64_t i = 0; i < g->count; i++)
                ck_assert_msg(ckpt_model_find(model, g->lines[i].name) != NULL, "%s %s: %s is missing",
                              g->model, g->mapping->name, g->lines[i].name);
        ck_assert_uint_eq(loaded, g->count);
}

void golden_run(const golden *g, ckpt_load *load)
{
        ckpt_model *model = NULL;

        GOLDEN_OK(g, load, ckpt_load_run(load, &model));
        golden_compare(g, model);
        ckpt_model_unref(model);
}
