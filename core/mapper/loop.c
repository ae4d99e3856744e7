/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load loop: every module of the model in its order, every parameter of it
 *
 * A module is left out by the engine, by the mapper or because another pipeline rank owns it; else it is
 * fused, special, or copied parameter by parameter. Slots see whole tensors and record what they do not
 * like; the loop goes on, so that one run names every fault.
 */

#include <ckpt/interfaces.h>

#include "core/mapper/fused.h"

static void skip_module(ckpt_loop *loop, const ckpt_module *module, const char *rule)
{
        for (uint64_t i = 0; i < module->params.count; i++) {
                ckpt_model_param *p = loop->model->params.items[module->params.items[i]];

                /* The model outlives the load and so needs a rule's name of its own. */
                p->public.skipped = ckpt_arena_strdup(&loop->model->arena, rule);
                if (!p->public.skipped)
                        loop->session->scope.out_of_memory = true;
                loop->bindings[module->params.items[i]].skipped = p->public.skipped;
        }
}

/* The weights below a module; the root's are all of them. */
static const ckpt_weights *view_of(ckpt_loop *loop, const ckpt_module *module)
{
        return module->name[0] ? ckpt_weights_filter(loop->weights, module->name) : loop->weights;
}

static void bind_or_miss(ckpt_loop *loop, const ckpt_module *module, uint64_t param, const ckpt_tensor *value,
                         const char *more)
{
        const char *last = loop->model->params.items[param]->last, *key;

        if (value) {
                ckpt_loop_bind(loop, module, param, &value, 1);
                return;
        }
        key = ckpt_name_join(&loop->session->scope.arena, module->name, last);
        if (key)
                ckpt_loop_missing(loop, module, last, key, more);
        else
                loop->session->scope.out_of_memory = true;
}

static void describe_special(ckpt_loop *loop, const ckpt_module *module, const ckpt_weights *view)
{
        /* A failure is recorded; parameters that it left without a value would only repeat it. */
        if (ckpt_mapper_api_handle_special_instance_module(loop->mapper, module, view) < 0)
                return;
        for (uint64_t i = 0; i < module->params.count; i++) {
                ckpt_model_param *p = loop->model->params.items[module->params.items[i]];

                bind_or_miss(loop, module, module->params.items[i], p->assigned,
                             "the mapper's handle_special_instance_module gave it no value");
                p->assigned = NULL;
        }
}

static void describe_copied(ckpt_loop *loop, const ckpt_module *module, const ckpt_weights *view)
{
        for (uint64_t i = 0; i < module->params.count; i++) {
                const ckpt_model_param *p = loop->model->params.items[module->params.items[i]];

                if (!p->assigned)
                        bind_or_miss(loop, module, module->params.items[i],
                                     ckpt_mapper_api_handle_manual_copy(loop->mapper, module, view, p->last),
                                     NULL);
        }
}

static bool has_failed(const ckpt_loop *loop, const ckpt_module *module)
{
        for (uint64_t i = 0; i < module->params.count; i++)
                if (!loop->bindings[module->params.items[i]].value)
                        return true;
        return false;
}

/* Sources of a parameter that failed are not left over as well: one reason is enough. */
static void use_after_failure(ckpt_loop *loop, const ckpt_module *module, const ckpt_weights *view)
{
        for (uint64_t i = 0; i < module->params.count; i++) {
                const ckpt_tensor *own =
                        ckpt_weights_get(view, loop->model->params.items[module->params.items[i]]->last);

                if (own)
                        ckpt_tensor_mark_sources(own, loop->used);
        }
}

static ckpt_status describe_module(ckpt_loop *loop, const ckpt_module *module)
{
        const ckpt_rule_fuse *rule = ckpt_rules_find_target(loop->rules, module->last);
        const ckpt_weights *view;

        if (rule)
                return ckpt_loop_fused(loop, module, rule);
        view = view_of(loop, module);
        if (!view)
                return CKPT_E_NOMEM;
        if (ckpt_mapper_api_is_special_instance_module(loop->mapper, module)) {
                describe_special(loop, module, view);
                if (has_failed(loop, module))
                        ckpt_loop_use(loop, view);
        } else {
                describe_copied(loop, module, view);
                if (has_failed(loop, module))
                        use_after_failure(loop, module, view);
        }
        return CKPT_OK;
}

const char *ckpt_loop_left_out(ckpt_loop *loop, const ckpt_module *module)
{
        const char *rule = ckpt_mapper_skip_rule(loop->mapper, module);
        int32_t owner;

        if (rule)
                return rule;
        owner = ckpt_rules_owner(loop->rules, &loop->session->mapping, loop->n_layers, module->name);
        if (owner < 0)
                return NULL;
        rule = ckpt_arena_printf(&loop->session->scope.arena, "pipeline rank %d", owner);
        return rule ? rule : "another pipeline rank";
}

ckpt_status ckpt_loop_walk(ckpt_loop *loop)
{
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; r == CKPT_OK && i < loop->model->modules.count; i++) {
                const ckpt_module *module = loop->model->modules.items[i];
                const char *rule;

                r = ckpt_session_check(loop->session);
                if (r < 0 || module->params.count == 0)
                        continue;
                rule = ckpt_loop_left_out(loop, module);
                if (rule)
                        skip_module(loop, module, rule);
                else
                        r = describe_module(loop, module);
        }
        return r;
}
