/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plan, for those who look at it
 */

#include <string.h>

#include "core/plan/plan.h"

void ckpt_plan_get_totals(const ckpt_plan *plan, ckpt_plan_totals *ret_totals)
{
        *ret_totals = plan->totals;
}

ckpt_status ckpt_plan_param_info(const ckpt_plan *plan, uint64_t index, ckpt_plan_param *ret_param)
{
        const ckpt_param *param;
        ckpt_target *target;

        if (index >= plan->targets.count)
                return CKPT_ABSENT;
        param = &plan->model->params.items[index]->public;
        target = &plan->targets.items[index];
        if (!target->expression && plan->bindings[index].value) {
                ckpt_text text = CKPT_TEXT_INIT;

                /* Made on demand: most plans are never looked at. */
                ckpt_tensor_print(plan->bindings[index].value, &text);
                target->expression = ckpt_arena_strdup(&plan->session->scope.arena, ckpt_text_get(&text));
                ckpt_text_deinit(&text);
                if (!target->expression)
                        return CKPT_E_NOMEM;
        }
        *ret_param = (ckpt_plan_param){
                .name = param->name,
                .dtype = param->dtype,
                .rank = param->rank,
                .shape = param->shape,
                .size = target->size,
                .expression = target->expression,
                .skipped = plan->bindings[index].skipped,
                .n_extents = target->n_ranges,
                .bytes_read = target->read_bytes,
                .n_copies = target->n_reads,
                .n_steps = target->n_steps,
        };
        return CKPT_OK;
}

ckpt_status ckpt_plan_param_extent(const ckpt_plan *plan, uint64_t param, uint64_t index,
                                   ckpt_plan_extent *ret_extent)
{
        const ckpt_extent *extent;
        uint64_t row;

        if (param >= plan->targets.count || index >= plan->targets.items[param].n_ranges)
                return CKPT_ABSENT;
        ckpt_plan_find_range(plan, &plan->targets.items[param], index, &extent, &row);
        *ret_extent = (ckpt_plan_extent){
                .object = extent->place->kind == CKPT_PLACE_OBJECT
                                  ? ckpt_source_api_name(extent->place->source, extent->place->object)
                                  : NULL,
                .offset = extent->offset + row * extent->pitch,
                .size = extent->size,
        };
        return CKPT_OK;
}
