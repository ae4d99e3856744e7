/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MODEL_MODEL_H
#define CKPT_MODEL_MODEL_H

/*
 * The model: modules, their parameters, and the memory behind them
 *
 * Given by the engine, or derived by a mapper through a builder. A parameter of a derived model has neither
 * dtype nor shape until the load loop has described it. After a load the model owns the arena that its
 * parameters lie in; DLPack tensors count as references.
 */

#include "core/base/map.h"
#include "core/base/session.h"
#include "kernels/backend.h"

/** A file that parameters are part of. */
typedef struct ckpt_memory_mapping {
        const ckpt_source *source; /* to find it again while it is made */
        uint32_t object;
        uint8_t *start;
        uint64_t size;
} ckpt_memory_mapping;

/** Reference-counted device memory and where it is; made by the load. */
typedef struct ckpt_memory {
        atomic_uint references;
        const ckpt_backend *backend;
        ckpt_device *device;
        int32_t ordinal;
        void *data; /* NULL when size is 0 */
        uint64_t size;
        bool borrowed; /* data is the engine's: never freed here */
        void (*deallocate)(void *context, void *memory,
                           uint64_t size); /* the engine's; NULL: the backend's */
        void *allocator;                   /* its context */
        CKPT_ARRAY(ckpt_memory_mapping) mappings;
        void (*release)(void *context); /* called last: gives the device back to the host; may be NULL */
        void *context;
} ckpt_memory;

struct ckpt_module {
        const ckpt_api *api;
        const char *name, *last;
        const char *tag;
        int32_t role;
        const ckpt_model *model;
        CKPT_ARRAY(uint64_t) params; /* indices in the model, in the order of their addition; in its arena */
};

/** What the model keeps of a parameter beside what everybody sees. */
typedef struct ckpt_model_param {
        ckpt_param public;
        const char *last; /* name within the module */
        void *buffer;     /* the engine's own, or NULL */
        uint32_t sources; /* of a fused rule: how many were seen while the model was derived */
        bool described;   /* dtype and shape are known */
        bool wanted;      /* false: derived, but another pipeline rank owns it; removed by ckpt_model_seal */
        const ckpt_tensor *assigned; /* ckpt_module_assign, during the load loop only */
} ckpt_model_param;

struct ckpt_model {
        const ckpt_api *api;
        atomic_uint references;
        ckpt_arena arena;
        CKPT_ARRAY(ckpt_module *) modules;
        CKPT_ARRAY(ckpt_model_param *) params;
        ckpt_map module_index, param_index;
        ckpt_memory *memory; /* NULL until loaded */
        char device[32];     /* "cpu", "cuda:0" */
        bool derived;
};

/** A model without a host behind it, for deriving. */
ckpt_status ckpt_model_new_derived(ckpt_model **ret_model);
/** Adds a module, or finds it: its index. Names are copied. */
ckpt_status ckpt_model_ensure_module(ckpt_model *model, const char *name, int32_t role, uint64_t *ret_module);
/** Adds a parameter without dtype and shape; CKPT_ABSENT if it is there already, with its index. */
ckpt_status ckpt_model_ensure_param(ckpt_model *model, uint64_t module, const char *param,
                                    uint64_t *ret_param);
/** Gives a derived parameter its dtype and shape (copied). */
ckpt_status ckpt_model_describe_param(ckpt_model *model, uint64_t param, ckpt_dtype dtype, uint32_t rank,
                                      const int64_t *shape);
/** Takes out the parameters that are not `wanted`, and modules left without any; renumbers. */
ckpt_status ckpt_model_seal(ckpt_model *model);
/** The model takes a reference to the memory (dropping an earlier one) and points every parameter at its
 * bytes: data[i] per parameter. */
void ckpt_model_set_memory(ckpt_model *model, ckpt_memory *memory, void *const *data, const char *device);
ckpt_memory *ckpt_memory_ref(ckpt_memory *memory);
/** Frees data with the backend, then calls release, with the last reference. Returns NULL. */
ckpt_memory *ckpt_memory_unref(ckpt_memory *memory);

/** The builder that derive_model sees. */
struct ckpt_model_builder {
        const ckpt_api *api;
        ckpt_session *session;
        ckpt_model *model;
        ckpt_status status; /* sticky */
};

/** ckpt_model_api_add_param with its result: what ckpt_model_ensure_param gives. */
ckpt_status ckpt_model_builder_add(ckpt_model_builder *builder, const char *module, const char *param,
                                   int32_t role, uint64_t *ret_param);

/**
 * Writes every loaded parameter to a safetensors file: temporary file beside `path`, then renamed. Watches
 * the session's cancellation. Records on the session.
 */
ckpt_status ckpt_model_export(ckpt_session *session, const ckpt_model *model, const char *path);

/* The services of ckpt/module.h that concern modules and models, entries of ckpt_api_table. */
const char *ckpt_module_api_name(const ckpt_module *module);
const char *ckpt_module_api_last(const ckpt_module *module);
int32_t ckpt_module_api_role(const ckpt_module *module);
const char *ckpt_module_api_tag(const ckpt_module *module);
uint32_t ckpt_module_api_param_count(const ckpt_module *module);
const char *ckpt_module_api_param_name(const ckpt_module *module, uint32_t index);
void ckpt_model_api_add_param(ckpt_model_builder *builder, const char *module, const char *param,
                              int32_t role);

#endif
