/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strict accounting: what no parameter asked for is explained by a rule, or an error
 *
 * Rules speak of modules, and a tensor that is left over belongs to the module that its new name says,
 * which the model need not have: an engine with a tied head has no lm_head, and another pipeline rank's
 * layers are not in this rank's model. So the same questions are asked of the name alone.
 */

#include "core/mapper/loop.h"

static const char *rule_of_module(ckpt_loop *loop, const char *name)
{
        const ckpt_module module = ckpt_module_named(loop->session, name);

        return ckpt_loop_left_out(loop, &module);
}

/*
 * The rule that leaves an entry of the renamed dictionary out, or NULL. A source goes where its fused
 * target goes.
 */
static const char *rule_of_entry(ckpt_loop *loop, const char *name, const ckpt_tensor *tensor)
{
        ckpt_arena *const arena = &loop->session->scope.arena;
        const ckpt_rule_fuse *fuse;
        const char *last, *module, *target, *rule;

        if (ckpt_loop_is_ignored(loop, name, tensor))
                return "ignore";
        module = ckpt_arena_strndup(arena, name, ckpt_name_split(name, &last));
        if (!module)
                return NULL;
        rule = rule_of_module(loop, module);
        if (rule)
                return rule;
        ckpt_name_split(module, &last);
        fuse = ckpt_rules_find_source(loop->rules, last);
        target = fuse ? ckpt_name_sibling(arena, module, fuse->target) : NULL;
        return target ? rule_of_module(loop, target) : NULL;
}

static void explain_entry(ckpt_loop *loop, const char *name, const ckpt_tensor *tensor)
{
        const char *rule;

        if (tensor->op == &ckpt_op_source && loop->used[tensor->as.source.index])
                return;
        rule = rule_of_entry(loop, name, tensor);
        if (!rule)
                return;
        ckpt_logger_write(loop->session->logger, CKPT_LOG_DEBUG, "tensor '%s' is left out: %s", name, rule);
        ckpt_tensor_mark_sources(tensor, loop->explained);
}

static void fail_unused(ckpt_loop *loop, uint64_t source)
{
        const char *own = ckpt_weights_name(loop->source, source);
        const char *name = loop->names ? loop->names[source] : own;
        const bool renamed = name && strcmp(name, own) != 0;
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = own,
                .hint = "if it may be left over: --ignore or --skip-module (ignore, skip_modules), or a "
                        "rule of the mapper"};

        ckpt_session_fail(loop->session, CKPT_E_UNUSED, &where,
                          "no parameter and no rule asks for this tensor%s%s%s",
                          renamed ? "; its new name is '" : "", renamed ? name : "", renamed ? "'" : "");
}

ckpt_status ckpt_loop_account(ckpt_loop *loop, uint64_t *ret_unused)
{
        uint64_t unused = 0;
        bool failed = false;

        for (uint64_t i = 0; i < ckpt_weights_count(loop->all); i++)
                explain_entry(loop, ckpt_weights_name(loop->all, i), ckpt_weights_at(loop->all, i));
        for (uint64_t i = 0; i < loop->n_sources; i++) {
                if (loop->used[i])
                        continue;
                if (loop->explained[i]) {
                        unused++;
                } else {
                        fail_unused(loop, i);
                        failed = true;
                }
        }
        if (failed)
                return CKPT_E_UNUSED;
        *ret_unused = unused;
        return CKPT_OK;
}
