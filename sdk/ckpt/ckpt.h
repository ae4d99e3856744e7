/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_CKPT_H
#define CKPT_CKPT_H

/*
 * libckpt for those who embed it
 *
 *         ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
 *         options.device = "cuda:0";
 *
 *         ckpt_status r = ckpt_host_new(&host);
 *         if (r == 0)
 *                 r = ckpt_host_add_plugin_dir(host, NULL);
 *         if (r == 0)
 *                 r = ckpt_load_dir(host, dir, &options, &model);
 *         for (uint64_t i = 0; i < ckpt_model_count(model); i++)
 *                 bind_parameter(ckpt_model_param_at(model, i));
 *
 * A host holds the plugins; any number of loads run on it at once. A load is a chain of stages, source ->
 * config -> weights -> model -> plan -> run. Every stage's result can be asked for, which runs the stages
 * before it, and every stage's result can be given instead, which replaces them. That is the whole of "one
 * call for a directory" and of "one component at a time".
 *
 * The library prints nothing, installs no signal handler, changes no current device, and looks at no
 * directory that it was not told of. Objects accept NULL where they are freed and where they are counted.
 */

#include <ckpt/config.h>
#include <ckpt/mapping.h>
#include <ckpt/plugin.h>
#include <ckpt/weights.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ckpt_host ckpt_host;
typedef struct ckpt_load ckpt_load;
typedef struct ckpt_model ckpt_model;
typedef struct ckpt_plan ckpt_plan;

/** A short word for a status ("corrupt"), for logs and JSON. A static string. [any-thread] */
CKPT_EXPORT const char *ckpt_status_name(ckpt_status status);

/** The library's version, "0.1.0". A static string. [any-thread] */
CKPT_EXPORT const char *ckpt_version(void);

/* ---- host: plugins and devices ------------------------------------------------------------------------ */

/** Receives log lines: one line without a newline, names escaped. Called from any thread, one at a time per
 * host. */
typedef void (*ckpt_log_sink)(void *context, ckpt_log_level level, const char *line);

/** What became of a file that looked like a plugin. Strings live as long as the host. */
typedef struct ckpt_plugin_info {
        const char *path; /**< NULL for a plugin that was linked in */
        const char *id, *version, *description,
                *license;   /**< NULL where the file was refused before they were known */
        ckpt_status status; /**< 0: in use; else why it was refused */
        const char *reason; /**< words for status; NULL when in use */
        uint32_t n_components;
} ckpt_plugin_info;

/** One component of a plugin. */
typedef struct ckpt_component_info {
        ckpt_kind kind;
        const char
                *id; /**< "org.ckpt.hf:HF" or "org.ckpt.gemma3:HF/Gemma3ForCausalLM": how a user chooses it */
        const char *format, *model, *extends;
} ckpt_component_info;

/** A host without plugins, with the cpu backend. */
CKPT_EXPORT ckpt_status ckpt_host_new(ckpt_host **ret_host);
/** Gives up the caller's reference; loads and models keep the host alive. Returns NULL. [any-thread] */
CKPT_EXPORT ckpt_host *ckpt_host_free(ckpt_host *host);
/** Log lines of at least `level` go to `sink` from now on; NULL: nowhere, as at first. Before any load.
 * [scan] */
CKPT_EXPORT void ckpt_host_set_log(ckpt_host *host, ckpt_log_sink sink, void *context, ckpt_log_level level);
/**
 * Adds every *.so of a directory, in order of names; NULL means the directory of the installed plugins. The
 * directory and the files must belong to root or the user and be writable by nobody else. A file that is no
 * good plugin is refused with a reason (ckpt_host_plugin_info) and logged, and does not stop the others; the
 * call fails when the directory itself is refused or unreadable, or two plugins have one key. Before any
 * load. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin_dir(ckpt_host *host, const char *directory);
/** Adds one file; its refusal is the call's failure. [scan] */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin_file(ckpt_host *host, const char *path);
/** Adds a plugin that is linked into the program. [scan] */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin(ckpt_host *host, const ckpt_plugin *plugin);
/**
 * Where device libraries are looked for, before the built-in places: `ckpt/backends` and `kernels` beside the
 * library, and the installed directory. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_set_backend_dir(ckpt_host *host, const char *directory);
/** How many files and linked plugins were looked at. [any-thread] */
CKPT_EXPORT uint32_t ckpt_host_plugin_count(const ckpt_host *host);
/** CKPT_ABSENT past the last. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_host_plugin_info(const ckpt_host *host, uint32_t index,
                                              ckpt_plugin_info *ret_info);
/** CKPT_ABSENT past the last. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_host_component_info(const ckpt_host *host, uint32_t plugin, uint32_t index,
                                                 ckpt_component_info *ret_info);
/** Why the last failing call on this host failed; never NULL. For calls that have no load. [scan] */
CKPT_EXPORT const char *ckpt_host_error(const ckpt_host *host);

/* ---- options ------------------------------------------------------------------------------------------ */

/** A name and a value: a component's option, or a renaming pattern and its replacement. */
typedef struct ckpt_pair {
        const char *key;
        const char *value;
} ckpt_pair;

/** Where a load is. Counters only grow; totals are known once the plan is. */
typedef struct ckpt_progress {
        uint64_t bytes_read, bytes_total;
        uint64_t params_ready, params_total;
        const char *stage; /**< "config", "weights", "map", "plan", "load", "done" */
} ckpt_progress;

/** One parameter of a model. Strings and shape live as long as the model. */
typedef struct ckpt_param {
        const char *name;
        ckpt_dtype dtype;
        uint32_t rank;
        const int64_t *shape; /**< of this rank; row-major without gaps */
        void *data;           /**< NULL until it is loaded */
        uint64_t size;        /**< bytes */
        uint8_t digest[16];   /**< XXH3-128 (seed 0, canonical byte order) of the bytes, if has_digest */
        int32_t has_digest;
        const char *skipped; /**< the rule that leaves this parameter unloaded, or NULL */
} ckpt_param;

/**
 * Everything that can be asked of a load; start from CKPT_LOAD_OPTIONS_INIT. Strings and arrays are copied
 * by ckpt_load_new.
 */
typedef struct ckpt_load_options {
        uint32_t struct_size;
        ckpt_dtype
                dtype; /**< of all floating-point parameters of a derived model; NONE: the expression's own */
        const char *device; /**< "cpu" (or NULL), "cuda", "cuda:N" */
        const char *format; /**< NULL: by probing; "HF" when nobody claims the source */
        ckpt_mapping mapping;
        int32_t strict; /**< the format's default mapper for an architecture of its own is an error */
        int32_t digest; /**< compute digests of the final bytes */

        /** Component ids ("org.ckpt.hf", "org.ckpt.hf:HF") by kind, NULL: resolved. */
        const char *components[CKPT_KIND_COUNT];

        const ckpt_pair *settings; /**< components' options, "weights.use_consolidated" = "true" */
        uint64_t n_settings;
        const ckpt_pair *params_map; /**< renames before the mapper's: a regular expression anchored at the
                                      * start, and its replacement ($1), the first that matches wins */
        uint64_t n_params_map;
        const char *const
                *skip_modules; /**< modules not to load, by name or pattern; covers what is below them */
        uint64_t n_skip_modules;
        const char *const *ignore; /**< source tensors that may be left over, by pattern */
        uint64_t n_ignore;

        uint64_t staging_bytes; /**< bound of staging memory on the host, and the same on a device; 0: 64 MiB
                                 */
        uint32_t readers;       /**< reader threads; 0: chosen */
        uint32_t reserved0;

        /** Called about ten times a second from the thread that runs the load; may be NULL. */
        void (*progress)(void *context, const ckpt_progress *progress);
        /** Called from reader threads, one at a time, when a parameter's bytes are complete; may be NULL. */
        void (*ready)(void *context, const ckpt_param *param);
        void *context;
} ckpt_load_options;

#define CKPT_LOAD_OPTIONS_INIT                                                         \
        {                                                                              \
                .struct_size = sizeof(ckpt_load_options), .mapping = CKPT_MAPPING_INIT \
        }

/* ---- diagnostics -------------------------------------------------------------------------------------- */

/** One reason why a load failed (or a warning: status 0). NULL and no offset where a member does not apply.
 */
typedef struct ckpt_diagnostic {
        ckpt_status status;
        const char *plugin, *component; /**< "org.ckpt.hf", "weight loader" */
        const char *parameter, *tensor, *object;
        int32_t has_offset;
        uint64_t offset;
        const char *message, *hint;
        const char *text; /**< all of it as one line for a person */
} ckpt_diagnostic;

/* ---- load --------------------------------------------------------------------------------------------- */

/**
 * A new load; `options` NULL means the defaults. Options that can never work (a rank outside its size) fail
 * here, and ckpt_host_error says why.
 */
CKPT_EXPORT ckpt_status ckpt_load_new(ckpt_host *host, const ckpt_load_options *options,
                                      ckpt_load **ret_load);
/** Cancels and waits if it runs, then frees. What was handed out by reference (weights, model) lives on.
 * Returns NULL. */
CKPT_EXPORT ckpt_load *ckpt_load_free(ckpt_load *load);

/*
 * Giving a stage's result instead of letting it be made [control], before the stages that need it run.
 */

/** Where the checkpoint is: a directory, or one file. */
CKPT_EXPORT ckpt_status ckpt_load_set_path(ckpt_load *load, const char *path);
/** The configuration as JSON text; keys as in ckpt/config.h ("architecture" or "architectures" must be
 * there). */
CKPT_EXPORT ckpt_status ckpt_load_set_config_json(ckpt_load *load, const char *text, uint64_t size);
/** Weights made by ckpt_weights_new…, or taken from another load. The load takes a reference. */
CKPT_EXPORT ckpt_status ckpt_load_set_weights(ckpt_load *load, ckpt_weights *weights);
/** The engine's model, possibly with its own buffers. The load takes a reference and fills it. */
CKPT_EXPORT ckpt_status ckpt_load_set_model(ckpt_load *load, ckpt_model *model);
/**
 * Replaces one component; the other three are resolved as ever. `component` may be an embedder's own, never
 * registered; `data` arrives as self->data. Both must outlive the load.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_component(ckpt_load *load, const ckpt_component *component, void *data);

/*
 * Asking for a stage's result [control]: runs the stages that it needs. Borrowed: lives as long as the load.
 */

CKPT_EXPORT ckpt_status ckpt_load_get_config(ckpt_load *load, const ckpt_config **ret_config);
CKPT_EXPORT ckpt_status ckpt_load_get_source(ckpt_load *load, const ckpt_source **ret_source);
CKPT_EXPORT ckpt_status ckpt_load_get_weights(ckpt_load *load, ckpt_weights **ret_weights);
/** Resolves all four components, as far as the checkpoint allows. */
CKPT_EXPORT ckpt_status ckpt_load_resolve(ckpt_load *load);
/** Describes every parameter and plans how to make it. No payload is read. */
CKPT_EXPORT ckpt_status ckpt_load_get_plan(ckpt_load *load, const ckpt_plan **ret_plan);

/** Runs what is left in this thread. The caller owns a reference to the model. */
CKPT_EXPORT ckpt_status ckpt_load_run(ckpt_load *load, ckpt_model **ret_model);
/** The same in a thread of its own; ckpt_load_wait gives the result. */
CKPT_EXPORT ckpt_status ckpt_load_start(ckpt_load *load);
CKPT_EXPORT ckpt_status ckpt_load_wait(ckpt_load *load, ckpt_model **ret_model);
/** Makes a running load end with CKPT_E_CANCELLED soon. Safe in a signal handler. [any-thread] */
CKPT_EXPORT void ckpt_load_cancel(ckpt_load *load);
/** Whether ckpt_load_cancel was called. [any-thread] */
CKPT_EXPORT bool ckpt_load_is_cancelled(const ckpt_load *load);
/** Where it is. [any-thread] */
CKPT_EXPORT void ckpt_load_get_progress(const ckpt_load *load, ckpt_progress *ret_progress);

/** new, set_path, run, free in one; a failure's reasons go to the host's log and to ckpt_host_error. */
CKPT_EXPORT ckpt_status ckpt_load_dir(ckpt_host *host, const char *path, const ckpt_load_options *options,
                                      ckpt_model **ret_model);

/** Reasons, in order of time; every one, not the first. [any-thread] */
CKPT_EXPORT uint64_t ckpt_load_diagnostic_count(const ckpt_load *load);
/** CKPT_ABSENT past the last. Strings live as long as the load. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_load_diagnostic(const ckpt_load *load, uint64_t index,
                                             ckpt_diagnostic *ret_diagnostic);

/** One candidate for one of the four slots, after ckpt_load_resolve. */
typedef struct ckpt_candidate {
        ckpt_kind kind;
        const char *id; /**< as in ckpt_component_info; "ckpt:builtin" for the runtime's own behaviour */
        int32_t chosen;
        int32_t order;      /**< place in the chain of inheritance, 0 first; -1 for one that lost */
        const char *reason; /**< why it won or lost */
} ckpt_candidate;

CKPT_EXPORT uint64_t ckpt_load_candidate_count(const ckpt_load *load);
/** CKPT_ABSENT past the last. [control] */
CKPT_EXPORT ckpt_status ckpt_load_candidate(const ckpt_load *load, uint64_t index,
                                            ckpt_candidate *ret_candidate);
/** The format of the load once it is resolved, or NULL. [control] */
CKPT_EXPORT const char *ckpt_load_format(const ckpt_load *load);

/** What a load took. Seconds of wall clock; bytes. */
typedef struct ckpt_load_stats {
        double config_seconds, weights_seconds, map_seconds, plan_seconds, allocate_seconds, execute_seconds,
                digest_seconds;
        uint64_t bytes_read; /**< from the source */
        uint64_t bytes_final;
        uint64_t reads, copies, kernels; /**< calls made */
        uint64_t host_peak, device_peak; /**< planned staging and final memory */
        uint32_t readers;
        uint32_t reserved0;
} ckpt_load_stats;

/** [control], complete after the run. */
CKPT_EXPORT void ckpt_load_get_stats(const ckpt_load *load, ckpt_load_stats *ret_stats);

/* ---- weights ------------------------------------------------------------------------------------------ */

/** What is known of one tensor of the checkpoint. Strings and arrays live as long as the weights. */
typedef struct ckpt_weight_info {
        const char *name;
        ckpt_dtype dtype;
        uint32_t rank;
        const int64_t *shape;
        const char *object; /**< file, or NULL for memory, readers and expressions */
        uint64_t offset;    /**< in the object */
        uint64_t size;      /**< bytes */
} ckpt_weight_info;

/** CKPT_ABSENT past the last. Count and names: ckpt_weights_count, ckpt_weights_name. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_weights_info(const ckpt_weights *weights, uint64_t index,
                                          ckpt_weight_info *ret_info);

/** Empty weights, to be filled with tensors in memory and given to loads. */
CKPT_EXPORT ckpt_status ckpt_weights_new(ckpt_host *host, ckpt_weights **ret_weights);
/** Called once, when nothing uses the memory any more. */
typedef void (*ckpt_release)(void *context, void *memory);
/**
 * Adds a tensor in memory; `strides` in elements, NULL: row-major. The memory must stay as it is until
 * `release` (may be NULL) is called; it is called on failure too. `device`: NULL or "cpu" for host memory,
 * "cuda:N" for device memory. Not after the weights were given to a load. [control]
 */
CKPT_EXPORT ckpt_status ckpt_weights_add_memory(ckpt_weights *weights, const char *name, ckpt_dtype dtype,
                                                uint32_t rank, const int64_t *shape, const int64_t *strides,
                                                const void *memory, const char *device, ckpt_release release,
                                                void *context);
CKPT_EXPORT ckpt_weights *ckpt_weights_ref(ckpt_weights *weights);
/** Returns NULL. [any-thread] */
CKPT_EXPORT ckpt_weights *ckpt_weights_unref(ckpt_weights *weights);

/* ---- model -------------------------------------------------------------------------------------------- */

/** An empty model, for an engine that says which parameters it wants. */
CKPT_EXPORT ckpt_status ckpt_model_new(ckpt_host *host, ckpt_model **ret_model);
/** `role` is CKPT_ROLE_…; `tag` (may be NULL) is the engine's own and reaches the mapper. */
CKPT_EXPORT ckpt_status ckpt_model_add_module(ckpt_model *model, const char *name, int32_t role,
                                              const char *tag);
/**
 * A parameter of a module: dtype and shape of this rank, and where its bytes go: `data` on the load's device,
 * or NULL for the model's own arena.
 */
CKPT_EXPORT ckpt_status ckpt_model_add_param_buffer(ckpt_model *model, const char *module, const char *param,
                                                    ckpt_dtype dtype, uint32_t rank, const int64_t *shape,
                                                    void *data);
CKPT_EXPORT ckpt_model *ckpt_model_ref(ckpt_model *model);
/** Frees the arena with the last reference; DLPack tensors count as references. Returns NULL. [any-thread] */
CKPT_EXPORT ckpt_model *ckpt_model_unref(ckpt_model *model);
/** 0 for NULL. [any-thread] */
CKPT_EXPORT uint64_t ckpt_model_count(const ckpt_model *model);
/** Sorted by module in the order of the model; NULL past the last. Lives as long as the model. [any-thread]
 */
CKPT_EXPORT const ckpt_param *ckpt_model_param_at(const ckpt_model *model, uint64_t index);
/** NULL when there is none. [any-thread] */
CKPT_EXPORT const ckpt_param *ckpt_model_find(const ckpt_model *model, const char *name);
/** "cpu", "cuda:0". [any-thread] */
CKPT_EXPORT const char *ckpt_model_device(const ckpt_model *model);
/** Copies a parameter's bytes to host memory of at least its size, from whatever device it is on.
 * [any-thread] */
CKPT_EXPORT ckpt_status ckpt_model_read(const ckpt_model *model, const ckpt_param *param, uint64_t offset,
                                        void *buffer, uint64_t size);

struct DLManagedTensorVersioned;
/**
 * A parameter as a DLPack 1.x tensor without a copy. It keeps the model alive until its deleter is called.
 * CKPT_E_UNSUPPORTED for types that DLPack has no name for. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_model_to_dlpack(ckpt_model *model, const ckpt_param *param,
                                             struct DLManagedTensorVersioned **ret_tensor);

/**
 * Writes the model as a safetensors file: to a temporary file beside `path`, which then takes its name, so
 * that `path` is never half a file. Watches the load's cancellation; failures are recorded on the load.
 * [control]
 */
CKPT_EXPORT ckpt_status ckpt_load_export(ckpt_load *load, const ckpt_model *model, const char *path);

/* ---- plan --------------------------------------------------------------------------------------------- */

/** One parameter of a plan. Strings live as long as the load. */
typedef struct ckpt_plan_param {
        const char *name;
        ckpt_dtype dtype;
        uint32_t rank;
        const int64_t *shape;
        uint64_t size;
        const char *expression; /**< "concat(0, slice(q_proj.weight, 0, 0:64), …)"; NULL when skipped */
        const char *skipped;    /**< the rule, or NULL */
        uint64_t n_extents;     /**< contiguous ranges read for it */
        uint64_t bytes_read;
        uint64_t n_copies, n_steps;
} ckpt_plan_param;

/** A range of an object that is read for a parameter. */
typedef struct ckpt_plan_extent {
        const char *object; /**< NULL for memory and readers */
        uint64_t offset, size;
} ckpt_plan_extent;

/** What the whole plan needs. */
typedef struct ckpt_plan_totals {
        uint64_t params, skipped;
        uint64_t extents, copies, steps;
        uint64_t bytes_read, bytes_final;
        uint64_t arena_bytes;   /**< final memory that the model will own */
        uint64_t staging_bytes; /**< largest working set of staging memory, all readers together */
        uint64_t host_peak, device_peak;
        uint64_t unused; /**< tensors of the checkpoint that a rule leaves out */
} ckpt_plan_totals;

CKPT_EXPORT void ckpt_plan_get_totals(const ckpt_plan *plan, ckpt_plan_totals *ret_totals);
/** CKPT_ABSENT past the last. [control] */
CKPT_EXPORT ckpt_status ckpt_plan_param_info(const ckpt_plan *plan, uint64_t index,
                                             ckpt_plan_param *ret_param);
/** CKPT_ABSENT past the last. [control] */
CKPT_EXPORT ckpt_status ckpt_plan_param_extent(const ckpt_plan *plan, uint64_t param, uint64_t index,
                                               ckpt_plan_extent *ret_extent);

#ifdef __cplusplus
}
#endif

#endif
