/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory for what a plan makes: from the engine, its allocator or the device, and mapped files
 */

#include <sys/mman.h>

#include "core/base/errno.h"
#include "core/load/load.h"

static void release_host(void *context)
{
        ckpt_host_free(context);
}

static ckpt_status memory_failed(ckpt_load *load, const char *why, uint64_t wanted)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .hint = "use more ranks, another dtype, or a device with more memory",
        };
        uint64_t free_bytes = 0, total = 0;

        load->backend->memory_info(load->device, &free_bytes, &total);
        return ckpt_session_fail(
                load->session, CKPT_E_NOMEM, &where,
                "%s: %llu bytes for the final tensors cannot be had, %llu of %llu are free: %s",
                load->device_name, (unsigned long long)wanted, (unsigned long long)free_bytes,
                (unsigned long long)total, why);
}

/* From whom the engine said: itself, its allocator, or the device. */
static ckpt_status allocate_arena(ckpt_load *load, ckpt_memory *memory)
{
        const ckpt_load_options *options = &load->options;
        int32_t error;

        if (memory->size == 0)
                return CKPT_OK;
        if (load->arena) {
                memory->data = load->arena;
                memory->borrowed = true;
                return CKPT_OK;
        }
        if (options->allocate) {
                memory->data = options->allocate(options->context, memory->size);
                memory->deallocate = options->deallocate;
                memory->allocator = options->context;
                return memory->data ? CKPT_OK
                                    : memory_failed(load, "the engine's allocator gave none", memory->size);
        }
        error = load->backend->alloc(load->device, memory->size, &memory->data);
        return error ? memory_failed(load, load->backend->describe(error), memory->size) : CKPT_OK;
}

/* ---- mapped files ---- */

/* The mapping of a file, made on first need. Written pages become the model's own, the others stay the
 * file's. */
static ckpt_status map_object(ckpt_load *load, ckpt_memory *memory, const ckpt_place *place,
                              uint8_t **ret_start)
{
        const uint64_t size = ckpt_source_api_size(place->source, place->object);
        ckpt_memory_mapping mapping = {.source = place->source, .object = place->object, .size = size};
        int fd;

        for (uint64_t i = 0; i < memory->mappings.count; i++) {
                if (memory->mappings.items[i].source == place->source &&
                    memory->mappings.items[i].object == place->object) {
                        *ret_start = memory->mappings.items[i].start;
                        return CKPT_OK;
                }
        }
        fd = ckpt_source_fd(&load->session->diagnostics, place->source, place->object);
        if (fd < 0)
                return fd;
        mapping.start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        if (mapping.start == MAP_FAILED)
                return ckpt_session_fail(
                        load->session, ckpt_errno_status(errno),
                        &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                      .object = ckpt_source_api_name(place->source, place->object),
                                      .hint = "load without io mapped"},
                        "the file cannot be mapped: %s", ckpt_errno_text(errno));
        *ret_start = mapping.start;
        if (ckpt_array_push(&memory->mappings, mapping) == CKPT_OK)
                return CKPT_OK;
        munmap(mapping.start, size);
        return CKPT_E_NOMEM;
}

/* ---- both ---- */

ckpt_status ckpt_load_allocate(ckpt_load *load, ckpt_memory **ret_memory)
{
        ckpt_memory *memory = calloc(1, sizeof(*memory));
        ckpt_status r;

        if (!memory)
                return CKPT_E_NOMEM;
        atomic_init(&memory->references, 1);
        memory->backend = load->backend;
        memory->device = load->device;
        memory->ordinal = load->ordinal;
        memory->size = load->plan->arena_bytes;
        r = allocate_arena(load, memory);
        if (r) {
                free(memory);
                return r;
        }
        /* The device is the host's: it must outlive the memory. */
        memory->release = release_host;
        memory->context = ckpt_host_ref(load->host);
        *ret_memory = memory;
        return CKPT_OK;
}

static ckpt_status place_param(ckpt_load *load, ckpt_memory *memory, const ckpt_target *target,
                               void **ret_data)
{
        uint8_t *start = NULL;
        ckpt_status r = CKPT_OK;

        if (target->mapped) {
                r = map_object(load, memory, target->mapped, &start);
                *ret_data = r ? NULL : start + target->mapped_offset;
        } else if (target->buffer) {
                *ret_data = target->buffer;
        } else if (memory->data) {
                *ret_data = (uint8_t *)memory->data + target->offset;
        }
        return r;
}

ckpt_status ckpt_load_place(ckpt_load *load, ckpt_memory *memory, void **data)
{
        const ckpt_plan *plan = load->plan;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < plan->targets.count && r == CKPT_OK; i++)
                if (plan->bindings[i].value)
                        r = place_param(load, memory, &plan->targets.items[i], &data[i]);
        return r;
}
