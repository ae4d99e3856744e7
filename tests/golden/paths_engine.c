/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An engine's model: it says which parameters it wants, and where they go
 */

#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "paths.h"
#include "target.h"

/* Before and after each buffer; not a multiple of the arena's alignment. */
#define GUARD  96
#define POISON 0xa5

typedef struct engine {
        test_target target;
        ckpt_model *model;
        uint8_t **memory; /* a line's buffer with its guards, NULL for one in the model's arena */
} engine;

static int32_t role_of(const char *last)
{
        if (strcmp(last, "qkv_proj") == 0 || strcmp(last, "gate_up_proj") == 0)
                return CKPT_ROLE_FUSED;
        if (strcmp(last, "embed_tokens") == 0)
                return CKPT_ROLE_EMBEDDING;
        return strstr(last, "_proj") || strcmp(last, "lm_head") == 0 ? CKPT_ROLE_LINEAR : CKPT_ROLE_PLAIN;
}

/* Cuts "a.b.weight" into "a.b" and "weight". */
static const char *split(char *name)
{
        char *dot = strrchr(name, '.');

        ck_assert_ptr_nonnull(dot);
        *dot = '\0';
        return dot + 1;
}

static uint8_t *poisoned(const test_target *t, uint64_t size)
{
        uint8_t *bytes = malloc(size), *memory = target_alloc(t, size);

        ck_assert_ptr_nonnull(bytes);
        memset(bytes, POISON, size);
        target_write(t, memory, bytes, size);
        free(bytes);
        return memory;
}

static void add_param(engine *e, const golden_line *line, uint8_t *memory, char *previous)
{
        char module[sizeof(line->name)];
        const char *param, *last;

        strcpy(module, line->name);
        param = split(module);
        last = strrchr(module, '.');
        if (strcmp(module, previous) != 0)
                ck_assert_int_eq(
                        ckpt_model_add_module(e->model, module, role_of(last ? last + 1 : module), NULL),
                        CKPT_OK);
        strcpy(previous, module);
        ck_assert_int_eq(ckpt_model_add_param_buffer(e->model, module, param, line->dtype, line->rank,
                                                     line->shape, memory ? memory + GUARD : NULL),
                         CKPT_OK);
}

/* With `every` 1 all parameters have buffers; with 3, two of three are left to the model. */
static void engine_init(engine *e, ckpt_host *host, const golden *g, uint64_t every)
{
        char previous[sizeof(g->lines->name)] = "";

        target_init(&e->target);
        e->memory = calloc(g->count, sizeof(*e->memory));
        ck_assert_ptr_nonnull(e->memory);
        ck_assert_int_eq(ckpt_model_new(host, &e->model), CKPT_OK);
        for (uint64_t i = 0; i < g->count; i++) {
                if (i % every == 0)
                        e->memory[i] = poisoned(&e->target, g->lines[i].size + 2 * GUARD);
                add_param(e, &g->lines[i], e->memory[i], previous);
        }
}

/* The parameter's bytes are in the engine's buffer, and nothing was written beside them. */
static void check_buffer(const engine *e, const golden *g, uint64_t index)
{
        const golden_line *line = &g->lines[index];
        uint8_t *bytes = malloc(line->size + 2 * GUARD), digest[16];
        unsigned before = 0, after = 0;

        ck_assert_ptr_nonnull(bytes);
        target_read(&e->target, e->memory[index], bytes, line->size + 2 * GUARD);
        for (uint64_t i = 0; i < GUARD; i++) {
                before += bytes[i] != POISON;
                after += bytes[GUARD + line->size + i] != POISON;
        }
        ck_assert_msg(before == 0 && after == 0,
                      "%s %s: %s: %u bytes were written before its buffer, %u after it", g->model,
                      g->mapping->name, line->name, before, after);
        golden_digest(bytes + GUARD, line->size, digest);
        ck_assert_mem_eq(digest, line->digest, 16);
        free(bytes);
}

static void engine_deinit(engine *e, const golden *g)
{
        for (uint64_t i = 0; i < g->count; i++)
                if (e->memory[i])
                        target_free(&e->target, e->memory[i], g->lines[i].size + 2 * GUARD);
        free(e->memory);
        target_deinit(&e->target);
}

static void load_into_engine(int number, uint64_t every)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        engine e;
        golden g;

        golden_init(&g, number);
        engine_init(&e, host, &g, every);
        options = golden_options(&g);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load, ckpt_load_set_model(load, e.model));
        golden_run(&g, load);
        ckpt_load_free(load);
        for (uint64_t i = 0; i < g.count; i++)
                if (e.memory[i])
                        ck_assert_ptr_eq(ckpt_model_find(e.model, g.lines[i].name)->data,
                                         e.memory[i] + GUARD);
        golden_compare(&g, e.model);
        /* The buffers are the engine's: they outlive the model. */
        ckpt_model_unref(e.model);
        for (uint64_t i = 0; i < g.count; i++)
                if (e.memory[i])
                        check_buffer(&e, &g, i);
        ckpt_host_free(host);
        engine_deinit(&e, &g);
        golden_deinit(&g);
}

START_TEST(engine_with_its_own_buffers)
{
        load_into_engine(_i, 1);
}
END_TEST

START_TEST(engine_with_some_buffers)
{
        load_into_engine(_i, 3);
}
END_TEST

void paths_add_engine(TCase *tests, int model)
{
        const int first = model * GOLDEN_CASES, end = first + GOLDEN_CASES;

        tcase_add_loop_test(tests, engine_with_its_own_buffers, first, end);
        tcase_add_loop_test(tests, engine_with_some_buffers, first, end);
}
