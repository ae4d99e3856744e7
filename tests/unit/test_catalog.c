/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Catalogues in memory, for the tests of the load loop.
 */

#include "unit/test_catalog.h"

#include <stdio.h>

/* Last: it defines `fail` as a macro. */
#include <check.h>

static void keep_line(void *context, ckpt_log_level level, const char *line)
{
        catalog *c = context;
        const size_t length = strlen(c->log);

        (void)level;
        snprintf(c->log + length, sizeof(c->log) - length, "%s\n", line);
}

void catalog_init(catalog *c, const ckpt_mapping *mapping)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        *c = (catalog){0};
        if (mapping)
                options.mapping = *mapping;
        ckpt_logger_init(&c->logger);
        c->logger.sink = keep_line;
        c->logger.context = c;
        c->logger.level = CKPT_LOG_DEBUG;
        ck_assert_int_eq(ckpt_session_init(&c->session, &ckpt_api_table, &c->logger, &options), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_new(&c->store), CKPT_OK);
        ck_assert_int_eq(ckpt_model_new_derived(&c->model), CKPT_OK);
        ckpt_rules_init(&c->rules, &c->session);
        catalog_config(c, "{}");
}

void catalog_deinit(catalog *c)
{
        ckpt_chain_free(c->chain);
        ckpt_rules_deinit(&c->rules);
        ckpt_model_unref(c->model);
        ckpt_weights_unref(c->store);
        ckpt_config_free(c->config);
        ckpt_session_deinit(&c->session);
        ckpt_logger_deinit(&c->logger);
}

static ckpt_dtype dtype_of(const char *name)
{
        ckpt_dtype dtype = 1;

        while (dtype < CKPT_DTYPE_COUNT && strcmp(ckpt_dtype_name(dtype), name) != 0)
                dtype++;
        ck_assert_int_lt(dtype, CKPT_DTYPE_COUNT);
        return dtype;
}

/* The rest of a line: a dtype and a shape. */
static uint32_t read_type(char **save, ckpt_dtype *ret_dtype, int64_t *shape)
{
        uint32_t rank = 0;
        const char *word = strtok_r(NULL, " ", save);

        *ret_dtype = dtype_of(word);
        while ((word = strtok_r(NULL, " ", save)))
                shape[rank++] = atoll(word);
        return rank;
}

void catalog_add(catalog *c, const char *lines)
{
        static const uint8_t somewhere[1];
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = somewhere};
        char copy[16384], *line, *lines_left = copy;
        ckpt_scope *scope = ckpt_weights_store_scope(c->store);

        ck_assert_uint_lt(strlen(lines), sizeof(copy));
        strcpy(copy, lines);
        while ((line = strsep(&lines_left, "\n"))) {
                char *save = NULL;
                const char *name = strtok_r(line, " ", &save);
                int64_t shape[8];
                ckpt_dtype dtype;
                uint32_t rank;

                if (!name)
                        continue;
                rank = read_type(&save, &dtype, shape);
                ck_assert_int_eq(ckpt_weights_store_add(
                                         c->store, name,
                                         ckpt_tensor_leaf(scope, name, &place, dtype, rank, shape, NULL)),
                                 CKPT_OK);
        }
}

static void add_json(catalog *c, ckpt_config_builder *builder, const char *json)
{
        ck_assert_int_eq(
                ckpt_config_builder_add_json(&c->session.diagnostics, builder, json, strlen(json), "test"),
                CKPT_OK);
}

void catalog_config(catalog *c, const char *json)
{
        ckpt_config_builder *builder;

        ckpt_config_free(c->config);
        c->config = NULL;
        ck_assert_int_eq(ckpt_config_builder_new(&c->session, &builder), CKPT_OK);
        add_json(c, builder, "{\"architecture\": \"Test\"}");
        add_json(c, builder, json);
        ck_assert_int_eq(ckpt_config_builder_finish(builder, &c->session, &c->config), CKPT_OK);
}

void catalog_engine(catalog *c, const char *lines)
{
        char copy[8192], *line, *lines_left = copy;

        ck_assert_uint_lt(strlen(lines), sizeof(copy));
        strcpy(copy, lines);
        c->model->derived = false;
        while ((line = strsep(&lines_left, "\n"))) {
                char *save = NULL;
                const char *module = strtok_r(line, " ", &save);
                const char *param = module ? strtok_r(NULL, " ", &save) : NULL;
                uint64_t m, p;
                int64_t shape[8];
                ckpt_dtype dtype;
                uint32_t rank;

                if (!param)
                        continue;
                rank = read_type(&save, &dtype, shape);
                ck_assert_int_ge(ckpt_model_ensure_module(c->model, module, CKPT_ROLE_PLAIN, &m), CKPT_OK);
                ck_assert_int_eq(ckpt_model_ensure_param(c->model, m, param, &p), CKPT_OK);
                ck_assert_int_eq(ckpt_model_describe_param(c->model, p, dtype, rank, shape), CKPT_OK);
        }
}

ckpt_status catalog_describe(catalog *c, const ckpt_weight_mapper *const *tables, uint32_t count)
{
        ckpt_component components[4];
        ckpt_registered registered[4];
        const ckpt_weights *source = ckpt_weights_dict_of_store(&c->session.scope, c->store);
        ckpt_status r;

        ck_assert_ptr_nonnull(source);
        for (uint32_t i = 0; i < count; i++) {
                components[i] = (ckpt_component){.struct_size = sizeof(ckpt_component),
                                                 .kind = CKPT_KIND_WEIGHT_MAPPER,
                                                 .format = "TEST",
                                                 .as = {.weight_mapper = tables[i]}};
                registered[i] = (ckpt_registered){&components[i], "org.test", "org.test:TEST", c};
        }
        ck_assert_int_eq(ckpt_chain_new(&c->session, CKPT_KIND_WEIGHT_MAPPER, registered, count, c->config,
                                        source, NULL, &c->chain),
                         CKPT_OK);
        c->chain->rules = &c->rules;
        ckpt_chain_map_weights(c->chain, &c->rules);
        r = ckpt_mapper_describe(&c->session, c->chain, source, c->model, c->config, &c->options,
                                 &c->description);
        /* The components are this function's own. */
        c->chain = ckpt_chain_free(c->chain);
        return r;
}

bool catalog_has(const catalog *c, const char *name)
{
        uint64_t index;

        return ckpt_map_find(&c->model->param_index, name, &index);
}

uint64_t catalog_param(const catalog *c, const char *name)
{
        uint64_t index = 0;

        if (!ckpt_map_find(&c->model->param_index, name, &index))
                ck_abort_msg("no parameter '%s'", name);
        return index;
}

const char *catalog_type(catalog *c, const char *name)
{
        const ckpt_binding *binding = &c->description.bindings[catalog_param(c, name)];
        ckpt_text text = CKPT_TEXT_INIT;
        const char *copy;

        if (binding->skipped)
                ckpt_text_add(&text, "skipped: %s", binding->skipped);
        else if (binding->value)
                ckpt_tensor_print_type(binding->value, &text);
        else
                ckpt_text_add(&text, "nothing");
        copy = ckpt_arena_strdup(&c->session.scope.arena, ckpt_text_get(&text));
        ckpt_text_deinit(&text);
        return copy;
}

const char *catalog_expression(catalog *c, const char *name)
{
        const ckpt_binding *binding = &c->description.bindings[catalog_param(c, name)];
        ckpt_text text = CKPT_TEXT_INIT;
        const char *copy;

        ck_assert_ptr_nonnull(binding->value);
        ckpt_tensor_print(binding->value, &text);
        copy = ckpt_arena_strdup(&c->session.scope.arena, ckpt_text_get(&text));
        ckpt_text_deinit(&text);
        return copy;
}

const char *catalog_names(catalog *c)
{
        const char *names = "";

        for (uint64_t i = 0; i < ckpt_model_count(c->model); i++)
                names = ckpt_arena_printf(&c->session.scope.arena, "%s%s%s", names, i ? " " : "",
                                          ckpt_model_param_at(c->model, i)->name);
        return names;
}

static int64_t flat(const ckpt_tensor *tensor, const int64_t *at)
{
        int64_t index = 0;

        for (uint32_t i = 0; i < tensor->rank; i++)
                index = index * tensor->shape[i] + at[i];
        return index;
}

catalog_element catalog_at(const ckpt_tensor *tensor, const int64_t *coordinates)
{
        int64_t at[CKPT_RANK_MAX] = {0};
        uint32_t input = 0;

        memcpy(at, coordinates, tensor->rank * sizeof(*at));
        for (uint32_t i = 0; i < tensor->rank; i++)
                ck_assert(at[i] >= 0 && at[i] < tensor->shape[i]);
        if (tensor->op == &ckpt_op_source)
                return (catalog_element){(int64_t)tensor->as.source.index, flat(tensor, at)};
        if (tensor->op == &ckpt_op_slice) {
                at[tensor->as.slice.axis] += tensor->as.slice.start;
        } else if (tensor->op == &ckpt_op_pad) {
                if (at[tensor->as.join.axis] >= tensor->inputs[0]->shape[tensor->as.join.axis])
                        return (catalog_element){-1, 0};
        } else if (tensor->op == &ckpt_op_concat) {
                for (; at[tensor->as.join.axis] >= tensor->inputs[input]->shape[tensor->as.join.axis];
                     input++)
                        at[tensor->as.join.axis] -= tensor->inputs[input]->shape[tensor->as.join.axis];
        } else {
                ck_assert(tensor->op == &ckpt_op_cast || tensor->op == &ckpt_op_add_scalar);
        }
        return catalog_at(tensor->inputs[input], at);
}

static bool is_or_any(const char *wanted, const char *found)
{
        return !wanted || (found && strcmp(wanted, found) == 0);
}

uint64_t catalog_reasons(catalog *c, ckpt_status status, const char *parameter, const char *tensor,
                         const char *words)
{
        uint64_t count = 0;

        for (uint64_t i = 0; i < c->session.diagnostics.list.count; i++) {
                const ckpt_diagnostic *d = &c->session.diagnostics.list.items[i];

                count += d->status == status && is_or_any(parameter, d->parameter) &&
                         is_or_any(tensor, d->tensor) && (!words || strstr(d->text, words)) && d->hint;
        }
        return count;
}

uint64_t catalog_reason_count(catalog *c)
{
        return ckpt_diagnostics_count(&c->session.diagnostics);
}

const char *catalog_text(catalog *c)
{
        const char *text = "";

        for (uint64_t i = 0; i < c->session.diagnostics.list.count; i++)
                text = ckpt_arena_printf(&c->session.scope.arena, "%s%s\n", text,
                                         c->session.diagnostics.list.items[i].text);
        return text;
}
