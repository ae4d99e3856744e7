/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_LOAD_LOAD_H
#define CKPT_LOAD_LOAD_H

/*
 * One load: a chain of stages, each made on first need unless it was given
 *
 *   source -> format -> config -> weights -> mapper -> model described -> plan -> run
 *
 * What weights need after the load is gone (their loader, and the session that it reports to) is shared and
 * reference-counted; everything else dies with the load.
 */

#include "core/base/clock.h"
#include "core/config/config.h"
#include "core/execute/execute.h"
#include "core/host/host.h"
#include "core/mapper/mapper.h"
#include "core/plan/plan.h"
#include "core/source/source.h"
#include "core/weights/weights.h"

/** The session, and what its frames point at. */
typedef struct ckpt_shared {
        atomic_uint references;
        ckpt_host *host;
        ckpt_session session;
        ckpt_config *config;
} ckpt_shared;

ckpt_shared *ckpt_shared_unref(ckpt_shared *shared);

struct ckpt_load {
        ckpt_shared *shared;
        ckpt_session *session;                  /* shared->session */
        ckpt_host *host;                        /* shared->host */
        ckpt_load_options options;              /* its strings and arrays in the session's arena */
        ckpt_registered given[CKPT_KIND_COUNT]; /* the embedder's components; component NULL: none */

        const char *path;
        ckpt_source *source;
        ckpt_chain *checkpoint_loader, *config_loader, *weight_loader;
        CKPT_ARRAY(ckpt_chain *) mappers; /* every one that was asked for */
        ckpt_chain *mapper;               /* the one that serves */
        ckpt_weights *store;
        const ckpt_weights *weights; /* the store as source nodes of this load */
        ckpt_model *model;
        struct ckpt_rules rules;
        bool rules_ready, described;
        ckpt_status description_status; /* once described */
        ckpt_description description;
        ckpt_plan *plan;
        ckpt_resolution resolution;

        const ckpt_backend *backend;
        ckpt_device *device;
        int32_t ordinal;
        char device_name[32];
        uint32_t readers, slots;
        ckpt_ring *ring;
        ckpt_preparation *preparation; /* while it runs */
        void *arena;                   /* the engine's memory for the model, or NULL */

        ckpt_load_stats stats;
        ckpt_execute_counters counters;
        ckpt_io_state io;
        char io_why[256];
        _Atomic(const char *) stage;
        atomic_ullong bytes_total, params_total;
        ckpt_status status; /* of the run, once it is done */
        bool done;

        pthread_t thread;
        bool running;
};

/* Stages; each runs those before it. Failures are recorded. */
ckpt_status ckpt_load_need_source(ckpt_load *load);
ckpt_status ckpt_load_need_checkpoint_loader(ckpt_load *load);
ckpt_status ckpt_load_need_config(ckpt_load *load);
ckpt_status ckpt_load_need_weight_loader(ckpt_load *load);
ckpt_status ckpt_load_need_weights(ckpt_load *load);
ckpt_status ckpt_load_need_mapper(ckpt_load *load);
ckpt_status ckpt_load_need_description(ckpt_load *load);
ckpt_status ckpt_load_need_plan(ckpt_load *load);

/** Copies options into the session's arena. */
ckpt_status ckpt_load_copy_options(ckpt_load *load, const ckpt_load_options *options);
/** The model's memory, and where in it, in the engine's buffers or in mapped files each parameter goes. */
ckpt_status ckpt_load_allocate(ckpt_load *load, ckpt_memory **ret_memory);
ckpt_status ckpt_load_place(ckpt_load *load, ckpt_memory *memory, void **data);
/** Whether the embedder or the user asked for this device, readers and staging: sets backend, device,
 * readers, slots. */
ckpt_status ckpt_load_open_device(ckpt_load *load);
/**
 * Begins to make what a large load's ring will want, where the ring is empty; when it is described, and the
 * device is open. To be freed at the end of the run.
 */
ckpt_status ckpt_load_prepare(ckpt_load *load);
/** How large tiles may be. */
uint64_t ckpt_load_tile_bytes(const ckpt_load *load);
/** Host memory that plain kernels can address. */
static inline bool ckpt_load_on_host(const ckpt_load *load)
{
        return load->backend == &ckpt_backend_cpu;
}

/** Where a stage began. */
typedef struct ckpt_stage {
        double seconds;
        uint64_t nanoseconds; /* of the trace */
        uint64_t bytes_headers;
} ckpt_stage;

ckpt_stage ckpt_load_begin_stage(ckpt_load *load);
/** Adds to the stage's seconds and to the timeline; also after a failure. `bytes` went through it, headers
 * not included, which are counted here. */
void ckpt_load_end_stage(ckpt_load *load, const ckpt_stage *stage, const char *name, double *seconds,
                         uint64_t bytes);
/** Writes the timeline, if one was asked for. No thread of the load may run. */
void ckpt_load_end_trace(ckpt_load *load);

#endif
