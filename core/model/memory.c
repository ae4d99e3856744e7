/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory behind a model's parameters
 */

#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"

ckpt_memory *ckpt_memory_ref(ckpt_memory *memory)
{
        if (memory)
                atomic_fetch_add(&memory->references, 1);
        return memory;
}

ckpt_memory *ckpt_memory_unref(ckpt_memory *memory)
{
        if (!memory || atomic_fetch_sub(&memory->references, 1) != 1)
                return NULL;
        if (memory->data)
                memory->backend->free(memory->device, memory->data, memory->size);
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
        for (uint64_t i = 0; i < model->params.count; i++)
                model->params.items[i]->public.data = data[i];
        snprintf(model->device, sizeof(model->device), "%s", device);
}

/* Bytes on the host are there to be copied; others come through a stream of this call's own. */
static ckpt_status read_from_device(const ckpt_memory *memory, const uint8_t *data, void *buffer, uint64_t size)
{
        ckpt_stream *stream = NULL;
        int32_t error = memory->backend->stream_new(memory->device, &stream);

        if (error)
                return CKPT_E_DEVICE;
        error = memory->backend->copy_to_host(stream, buffer, data, size);
        if (!error)
                error = memory->backend->stream_synchronize(stream);
        memory->backend->stream_free(stream);
        return error ? CKPT_E_DEVICE : CKPT_OK;
}

ckpt_status ckpt_model_read(const ckpt_model *model, const ckpt_param *param, uint64_t offset, void *buffer, uint64_t size)
{
        if (offset > param->size || size > param->size - offset || (!param->data && size > 0) || !model->memory)
                return CKPT_E_INVALID;
        if (size == 0)
                return CKPT_OK;
        if (model->memory->backend != &ckpt_backend_cpu)
                return read_from_device(model->memory, (const uint8_t *)param->data + offset, buffer, size);
        memcpy(buffer, (const uint8_t *)param->data + offset, size);
        return CKPT_OK;
}
