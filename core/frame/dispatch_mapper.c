/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slots of weight mappers: from a frame downwards the first component that has the slot is asked,
 * with its own frame; the runtime's own behaviour (core/mapper/base.c) ends every chain.
 */

#include "core/frame/link.h"
#include "core/mapper/mapper.h"

#define FIND(m_, slot_)         ckpt_link_find((m_), CKPT_KIND_WEIGHT_MAPPER, weight_mapper, slot_)
#define CALL(link_, slot_, ...) (link_)->component->as.weight_mapper->slot_(&(link_)->frame, ##__VA_ARGS__)

ckpt_status ckpt_mapper_api_init_model_and_config(ckpt_mapper *m)
{
        ckpt_link *const link = FIND(m, init_model_and_config);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return ckpt_base_init_model_and_config(&link->frame);
        return ckpt_link_call(link, "init_model_and_config", CALL(link, init_model_and_config));
}

/* Base first: recursion is as deep as the chain, a handful. */
static void map_weights_from(ckpt_link *link, ckpt_rules *rules)
{
        if (!link->component)
                return;
        map_weights_from(ckpt_link_of(link->frame.base), rules);
        if (CKPT_HAS(link->component->as.weight_mapper, map_weights))
                CALL(link, map_weights, rules);
}

void ckpt_chain_map_weights(ckpt_chain *mapper, struct ckpt_rules *rules)
{
        ckpt_mapper_api_map_weights(ckpt_chain_top(mapper), rules);
}

void ckpt_mapper_api_map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        ckpt_link *const link = ckpt_link_check(m, CKPT_KIND_WEIGHT_MAPPER, "map_weights");

        if (link)
                map_weights_from(link, rules);
}

const char *ckpt_mapper_api_rename(ckpt_mapper *m, const char *name)
{
        ckpt_link *const link = FIND(m, rename);

        if (!link)
                return NULL;
        return link->component ? CALL(link, rename, name) : ckpt_base_rename(&link->frame, name);
}

const ckpt_weights *ckpt_mapper_api_preprocess_weights(ckpt_mapper *m, const ckpt_weights *weights)
{
        ckpt_link *const link = FIND(m, preprocess_weights);
        const ckpt_weights *result;
        uint64_t mark;

        if (!link)
                return weights;
        if (!link->component)
                return ckpt_base_preprocess_weights(&link->frame, weights);
        mark = ckpt_link_mark(link);
        result = CALL(link, preprocess_weights, weights);
        return ckpt_link_judge_object(link, "preprocess_weights", mark, result) ? result : weights;
}

const ckpt_weights *ckpt_mapper_api_apply_callbacks(ckpt_mapper *m, const ckpt_module *module,
                                                    const char *source, const ckpt_weights *weights)
{
        ckpt_link *const link = FIND(m, apply_callbacks);
        const ckpt_weights *result;
        uint64_t mark;

        if (!link)
                return weights;
        if (!link->component)
                return ckpt_base_apply_callbacks(&link->frame, module, source, weights);
        mark = ckpt_link_mark(link);
        result = CALL(link, apply_callbacks, module, source, weights);
        return ckpt_link_judge_object(link, "apply_callbacks", mark, result) ? result : weights;
}

const ckpt_tensor *ckpt_mapper_api_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                      const ckpt_weights *weights, const char *name)
{
        ckpt_link *const link = FIND(m, handle_manual_copy);

        if (!link)
                return NULL;
        if (!link->component)
                return ckpt_base_handle_manual_copy(&link->frame, module, weights, name);
        return CALL(link, handle_manual_copy, module, weights, name);
}

int32_t ckpt_mapper_api_is_special_instance_module(ckpt_mapper *m, const ckpt_module *module)
{
        ckpt_link *const link = FIND(m, is_special_instance_module);

        if (!link)
                return 0;
        if (!link->component)
                return ckpt_base_is_special_instance_module(&link->frame, module);
        return CALL(link, is_special_instance_module, module);
}

ckpt_status ckpt_mapper_api_handle_special_instance_module(ckpt_mapper *m, const ckpt_module *module,
                                                           const ckpt_weights *weights)
{
        ckpt_link *const link = FIND(m, handle_special_instance_module);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return ckpt_base_handle_special_instance_module(&link->frame, module, weights);
        return ckpt_link_call(link, "handle_special_instance_module",
                              CALL(link, handle_special_instance_module, module, weights));
}

const char *ckpt_mapper_api_should_skip_module(ckpt_mapper *m, const ckpt_module *module)
{
        ckpt_link *const link = FIND(m, should_skip_module);

        if (!link)
                return NULL;
        return link->component ? CALL(link, should_skip_module, module)
                               : ckpt_base_should_skip_module(&link->frame, module);
}

/* What a component may say of a shard; whether a tensor can be divided so is seen later. */
static bool is_shard(const ckpt_shard *shard)
{
        return shard->axis >= 0 && shard->group >= CKPT_GROUP_NONE && shard->group <= CKPT_GROUP_EP &&
               shard->unit >= 1;
}

static ckpt_shard component_style(ckpt_link *link, const ckpt_module *module)
{
        /*
         * A plugin built against a later SDK assigns a longer struct than ours; it gets the room.
         */
        union {
                ckpt_shard shard;
                uint64_t room[32];
        } answer = {.shard = CKPT_SHARD_REPLICATED};

        CALL(link, module_style, module, &answer.shard);
        return answer.shard;
}

void ckpt_mapper_api_module_style(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        ckpt_shard shard = CKPT_SHARD_REPLICATED;
        ckpt_link *const link = FIND(m, module_style);

        if (link && link->component)
                shard = component_style(link, module);
        else if (link)
                ckpt_base_module_style(&link->frame, module, &shard);
        if (link && !is_shard(&shard)) {
                ckpt_link_blame(
                        link, "'module_style' of '%s' gave axis %d, group %d, unit %lld, which is no shard",
                        link->frame.api->module_name(module), shard.axis, shard.group, (long long)shard.unit);
                shard = (ckpt_shard)CKPT_SHARD_REPLICATED;
        }
        shard.struct_size = sizeof(shard);
        *ret_shard = shard;
}

ckpt_status ckpt_mapper_api_derive_model(ckpt_mapper *m, const ckpt_weights *weights,
                                         ckpt_model_builder *builder)
{
        ckpt_link *const link = FIND(m, derive_model);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return ckpt_base_derive_model(&link->frame, weights, builder);
        return ckpt_link_call(link, "derive_model", CALL(link, derive_model, weights, builder));
}
