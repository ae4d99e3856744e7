/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was asked for, copied and filled in
 */

#include <string.h>
#include <unistd.h>

#include "core/load/load.h"

/* Staging memory that is enough to keep every reader busy. */
#define STAGING_BYTES (UINT64_C(100) << 20)

/*
 * A copy to a device costs about 3 microseconds beside its bytes, so slots are not small; and they stay in the
 * processor's cache between reading and copying, so they are not large. Three megabytes were best where it was
 * measured, two and four nearly as good.
 */
#define SLOT_BYTES_MAX (UINT64_C(13) << 18)
#define SLOT_BYTES_MIN (UINT64_C(64) << 10)

/* More readers than this gain nothing: so many fill a PCIe 5 link from the page cache. */
#define READERS_MAX 10

/* Rows that are read one by one cost a reader twice the time of a range, and take more of them. */
#define ROW_READERS_MAX 14

/* Slots of a reader, so that reading, copying and computing overlap; of many readers, that they fit the bound. */
#define SLOTS     3
#define ROW_SLOTS 2

static ckpt_status copy_pairs(ckpt_arena *arena, const ckpt_pair **pairs, uint64_t count)
{
        ckpt_pair *copy = ckpt_arena_calloc(arena, count, sizeof(*copy));

        if (!copy)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++) {
                copy[i].key = ckpt_arena_strdup(arena, (*pairs)[i].key);
                copy[i].value = ckpt_arena_strdup(arena, (*pairs)[i].value);
                if (!copy[i].key || !copy[i].value)
                        return CKPT_E_NOMEM;
        }
        *pairs = copy;
        return CKPT_OK;
}

static ckpt_status copy_strings(ckpt_arena *arena, const char *const **strings, uint64_t count)
{
        const char **copy = ckpt_arena_calloc(arena, count, sizeof(*copy));

        if (!copy)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++) {
                copy[i] = ckpt_arena_strdup(arena, (*strings)[i]);
                if (!copy[i])
                        return CKPT_E_NOMEM;
        }
        *strings = copy;
        return CKPT_OK;
}

static ckpt_status copy_string(ckpt_arena *arena, const char **string)
{
        const char *given = *string;

        *string = ckpt_arena_strdup(arena, given);
        return given && !*string ? CKPT_E_NOMEM : CKPT_OK;
}

/* A count without an array, or a hole in one, is a mistake of the program that embeds. */
static bool pairs_valid(const ckpt_pair *pairs, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++)
                if (!pairs || !pairs[i].key || !pairs[i].value)
                        return false;
        return true;
}

static bool strings_valid(const char *const *strings, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++)
                if (!strings || !strings[i])
                        return false;
        return true;
}

ckpt_status ckpt_load_copy_options(ckpt_load *load, const ckpt_load_options *options)
{
        ckpt_arena *arena = &load->session->scope.arena;
        ckpt_load_options *copy = &load->options;
        ckpt_status r;

        *copy = (ckpt_load_options)CKPT_LOAD_OPTIONS_INIT;
        if (!options)
                return CKPT_OK;
        /* A struct from an older header is shorter; what it lacks keeps its default. */
        memcpy(copy, options, options->struct_size < sizeof(*copy) ? options->struct_size : sizeof(*copy));
        copy->struct_size = sizeof(*copy);
        if (!copy->allocate != !copy->deallocate)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                         "of allocate and deallocate only one was given");
        if (copy->io < CKPT_IO_AUTO || copy->io > CKPT_IO_MAPPED)
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL, "there is no io %d", copy->io);
        if (!pairs_valid(copy->params_map, copy->n_params_map) ||
            !strings_valid(copy->skip_modules, copy->n_skip_modules) ||
            !strings_valid(copy->ignore, copy->n_ignore))
                return ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                         "params_map, skip_modules or ignore has fewer entries than it says");
        r = copy_string(arena, &copy->device);
        if (r == CKPT_OK)
                r = copy_string(arena, &copy->format);
        if (r == CKPT_OK)
                r = copy_string(arena, &copy->trace);
        for (int32_t kind = 0; kind < CKPT_KIND_COUNT && r == CKPT_OK; kind++)
                r = copy_string(arena, &copy->components[kind]);
        if (r == CKPT_OK)
                r = copy_pairs(arena, &copy->params_map, copy->n_params_map);
        if (r == CKPT_OK)
                r = copy_strings(arena, &copy->skip_modules, copy->n_skip_modules);
        if (r == CKPT_OK)
                r = copy_strings(arena, &copy->ignore, copy->n_ignore);
        if (r == CKPT_OK && copy->dtype != CKPT_DTYPE_NONE &&
            ckpt_dtype_class_of(copy->dtype) != CKPT_CLASS_FLOAT)
                r = ckpt_session_fail(load->session, CKPT_E_INVALID, NULL,
                                      "dtype %s is no floating-point type", ckpt_dtype_name(copy->dtype));
        return r;
}

static uint32_t processors_up_to(uint32_t most)
{
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);

        return processors < 1 ? 1 : processors > most ? most : (uint32_t)processors;
}

static uint64_t slot_share(const ckpt_load *load)
{
        const uint64_t bound = load->options.staging_bytes ? load->options.staging_bytes : STAGING_BYTES;

        return bound / load->slots / load->readers;
}

/* Fewer slots, then fewer readers, then smaller tiles, until they fit the bound. */
static void fit_staging(ckpt_load *load)
{
        while (slot_share(load) < SLOT_BYTES_MIN && load->slots > 1)
                load->slots--;
        while (slot_share(load) < SLOT_BYTES_MIN && load->readers > 1)
                load->readers--;
}

/* The largest whose slot fits into the share. */
uint64_t ckpt_load_tile_bytes(const ckpt_load *load)
{
        const uint64_t share = slot_share(load);
        const uint64_t slot = share > SLOT_BYTES_MAX ? SLOT_BYTES_MAX : share;
        uint64_t tile = slot > 3 * CKPT_BLOCK_BYTES ? (slot - 3 * CKPT_BLOCK_BYTES) / 17 * 16 : 0;

        tile = tile / CKPT_BLOCK_BYTES * CKPT_BLOCK_BYTES;
        return tile < CKPT_BLOCK_BYTES ? CKPT_BLOCK_BYTES : tile;
}

ckpt_status ckpt_load_open_device(ckpt_load *load)
{
        const uint64_t start = ckpt_trace_now(load->session->trace);
        ckpt_host_device device;
        ckpt_status r;

        if (load->backend)
                return CKPT_OK;
        r = ckpt_host_open_device(load->host, load->session, load->options.device, &device,
                                  load->device_name);
        ckpt_trace_span(load->session->trace, "device", start, 0);
        if (r)
                return r;
        load->backend = device.backend;
        load->device = device.device;
        load->ordinal = device.ordinal;
        load->ring = device.ring;
        load->readers = load->options.readers > 0 ? load->options.readers : processors_up_to(READERS_MAX);
        load->slots = SLOTS;
        fit_staging(load);
        return CKPT_OK;
}

static bool is_read_by_rows(const ckpt_plan *plan)
{
        uint64_t rows = 0, all = 0;

        for (uint64_t i = 0; i < plan->runs.count; i++) {
                const uint64_t bytes = ckpt_run_bytes(&plan->runs.items[i]);

                all += bytes;
                rows += plan->runs.items[i].rows > 1 ? bytes : 0;
        }
        return rows > all / 8;
}

/* A rank of several reads parts of rows. What was chosen by hand stays. */
static void add_row_readers(ckpt_load *load)
{
        const uint32_t readers = processors_up_to(ROW_READERS_MAX);

        if (load->options.readers > 0 || load->options.staging_bytes > 0 || readers <= load->readers ||
            !is_read_by_rows(load->plan))
                return;
        load->readers = readers;
        load->slots = ROW_SLOTS;
}

/* What only the load knows of the plan's totals, and where its progress shall end. */
static void complete_totals(ckpt_load *load)
{
        ckpt_plan_totals *totals = &load->plan->totals;

        totals->unused = load->description.unused;
        totals->staging_bytes = ckpt_execute_staging(load->plan, load->readers, load->slots);
        totals->host_peak = ckpt_execute_host_staging(load->plan, load->ring, load->preparation,
                                                      load->readers, load->slots) +
                            (ckpt_load_on_host(load) ? totals->arena_bytes : 0);
        totals->device_peak = ckpt_load_on_host(load) ? 0 : totals->staging_bytes + totals->arena_bytes;
        atomic_store(&load->bytes_total, totals->bytes_read);
        atomic_store(&load->params_total, totals->params - totals->skipped);
}

ckpt_status ckpt_load_need_plan(ckpt_load *load)
{
        ckpt_plan_options options = {.memory_device = -1};
        ckpt_stage stage;
        ckpt_status r;

        if (load->plan)
                return CKPT_OK;
        r = ckpt_load_need_description(load);
        if (r == CKPT_OK)
                r = ckpt_load_open_device(load);
        if (r)
                return r;
        stage = ckpt_load_begin_stage(load);
        atomic_store(&load->stage, "plan");
        options.tile_bytes = ckpt_load_tile_bytes(load);
        options.scatter = ckpt_load_on_host(load);
        options.maps = ckpt_load_on_host(load) && load->options.io == CKPT_IO_MAPPED;
        if (!ckpt_load_on_host(load))
                options.memory_device = load->ordinal;
        r = ckpt_plan_new(load->session, load->model, load->description.bindings, &options, &load->plan);
        if (r == CKPT_OK) {
                add_row_readers(load);
                complete_totals(load);
        }
        ckpt_load_end_stage(load, &stage, "plan", &load->stats.plan_seconds, 0);
        return r;
}
