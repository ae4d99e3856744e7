/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From bindings to a plan: one target per parameter, tiles in the order of the files, totals
 */

#include "core/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/plan/emit.h"

ckpt_plan *ckpt_plan_free(ckpt_plan *plan)
{
        if (!plan)
                return NULL;
        ckpt_array_deinit(&plan->targets);
        ckpt_array_deinit(&plan->tiles);
        ckpt_array_deinit(&plan->reads);
        ckpt_array_deinit(&plan->steps);
        ckpt_array_deinit(&plan->extents);
        ckpt_array_deinit(&plan->runs);
        ckpt_array_deinit(&plan->run_reads);
        ckpt_array_deinit(&plan->chunks);
        free(plan);
        return NULL;
}

CKPT_DEFINE_CLEANUP(ckpt_plan *, ckpt_plan_free);

/* ---- targets ---- */

/* More than any device has: what claims to be larger is no checkpoint, and its plan would fill the memory. */
#define FINAL_BYTES_MAX (1ull << 44)

static ckpt_status place_target(ckpt_plan *plan, const ckpt_param *param, ckpt_target *target)
{
        const ckpt_where where = {.struct_size = sizeof(where), .parameter = param->name};

        target->size = param->size;
        if (param->size > FINAL_BYTES_MAX || plan->totals.bytes_final + param->size > FINAL_BYTES_MAX)
                return ckpt_session_fail(
                        plan->session, CKPT_E_LIMIT, &where,
                        "with this parameter of %llu bytes the model is larger than %llu bytes",
                        (unsigned long long)param->size, FINAL_BYTES_MAX);
        plan->totals.bytes_final += param->size;
        if (target->buffer)
                return CKPT_OK;
        target->offset = plan->arena_bytes;
        plan->arena_bytes += ckpt_align_up(target->size, CKPT_ARENA_ALIGNMENT);
        return CKPT_OK;
}

static ckpt_status plan_param(ckpt_plan *plan, ckpt_emitter *emitter, uint64_t index)
{
        const ckpt_model_param *param = plan->model->params.items[index];
        const ckpt_tensor *value = plan->bindings[index].value;
        ckpt_target target = {.first_tile = plan->tiles.count, .buffer = param->buffer};
        const uint64_t first_read = plan->reads.count, first_step = plan->steps.count;
        ckpt_view view = {.space = CKPT_SPACE_TARGET};
        ckpt_box box;
        ckpt_status r;

        if (!value)
                return ckpt_array_push(&plan->targets, target);
        r = place_target(plan, &param->public, &target);
        if (r)
                return r;
        emitter->param = index;
        ckpt_box_whole(&box, value->rank, value->shape);
        ckpt_strides_packed(view.strides, value->rank, value->shape);
        r = ckpt_emit(emitter, value, &box, &view);
        if (r)
                return r;
        target.n_tiles = plan->tiles.count - target.first_tile;
        target.n_reads = plan->reads.count - first_read;
        target.n_steps = plan->steps.count - first_step;
        for (uint64_t i = first_read; i < plan->reads.count; i++)
                target.read_bytes += plan->reads.items[i].row_bytes * plan->reads.items[i].rows;
        r = ckpt_plan_list_extents(plan, &target, first_read);
        if (r == CKPT_OK && plan->options.maps)
                ckpt_plan_map_target(plan, &target, first_read, value->dtype);
        if (target.mapped)
                plan->mapped_bytes += target.size;
        return r ? r : ckpt_array_push(&plan->targets, target);
}

static int compare_tiles(const void *a, const void *b)
{
        const ckpt_tile *x = a, *y = b;

        if (x->sort_source != y->sort_source)
                return x->sort_source < y->sort_source ? -1 : 1;
        if (x->sort_object != y->sort_object)
                return x->sort_object < y->sort_object ? -1 : 1;
        if (x->sort_offset != y->sort_offset)
                return x->sort_offset < y->sort_offset ? -1 : 1;
        return x->first_read < y->first_read ? -1 : x->first_read > y->first_read;
}

static bool tiles_in_order(const ckpt_plan *plan)
{
        for (uint64_t i = 1; i < plan->tiles.count; i++)
                if (compare_tiles(&plan->tiles.items[i - 1], &plan->tiles.items[i]) > 0)
                        return false;
        return true;
}

static void add_totals(ckpt_plan *plan)
{
        ckpt_plan_totals *totals = &plan->totals;

        totals->params = plan->targets.count;
        totals->copies = plan->reads.count;
        totals->steps = plan->steps.count;
        totals->arena_bytes = plan->arena_bytes;
        for (uint64_t i = 0; i < plan->targets.count; i++) {
                totals->skipped += plan->bindings[i].value == NULL;
                totals->extents += plan->targets.items[i].n_ranges;
        }
        for (uint64_t i = 0; i < plan->runs.count; i++)
                totals->bytes_read += ckpt_run_bytes(&plan->runs.items[i]);
}

/* What most plans need, so that growing copies nothing. Addresses that are not used in the end cost no memory. */
static ckpt_status reserve(ckpt_plan *plan, uint64_t n_params)
{
        ckpt_status r = ckpt_array_reserve(&plan->targets, n_params);

        if (r == CKPT_OK)
                r = ckpt_array_reserve(&plan->tiles, n_params);
        if (r == CKPT_OK)
                r = ckpt_array_reserve(&plan->reads, 2 * n_params);
        return r;
}

ckpt_status ckpt_plan_new(ckpt_session *session, const ckpt_model *model, const ckpt_binding *bindings,
                          const ckpt_plan_options *options, ckpt_plan **ret_plan)
{
        _cleanup_(ckpt_plan_freep) ckpt_plan *plan = calloc(1, sizeof(*plan));
        _cleanup_(ckpt_emitter_deinit) ckpt_emitter emitter = {.plan = plan};
        ckpt_status r = CKPT_OK;

        if (!plan)
                return CKPT_E_NOMEM;
        plan->session = session;
        plan->model = model;
        plan->bindings = bindings;
        plan->options = *options;
        r = reserve(plan, model->params.count);
        for (uint64_t i = 0; i < model->params.count && r == CKPT_OK; i++) {
                r = ckpt_session_check(session);
                if (r == CKPT_OK)
                        r = plan_param(plan, &emitter, i);
        }
        if (r)
                return r;
        if (!tiles_in_order(plan))
                qsort(plan->tiles.items, plan->tiles.count, sizeof(*plan->tiles.items), compare_tiles);
        r = ckpt_plan_pack(plan);
        if (r)
                return r;
        add_totals(plan);
        *ret_plan = ckpt_steal(&plan);
        return CKPT_OK;
}
