/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory behind a model, and reading it from wherever it is
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/model/model.h"

ckpt_memory *ckpt_memory_ref(ckpt_memory *memory)
{
        if (memory)
                atomic_fetch_add_explicit(&memory->references, 1, memory_order_relaxed);
        return memory;
}

ckpt_memory *ckpt_memory_unref(ckpt_memory *memory)
{
        if (!memory || atomic_fetch_sub_explicit(&memory->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        if (memory->data && !memory->borrowed) {
                if (memory->deallocate)
                        memory->deallocate(memory->allocator, memory->data, memory->size);
                else
                        memory->backend->free(memory->device, memory->data, memory->size);
        }
        for (uint64_t i = 0; i < memory->mappings.count; i++)
                munmap(memory->mappings.items[i].start, memory->mappings.items[i].size);
        ckpt_array_deinit(&memory->mappings);
        if (memory->release)
                memory->release(memory->context);
        free(memory);
        return NULL;
}

void ckpt_model_set_memory(ckpt_model *model, ckpt_memory *memory, void *const *data, const char *device)
{
        ckpt_memory *before = model->memory;

        model->memory = ckpt_memory_ref(memory);
        ckpt_memory_unref(before);
        for (uint64_t i = 0; i < model->params.count; i++) {
                model->params.items[i]->public.data = data[i];
                model->params.items[i]->public.has_digest = 0;
        }
        snprintf(model->device, sizeof(model->device), "%s", device);
}

ckpt_status ckpt_model_read(const ckpt_model *model, const ckpt_param *param, uint64_t offset, void *buffer,
                            uint64_t size)
{
        const ckpt_memory *memory = model ? model->memory : NULL;
        ckpt_stream *stream = NULL;
        uint64_t end;
        int32_t error;

        if (!memory || !param || __builtin_add_overflow(offset, size, &end) || end > param->size)
                return CKPT_E_INVALID;
        if (size == 0)
                return CKPT_OK;
        if (!param->data || !buffer)
                return CKPT_E_INVALID;
        error = memory->backend->stream_new(memory->device, &stream);
        if (error == 0)
                error = memory->backend->copy_to_host(stream, buffer, (const uint8_t *)param->data + offset,
                                                      size);
        if (error == 0)
                error = memory->backend->stream_synchronize(stream);
        memory->backend->stream_free(stream);
        return error == 0 ? CKPT_OK : CKPT_E_DEVICE;
}
