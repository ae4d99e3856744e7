/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether the layers of a derived model are exactly 0 … num_hidden_layers - 1, and alike
 *
 * Names below a list of layers are taken apart into the layer's number and the rest. A rest that most
 * layers have is missing from the others; one that few have is one too many there. A model whose layers do
 * differ has a mapper with a derive_model of its own.
 */

#include <ckpt/config.h>

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

typedef struct layer_param {
        int64_t layer;
        const char *rest; /* "self_attn.q_norm.weight" */
} layer_param;

typedef struct layer_list {
        ckpt_mapper *m;
        ckpt_session *session;
        const ckpt_weights *weights;
        const char *prefix; /* "model.layers" */
        int64_t expected;
        CKPT_ARRAY(int64_t) layers;     /* those that are there, ascending */
        ckpt_map rests;                 /* every rest once, numbered */
        CKPT_ARRAY(uint64_t) counts;    /* in how many layers each is */
        CKPT_ARRAY(layer_param) params; /* only of layers that are not alike */
        ckpt_status first;
} layer_list;

/* What is done with one parameter of a layer. */
typedef ckpt_status (*take_param)(layer_list *list, int64_t layer, const char *rest);

static void list_deinit(layer_list *list)
{
        ckpt_map_deinit(&list->rests);
        ckpt_array_deinit(&list->counts);
        ckpt_array_deinit(&list->params);
        ckpt_array_deinit(&list->layers);
}

static int by_number(const void *a, const void *b)
{
        const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

static int by_rest(const void *a, const void *b)
{
        const layer_param *x = a, *y = b;
        const int order = strcmp(x->rest, y->rest);

        return order ? order : by_number(&x->layer, &y->layer);
}

/* "model.layers" of "model.layers.3.mlp": what stands before the number. */
static const char *prefix_of(ckpt_arena *arena, const char *module, const char *rest)
{
        const char *end = rest ? rest - 1 : module + strlen(module), *dot = end;

        while (dot > module && *(dot - 1) != '.')
                dot--;
        return ckpt_arena_strndup(arena, module, dot > module ? (uint64_t)(dot - 1 - module) : 0);
}

/* Modules of one layer mostly follow each other. */
static ckpt_status add_layer(layer_list *list, int64_t layer)
{
        const uint64_t count = list->layers.count;

        if (count > 0 && list->layers.items[count - 1] == layer)
                return CKPT_OK;
        return ckpt_array_push(&list->layers, layer);
}

/* Layers past the last are a fault of their own. */
static ckpt_status count_param(layer_list *list, int64_t layer, const char *rest)
{
        uint64_t at = list->counts.count;

        if (add_layer(list, layer) < 0)
                return CKPT_E_NOMEM;
        if (layer >= list->expected)
                return CKPT_OK;
        if (!ckpt_map_find(&list->rests, rest, &at) &&
            (ckpt_map_add(&list->rests, rest, at) < 0 || ckpt_array_push(&list->counts, 0) < 0))
                return CKPT_E_NOMEM;
        list->counts.items[at]++;
        return CKPT_OK;
}

static ckpt_status keep_param(layer_list *list, int64_t layer, const char *rest)
{
        return ckpt_array_push(&list->params, (layer_param){layer, rest});
}

static ckpt_status take_module(layer_list *list, const ckpt_rule_stage *rule, const ckpt_model *model,
                               const ckpt_module *module, take_param take)
{
        const char *rest;
        int64_t layer;
        ckpt_status r = CKPT_OK;

        if (!ckpt_rule_stage_layer(rule, module->name, &layer, &rest))
                return CKPT_OK;
        if (!list->prefix)
                list->prefix = prefix_of(&list->session->scope.arena, module->name, rest);
        if (!list->prefix)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; r == CKPT_OK && i < module->params.count; i++) {
                const ckpt_model_param *p = model->params.items[module->params.items[i]];

                r = take(list, layer, rest ? p->public.name + (rest - module->name) : p->last);
        }
        return r;
}

static void unique_layers(layer_list *list)
{
        uint64_t n = 0;

        if (list->layers.count > 1)
                qsort(list->layers.items, list->layers.count, sizeof(int64_t), by_number);
        for (uint64_t i = 0; i < list->layers.count; i++)
                if (n == 0 || list->layers.items[n - 1] != list->layers.items[i])
                        list->layers.items[n++] = list->layers.items[i];
        list->layers.count = n;
}

static ckpt_status take_params(layer_list *list, const ckpt_rule_stage *rule, const ckpt_model *model,
                               take_param take)
{
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; r == CKPT_OK && i < model->modules.count; i++)
                r = take_module(list, rule, model, model->modules.items[i], take);
        return r;
}

/* Whether a rule leaves a module out, so that nothing is asked of it. */
static bool is_skipped(const layer_list *list, const char *name)
{
        const ckpt_module module = ckpt_module_named(list->session, name);

        return ckpt_mapper_skip_rule(list->m, &module) != NULL;
}

static void keep_first(layer_list *list, ckpt_status status)
{
        if (list->first == CKPT_OK)
                list->first = status;
}

static const char *layer_name(const layer_list *list, int64_t layer)
{
        ckpt_arena *const arena = &list->session->scope.arena;
        const char *number = ckpt_arena_printf(arena, "%lld", (long long)layer);

        return number ? ckpt_name_join(arena, list->prefix, number) : NULL;
}

/* ---- whole layers ---- */

static void check_layer_there(layer_list *list, int64_t layer)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = layer_name(list, layer),
                                  .hint = "complete the checkpoint, or correct num_hidden_layers"};

        if (!where.parameter)
                keep_first(list, CKPT_E_NOMEM);
        else if (!is_skipped(list, where.parameter))
                keep_first(list, ckpt_session_fail(
                                         list->session, CKPT_E_MISSING, &where,
                                         "the whole layer %lld is missing; num_hidden_layers is %lld and the "
                                         "checkpoint has %llu layers",
                                         (long long)layer, (long long)list->expected,
                                         (unsigned long long)list->layers.count));
}

static void check_layer_wanted(layer_list *list, int64_t layer)
{
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = layer_name(list, layer),
                                  .hint = "correct num_hidden_layers, or skip the layer"};

        if (!where.parameter)
                keep_first(list, CKPT_E_NOMEM);
        else if (!is_skipped(list, where.parameter))
                keep_first(list, ckpt_session_fail(list->session, CKPT_E_UNUSED, &where,
                                                   "layer %lld is one too many; num_hidden_layers is %lld",
                                                   (long long)layer, (long long)list->expected));
}

static void check_layers(layer_list *list)
{
        uint64_t at = 0;

        for (int64_t layer = 0; layer < list->expected; layer++) {
                if (at < list->layers.count && list->layers.items[at] == layer)
                        at++;
                else
                        check_layer_there(list, layer);
        }
        for (uint64_t i = at; i < list->layers.count; i++)
                check_layer_wanted(list, list->layers.items[i]);
        list->layers.count = at;
}

/* ---- the layers' parameters ---- */

static void fail_param(layer_list *list, int64_t layer, const char *rest, bool lacks)
{
        ckpt_arena *const arena = &list->session->scope.arena;
        const char *above = layer_name(list, layer);
        const char *name = above ? ckpt_name_join(arena, above, rest) : NULL, *param;
        const char *module = name ? ckpt_arena_strndup(arena, name, ckpt_name_split(name, &param)) : NULL;
        const ckpt_where where = {.struct_size = sizeof(where),
                                  .parameter = name,
                                  .hint = lacks ? "complete the checkpoint, or skip the module"
                                                : "skip the module, or ignore the tensor"};
        _cleanup_(ckpt_text_deinit) ckpt_text near = CKPT_TEXT_INIT;

        if (!module) {
                keep_first(list, CKPT_E_NOMEM);
                return;
        }
        if (is_skipped(list, module))
                return;
        if (lacks)
                ckpt_nearest_print(list->session, list->weights, name, &near);
        keep_first(list,
                   ckpt_session_fail(list->session, lacks ? CKPT_E_MISSING : CKPT_E_UNUSED, &where,
                                     lacks ? "layer %lld has no such tensor, and the other layers have it%s"
                                           : "layer %lld has this tensor, and the other layers do not%s",
                                     (long long)layer, ckpt_text_get(&near)));
}

/* One rest, in the layers params[from] … params[to - 1]; both lists ascend. */
static void check_rest(layer_list *list, uint64_t from, uint64_t to)
{
        const uint64_t present = list->layers.count;
        const bool usual = (to - from) * 2 >= present;
        uint64_t at = from;

        for (uint64_t i = 0; i < present; i++) {
                const bool has = at < to && list->params.items[at].layer == list->layers.items[i];

                at += has;
                if (has != usual)
                        fail_param(list, list->layers.items[i], list->params.items[from].rest, usual);
        }
}

/* Whether every rest is in all layers, as it nearly always is; then nothing needs to be sorted. */
static bool are_alike(const layer_list *list)
{
        for (uint64_t i = 0; i < list->counts.count; i++)
                if (list->counts.items[i] != list->layers.count)
                        return false;
        return true;
}

static void check_params(layer_list *list)
{
        const uint64_t count = list->params.count;

        if (count > 1)
                qsort(list->params.items, count, sizeof(layer_param), by_rest);
        for (uint64_t from = 0, to; from < count; from = to) {
                uint64_t known = from; /* layers past the last are a fault of their own */

                for (to = from;
                     to < count && strcmp(list->params.items[to].rest, list->params.items[from].rest) == 0;
                     to++)
                        known += list->params.items[to].layer < list->expected;
                if (known > from && known - from != list->layers.count)
                        check_rest(list, from, known);
        }
}

/* ---- all of it ---- */

ckpt_status ckpt_layers_check_list(ckpt_mapper *m, const ckpt_weights *weights, const ckpt_model *model,
                                   const ckpt_rule_stage *rule, int64_t expected, bool *found)
{
        _cleanup_(list_deinit) layer_list list = {
                .m = m, .session = ckpt_link_of(m)->session, .weights = weights, .expected = expected};
        ckpt_status r = take_params(&list, rule, model, count_param);

        /*
         * A mapper may know several lists that its models have by turns; one without any layer is not used.
         */
        if (r < 0 || list.layers.count == 0)
                return r;
        *found = true;
        unique_layers(&list);
        check_layers(&list);
        if (are_alike(&list))
                return list.first;
        r = take_params(&list, rule, model, keep_param);
        if (r < 0)
                return r;
        check_params(&list);
        return list.first;
}
