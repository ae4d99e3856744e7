/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ring's memory, begun before the plan is made
 *
 * Making and pinning it takes as long as planning does, and a load that is large needs all of it, whatever its
 * plan.
 */

#include "core/load/load.h"

/* Loads of less than so many rings are left alone: what a plan skips or reads twice does not matter then. */
#define RINGS_MIN 2

/* What this rank's parameters will have. */
static uint64_t final_bytes(const ckpt_load *load)
{
        uint64_t bytes = 0;

        for (uint64_t i = 0; i < load->model->params.count; i++)
                if (load->description.bindings[i].value)
                        bytes += load->model->params.items[i]->public.size;
        return bytes;
}

/* Of the first crew. */
static uint64_t ring_bytes(const ckpt_load *load)
{
        const uint64_t slot = ckpt_plan_slot_bytes(ckpt_load_tile_bytes(load));
        const uint32_t most = ckpt_ring_lanes(load->ring, load->slots, slot);

        return slot * load->slots * (load->readers < most ? load->readers : most);
}

ckpt_status ckpt_load_prepare(ckpt_load *load)
{
        ckpt_pinning how = {.session = load->session};
        uint64_t size;
        ckpt_status r;

        if (load->plan)
                return CKPT_OK;
        r = ckpt_load_need_description(load);
        if (r == CKPT_OK)
                r = ckpt_load_open_device(load);
        if (r || ckpt_load_on_host(load) || !ckpt_ring_is_empty(load->ring))
                return r;
        size = ring_bytes(load);
        if (final_bytes(load) / RINGS_MIN < size)
                return CKPT_OK;
        how.backend = load->backend;
        how.device = load->device;
        how.threads = load->readers;
        return ckpt_preparation_new(&how, size, &load->preparation);
}
