/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words for what is not there: the key that was looked for, and the names that come near to it
 */

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

#define NEAREST_SHOWN    3u
/*
 * The search is the slow part of a failure; whoever has more of them than this needs no help with spelling.
 */
#define NEAREST_FAILURES 64u

/* A name, and the checkpoint's own where the mapper has renamed it. */
static void print_name(const ckpt_weights *weights, const char *name, ckpt_text *text)
{
        const ckpt_tensor *tensor = ckpt_weights_get(weights, name);

        ckpt_text_add(text, "'");
        ckpt_text_add_escaped(text, name);
        ckpt_text_add(text, "'");
        if (!tensor || tensor->op != &ckpt_op_source || strcmp(tensor->as.source.name, name) == 0)
                return;
        ckpt_text_add(text, " ('");
        ckpt_text_add_escaped(text, tensor->as.source.name);
        ckpt_text_add(text, "' in the checkpoint)");
}

void ckpt_nearest_print(ckpt_session *session, const ckpt_weights *weights, const char *key, ckpt_text *text)
{
        const char *names[NEAREST_SHOWN];
        uint32_t count;

        if (ckpt_diagnostics_count(&session->diagnostics) >= NEAREST_FAILURES)
                return;
        count = ckpt_weights_nearest(weights, key, names, NEAREST_SHOWN);
        for (uint32_t i = 0; i < count; i++) {
                ckpt_text_add(text, i == 0 ? "; nearest: " : ", ");
                print_name(weights, names[i], text);
        }
}

void ckpt_loop_missing(ckpt_loop *loop, const ckpt_module *module, const char *param, const char *key,
                       const char *more)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = ckpt_name_join(&loop->session->scope.arena, module->name, param),
                .tensor = key,
                .hint = "complete the checkpoint, rename the tensor (params_map, the mapper's rename), or "
                        "skip the module"};
        _cleanup_(ckpt_text_deinit) ckpt_text near = CKPT_TEXT_INIT, style = CKPT_TEXT_INIT;
        ckpt_shard shard;

        ckpt_nearest_print(loop->session, loop->weights, key, &near);
        ckpt_mapper_style(loop->mapper, module, &shard);
        ckpt_shard_print(loop->session, &shard, &style);
        ckpt_session_fail(loop->session, CKPT_E_MISSING, &where,
                          "the checkpoint has no such tensor%s%s%s (shard: %s)", more ? "; " : "",
                          more ? more : "", ckpt_text_get(&near), ckpt_text_get(&style));
}
