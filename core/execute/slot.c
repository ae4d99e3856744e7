/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Staging memory of a reader
 */

#include "core/execute/execute.h"

ckpt_status ckpt_execute_device_fail(ckpt_execution *execution, int32_t status, const char *doing,
                                     uint64_t param)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .parameter = param < execution->plan->model->params.count
                                     ? execution->plan->model->params.items[param]->public.name
                                     : NULL,
        };

        return ckpt_session_fail(execution->session, CKPT_E_DEVICE, &where, "%s: %s failed: %s",
                                 execution->options->backend->name, doing,
                                 execution->options->backend->describe(status));
}

void ckpt_slot_deinit(ckpt_execution *execution, ckpt_slot *slot)
{
        const ckpt_execute_options *options = execution->options;

        if (slot->event)
                options->backend->event_free(slot->event);
        if (slot->device && slot->device != slot->host)
                options->backend->free(options->device, slot->device, slot->size);
        if (slot->host)
                options->backend->pinned_free(options->device, slot->host, slot->size);
        *slot = (ckpt_slot){.size = 0};
}

ckpt_status ckpt_slot_init(ckpt_execution *execution, ckpt_slot *slot, uint64_t size)
{
        const ckpt_execute_options *options = execution->options;
        const char *doing = "allocating staging memory";
        void *memory = NULL;
        int32_t r = 0;

        *slot = (ckpt_slot){.size = size};
        if (size > 0)
                r = options->backend->pinned_alloc(options->device, size, &memory);
        if (r == 0) {
                slot->host = slot->device = memory;
                if (!options->host_memory) {
                        memory = NULL;
                        if (size > 0)
                                r = options->backend->alloc(options->device, size, &memory);
                        slot->device = r == 0 ? memory : slot->host;
                }
        }
        if (r == 0 && !options->host_memory) {
                doing = "making an event";
                r = options->backend->event_new(options->device, &slot->event);
        }
        if (r == 0)
                return CKPT_OK;
        ckpt_slot_deinit(execution, slot);
        return ckpt_execute_device_fail(execution, r, doing, UINT64_MAX);
}

uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots)
{
        const uint64_t limit = plan->options.tile_bytes;
        const uint64_t slot = plan->largest_staging < limit ? plan->largest_staging : limit;

        return slot * readers * slots + (plan->largest_staging > limit ? plan->largest_staging : 0);
}
