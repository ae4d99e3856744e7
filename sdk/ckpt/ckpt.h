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
 * The library prints nothing, installs no signal handler and changes no current device. Files are looked at
 * where a function here says so. The functions that free, and ckpt_host_plugin_count, ckpt_model_count and
 * ckpt_weights_count, accept NULL objects.
 *
 * Functions return a ckpt_status (ckpt/abi.h): 0, or a failure whose reasons the load keeps
 * (ckpt_load_diagnostic), or the host where there is no load (ckpt_host_error). Functions on weights and
 * models know neither and record nothing; their comments say what each status means. Without a tag a
 * function is [control]: one thread at a time per object.
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

/** A short word for a status ("corrupt"; "unknown"), for logs and JSON. A static string. [any-thread] */
CKPT_EXPORT const char *ckpt_status_name(ckpt_status status);

/** The library's version, "0.1.0". A static string. [any-thread] */
CKPT_EXPORT const char *ckpt_version(void);

/* ---- host: plugins and devices ------------------------------------------------------------------------ */

/**
 * Receives log lines: one line without a newline, names escaped, valid during the call. Called from any
 * thread, one at a time per host, under the host's log lock: it must not call back into the host or a load.
 */
typedef void (*ckpt_log_sink)(void *context, ckpt_log_level level, const char *line);

/** What became of a file that looked like a plugin, or of a linked one. Strings live as long as the host. */
typedef struct ckpt_plugin_info {
        const char *path; /**< NULL for a plugin that was linked in */
        const char *id, *version, *description,
                *license;   /**< NULL where the file was refused before they were known */
        ckpt_status status; /**< 0: in use; else why it was refused */
        const char *reason; /**< words for status; NULL when in use */
        uint32_t n_components;
} ckpt_plugin_info;

/**
 * One component of a plugin. Strings live as long as the host; `model` is NULL for a format's default,
 * `extends` for a format without a parent. Ids are "PLUGIN:FORMAT" and "PLUGIN:FORMAT/MODEL".
 */
typedef struct ckpt_component_info {
        ckpt_kind kind;
        const char
                *id; /**< "org.ckpt.hf:HF" or "org.ckpt.gemma3:HF/Gemma3ForCausalLM": how a user chooses it */
        const char *format, *model, *extends;
} ckpt_component_info;

/** A host without plugins, with the cpu backend. The caller owns a reference. CKPT_E_NOMEM. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_host_new(ckpt_host **ret_host);
/**
 * Gives up the caller's reference; loads, weights that loads made and the memory of models keep the host
 * alive. With the last one plugins are told (deinit) and devices closed. Returns NULL. [any-thread]
 */
CKPT_EXPORT ckpt_host *ckpt_host_free(ckpt_host *host);
/**
 * Log lines of at least `level` go to `sink` from now on; NULL: nowhere, as at first. Before any load. [scan]
 */
CKPT_EXPORT void ckpt_host_set_log(ckpt_host *host, ckpt_log_sink sink, void *context, ckpt_log_level level);
/**
 * Adds every *.so of a directory, in order of names (by bytes; hidden files are passed over); NULL means the
 * directories of the environment's CKPT_PLUGIN_PATH (with ':' between them; not looked at in set-id
 * programs), then the directory of the installed plugins, where of files of one name the first counts. The
 * directory and the files must belong to root or the user and be writable by nobody else. A file that is no
 * good plugin is refused with a reason (ckpt_host_plugin_info) and logged, and does not stop the others; the
 * call fails when the directory itself is refused (CKPT_E_INVALID) or unreadable (CKPT_E_NOT_FOUND,
 * CKPT_E_IO), or two plugins have one id or one key (CKPT_E_AMBIGUOUS). Before any load. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin_dir(ckpt_host *host, const char *directory);
/**
 * Adds one file, whatever its name; its refusal is the call's failure, and a row of ckpt_host_plugin_info all
 * the same. Owner and mode as above. Before any load. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin_file(ckpt_host *host, const char *path);
/**
 * Adds a plugin that is linked into the program (CKPT_PLUGIN_STATIC) and stays as it is while the host lives;
 * else as ckpt_host_add_plugin_file. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_add_plugin(ckpt_host *host, const ckpt_plugin *plugin);
/**
 * Where device libraries are looked for, before the environment's CKPT_BACKEND_DIR and the built-in places:
 * `ckpt/backends` and `kernels` beside the library, and the installed directory. They are opened when a load
 * first asks for their device, and judged as plugins are. Copied; NULL: nowhere else. CKPT_E_NOMEM. [scan]
 */
CKPT_EXPORT ckpt_status ckpt_host_set_backend_dir(ckpt_host *host, const char *directory);
/** How many files and linked plugins were looked at, refused ones included; 0 for NULL. [any-thread] */
CKPT_EXPORT uint32_t ckpt_host_plugin_count(const ckpt_host *host);
/** A row of them, in the order in which they were added. CKPT_ABSENT past the last. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_host_plugin_info(const ckpt_host *host, uint32_t index,
                                              ckpt_plugin_info *ret_info);
/** Component `index` of plugin `plugin`. CKPT_ABSENT past the last, and for a refused plugin. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_host_component_info(const ckpt_host *host, uint32_t plugin, uint32_t index,
                                                 ckpt_component_info *ret_info);
/**
 * Why the last failing call on this host failed, in one line; never NULL, "" at first. Until the next call on
 * the host that fails, in whatever thread: with loads in several threads, ask their diagnostics instead. For
 * calls that have no load: adding plugins, ckpt_load_new, ckpt_load_dir. [control]
 */
CKPT_EXPORT const char *ckpt_host_error(const ckpt_host *host);

/* ---- options ------------------------------------------------------------------------------------------ */

/** A name and a value: a component's option, or a renaming pattern and its replacement. Neither is NULL. */
typedef struct ckpt_pair {
        const char *key;
        const char *value;
} ckpt_pair;

/**
 * Where a load is. Counters only grow; totals are known once the plan is, and 0 before. Skipped parameters
 * are not counted. Before its first stage a load's stage is "new", after a failed run "failed"; static
 * strings.
 */
typedef struct ckpt_progress {
        uint64_t bytes_read, bytes_total;
        uint64_t params_ready, params_total;
        const char *stage; /**< "config", "weights", "map", "plan", "load", "done" */
} ckpt_progress;

/**
 * One parameter of a model. Strings and shape live as long as the model, and so does `data` in the model's
 * own arena, where a parameter begins at a multiple of 256 bytes. `data` is an address on
 * ckpt_model_device(model). Skipped parameters have no data; in a derived model a parameter that only other
 * pipeline ranks hold is not there at all. Digests: XXH3_128bits of the xxHash library, of the final bytes,
 * as XXH128_canonicalFromHash writes it.
 */
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

/** Where payload comes from; see docs/performance.md for what each is worth. */
typedef int32_t ckpt_io;

enum {
        CKPT_IO_AUTO = 0,     /**< from the page cache what it holds, the rest past it */
        CKPT_IO_BUFFERED = 1, /**< all of it through the page cache */
        CKPT_IO_DIRECT = 2,   /**< all of it past the page cache, where the file system can */
        CKPT_IO_MAPPED = 3    /**< the page cache's own pages, without a copy, where that is possible */
};

/**
 * Everything that can be asked of a load; start from CKPT_LOAD_OPTIONS_INIT: members beyond struct_size keep
 * their defaults. Strings and arrays are copied by ckpt_load_new.
 *
 *         const ckpt_pair map[] = {{"language_model\\.(.*)", "$1"}};
 *         const char *const skip[] = {"vision_tower"};
 *
 *         options.params_map = map, options.n_params_map = 1;
 *         options.skip_modules = skip, options.n_skip_modules = 1;
 *
 * Patterns of modules and tensors are those of ckpt/module.h; `ignore` looks at a tensor's own name and at
 * its renamed one. Regular expressions are PCRE2's, at most 1000000 match steps per name (CKPT_E_INVALID).
 * `skip_modules` cannot be overruled by a mapper. `strict` gives CKPT_E_NOT_FOUND. `progress` and `ready`
 * must not run, wait for or free their load, and may cancel it; what they are given is valid during the call,
 * the ckpt_param of `ready` as long as the model. `ready` is not called for skipped parameters, and comes
 * before the digest; what it was told is void when the load fails, for a failed load's memory is freed.
 *
 * CKPT_IO_MAPPED is a choice to be made with care: a parameter of the cpu that is a plain range of a file is
 * then a private mapping of that file, aligned to no more than its elements; bytes that nobody wrote to
 * change with the file, and touching them is SIGBUS once the file was cut short. On another device pages are
 * registered with it; where that is slower than reading, or refused, the load reads (ckpt_load_stats).
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

        uint64_t staging_bytes; /**< bound of staging memory on the host, and the same on a device; 0: 100 MiB
                                 */
        uint32_t readers;       /**< reader threads; 0: chosen */
        uint32_t reserved0;

        /** Called about twenty times a second from the thread that runs the load; may be NULL. */
        void (*progress)(void *context, const ckpt_progress *progress);
        /**
         * Called from reader threads, one at a time, when a parameter's bytes are complete, in the order in
         * which they are; may be NULL. `event` is the device's own handle (a cudaEvent_t), recorded behind
         * the last write to the parameter and passed by then; NULL on the cpu, and where there are no bytes
         * to write (then from the thread that runs the load). Valid during the call.
         */
        void (*ready)(void *context, const ckpt_param *param, void *event);
        void *context;

        ckpt_io io; /**< CKPT_IO_… */
        uint32_t reserved1;
        /**
         * The engine's stream on the device (a cudaStream_t) or NULL: no final byte is written before the
         * work that is in it when the run starts, and what is put into it after the run comes after the load.
         */
        void *stream;
        /**
         * The engine's allocator of final memory on the device, both or neither; `allocate` gives memory that
         * is aligned to 256 bytes, or NULL. Called with `context`; `deallocate` with the model's last
         * reference.
         */
        void *(*allocate)(void *context, uint64_t size);
        void (*deallocate)(void *context, void *memory, uint64_t size);
        /**
         * A file to write the timeline to when the run ends, however it ends: trace events as JSON, for
         * Perfetto or chrome://tracing. Only ever a whole file, of about a million spans at most; it says how
         * many more there were. NULL: none. One that cannot be written is a warning (a diagnostic of status 0
         * and a line of the log) and changes no result.
         */
        const char *trace;
} ckpt_load_options;

/** The defaults: one rank, cpu, the checkpoint's dtypes, components resolved. */
#define CKPT_LOAD_OPTIONS_INIT                                                         \
        {                                                                              \
                .struct_size = sizeof(ckpt_load_options), .mapping = CKPT_MAPPING_INIT \
        }

/* ---- diagnostics -------------------------------------------------------------------------------------- */

/**
 * One reason why a load failed (or a warning: status 0). NULL and no offset where a member does not apply;
 * `plugin` and `component` are NULL where the runtime itself found it. `message` and `text` are never NULL,
 * of one line each, with names escaped.
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
 * A new load; `options` NULL means the defaults. Options that can never work (a rank outside its size, a
 * dtype that is no float, a setting without a key) are CKPT_E_INVALID here, and ckpt_host_error says why.
 * Devices, components and settings are looked up when a stage needs them. The caller owns the load and frees
 * it with ckpt_load_free. Plugins must have been added before. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_load_new(ckpt_host *host, const ckpt_load_options *options,
                                      ckpt_load **ret_load);
/**
 * Cancels and waits if it was started, then frees. What the caller has a reference to (weights, model) lives
 * on; what was borrowed does not. Components are destroyed. Not from a callback of this load. Returns NULL.
 */
CKPT_EXPORT ckpt_load *ckpt_load_free(ckpt_load *load);

/*
 * Giving a stage's result instead of letting it be made [control], before the stages that need it run: after
 * that it is CKPT_E_INVALID, and nothing changes. Configuration and weights both given, no path is needed.
 */

/** Where the checkpoint is: a directory, or one file. Copied; opened when it is first needed. */
CKPT_EXPORT ckpt_status ckpt_load_set_path(ckpt_load *load, const char *path);
/**
 * The configuration as JSON text of `size` bytes, not kept; keys as in ckpt/config.h ("architecture" or
 * "architectures" must be there, else CKPT_E_NOT_FOUND). Errors as ckpt_config_add_json.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_config_json(ckpt_load *load, const char *text, uint64_t size);
/**
 * Weights made by ckpt_weights_new…, or taken from another load (ckpt_load_get_weights), so that several
 * ranks of one process read headers once. The load takes a reference. The weights must not be added to any
 * more.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_weights(ckpt_load *load, ckpt_weights *weights);
/**
 * The engine's model, possibly with its own buffers. The load takes a reference and fills it: one load at a
 * time. Without this the model is derived from the weights.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_model(ckpt_load *load, ckpt_model *model);
/**
 * The memory that the model's arena shall be, on the load's device: at least as large as the plan's
 * `arena_bytes` says, aligned to 256 bytes. It stays the engine's and must outlive the model. After the plan
 * was made, before the run. CKPT_E_INVALID for memory that is too small or badly aligned, or without a plan.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_arena(ckpt_load *load, void *memory, uint64_t size);
/**
 * Replaces one component; the other three are resolved as ever. `component` may be an embedder's own, never
 * registered; `data` arrives as self->data. Both must outlive the load, a weight loader's also the weights
 * that it made. One with a `model` is based on its format's default, one without on its `extends`, which may
 * be its own format. It is judged when it is resolved: bad data is CKPT_E_PLUGIN then. Its id in messages is
 * "embedder". CKPT_E_INVALID for an unknown kind or no table.
 */
CKPT_EXPORT ckpt_status ckpt_load_set_component(ckpt_load *load, const ckpt_component *component, void *data);
/**
 * Sets an option of the weight loader if it has one of that name, as the setting "weights.NAME" would that
 * stands last. Makes the checkpoint loader and the configuration, so that it is known which weight loader it
 * is: what is set by hand of those comes before. Both strings are copied. CKPT_ABSENT (positive, nothing
 * recorded or set) where no component of the weight loader's chain
 * declares the option; a value that is not of its type is CKPT_E_INVALID once weights are made. So an
 * embedder can ask for what some formats have: "verify", "true".
 */
CKPT_EXPORT ckpt_status ckpt_load_set_weights_option(ckpt_load *load, const char *name, const char *value);

/*
 * Asking for a stage's result [control]: runs the stages that it needs. Borrowed: lives as long as the load.
 * Asking again is free. Any failure of a stage comes out here, with its reasons on the load; not while the
 * load was started and not waited for.
 */

/** The configuration: the given one, or the checkpoint's. */
CKPT_EXPORT ckpt_status ckpt_load_get_config(ckpt_load *load, const ckpt_config **ret_config);
/** The files of the path. CKPT_E_INVALID without a path, CKPT_E_NOT_FOUND and CKPT_E_IO as they are met. */
CKPT_EXPORT ckpt_status ckpt_load_get_source(ckpt_load *load, const ckpt_source **ret_source);
/** The checkpoint's tensors under their own names; no payload is read. ckpt_weights_ref keeps them longer. */
CKPT_EXPORT ckpt_status ckpt_load_get_weights(ckpt_load *load, ckpt_weights **ret_weights);
/**
 * Resolves all four components: configuration and weights' headers are read for it, unless they were given.
 * Of a kind whose result was given, nothing is resolved. ckpt_load_candidate tells what came of it.
 */
CKPT_EXPORT ckpt_status ckpt_load_resolve(ckpt_load *load);
/**
 * Describes every parameter and plans how to make it. No payload is read, no memory of the model allocated;
 * the device is opened. All that names, shapes and dtypes can have wrong is found here, every fault recorded.
 */
CKPT_EXPORT ckpt_status ckpt_load_get_plan(ckpt_load *load, const ckpt_plan **ret_plan);

/**
 * Runs what is left in this thread; reader threads come and go within the call. The caller owns a reference
 * to the model; `ret_model` may be NULL. A load runs once: asked again it gives the same result. When
 * reading fails, the model has no data afterwards, and contents of the engine's buffers are undefined.
 */
CKPT_EXPORT ckpt_status ckpt_load_run(ckpt_load *load, ckpt_model **ret_model);
/**
 * The same in a thread of its own, which blocks all signals; ckpt_load_wait gives the result, and is due once
 * per start (or ckpt_load_free). CKPT_E_INVALID when it was started and not waited for, CKPT_E_SYSTEM when
 * there is no thread to be had. Meanwhile only the [any-thread] functions may be called on the load.
 */
CKPT_EXPORT ckpt_status ckpt_load_start(ckpt_load *load);
/** Waits for the thread's end; result and model as ckpt_load_run. CKPT_E_INVALID when there is none. */
CKPT_EXPORT ckpt_status ckpt_load_wait(ckpt_load *load, ckpt_model **ret_model);
/**
 * Makes a running load end with CKPT_E_CANCELLED soon, and one that does not run yet when it does; there is
 * no way back. Safe in a signal handler. [any-thread]
 */
CKPT_EXPORT void ckpt_load_cancel(ckpt_load *load);
/** Whether ckpt_load_cancel was called. [any-thread] */
CKPT_EXPORT bool ckpt_load_is_cancelled(const ckpt_load *load);
/** Where it is; the members are read one by one, so they may be of different moments. [any-thread] */
CKPT_EXPORT void ckpt_load_get_progress(const ckpt_load *load, ckpt_progress *ret_progress);

/**
 * new, set_path, run, free in one; a failure's reasons, all in one line, go to the host's log and to
 * ckpt_host_error. The caller owns a reference to the model. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_load_dir(ckpt_host *host, const char *path, const ckpt_load_options *options,
                                      ckpt_model **ret_model);

/** How many reasons there are, in order of time; every one, not the first, up to 1000. [any-thread] */
CKPT_EXPORT uint64_t ckpt_load_diagnostic_count(const ckpt_load *load);
/** CKPT_ABSENT past the last. Strings live as long as the load. [any-thread] */
CKPT_EXPORT ckpt_status ckpt_load_diagnostic(const ckpt_load *load, uint64_t index,
                                             ckpt_diagnostic *ret_diagnostic);

/**
 * One candidate for one of the four slots, after ckpt_load_resolve. Strings live as long as the load. Of each
 * kind those of the chain come first, in its order, then those that lost.
 */
typedef struct ckpt_candidate {
        ckpt_kind kind;
        const char *id; /**< as in ckpt_component_info; "ckpt:builtin" for the runtime's own behaviour */
        int32_t chosen;
        int32_t order;      /**< place in the chain of inheritance, 0 first; -1 for one that lost */
        const char *reason; /**< why it won or lost */
} ckpt_candidate;

/** How many rows there are: 0 before anything was resolved. [control] */
CKPT_EXPORT uint64_t ckpt_load_candidate_count(const ckpt_load *load);
/** CKPT_ABSENT past the last. [control] */
CKPT_EXPORT ckpt_status ckpt_load_candidate(const ckpt_load *load, uint64_t index,
                                            ckpt_candidate *ret_candidate);
/** The format of the load ("HF") once it is resolved, or NULL; as long as the load. [control] */
CKPT_EXPORT const char *ckpt_load_format(const ckpt_load *load);

/**
 * What a load took. Seconds of the monotonic clock, per stage; bytes. Reads and copies count calls, kernels
 * also those of the cpu. Peaks are those of the plan, not measured.
 */
typedef struct ckpt_load_stats {
        double config_seconds, weights_seconds, map_seconds, plan_seconds, allocate_seconds, execute_seconds,
                digest_seconds;
        uint64_t bytes_read; /**< from the source */
        uint64_t bytes_final;
        uint64_t reads, copies, kernels; /**< calls made */
        uint64_t host_peak, device_peak; /**< planned staging and final memory */
        uint32_t readers;
        uint32_t reserved0;

        /**
         * Making staging memory and streams, before the first read: about 0 when they were kept, and what was
         * made beside the plan does not count.
         */
        double ring_seconds;
        uint64_t ring_bytes;      /**< staging memory of all readers on the host; as much again on a device */
        uint64_t bytes_headers;   /**< read before the plan was made: configuration, indices, headers */
        uint64_t bytes_to_device; /**< 0 on the cpu */
        uint64_t bytes_buffered, bytes_direct,
                bytes_mapped; /**< how payload came: through the page cache, past it
                                                              * (whole blocks), as mapped pages */
        ckpt_io io_requested; /**< the option */
        ckpt_io io_chosen;    /**< what file system and device allow of it */
        ckpt_io io_effective; /**< what brought most bytes */
        uint32_t reserved1;
        const char *io_engine; /**< how direct reads are made: "io_uring", "pread"; "" when none were */
        const char *io_why;    /**< one line: why `chosen` and `effective` are what they are; never NULL */
} ckpt_load_stats;

/** What it took so far; complete after the run, and 0 for stages that did not run. [control] */
CKPT_EXPORT void ckpt_load_get_stats(const ckpt_load *load, ckpt_load_stats *ret_stats);

/* ---- weights ------------------------------------------------------------------------------------------ */

/**
 * What is known of one tensor of the checkpoint: dtype, `rank` numbers of shape, whole and as it is stored.
 * Strings and arrays live as long as the weights. Without an object the offset is 0.
 */
typedef struct ckpt_weight_info {
        const char *name;
        ckpt_dtype dtype;
        uint32_t rank;
        const int64_t *shape;
        const char *object; /**< file, or NULL for memory, readers and expressions */
        uint64_t offset;    /**< in the object */
        uint64_t size;      /**< bytes */
} ckpt_weight_info;

/**
 * One tensor, in the order of addition. CKPT_ABSENT past the last, and for NULL. Count and names:
 * ckpt_weights_count, ckpt_weights_name. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_weights_info(const ckpt_weights *weights, uint64_t index,
                                          ckpt_weight_info *ret_info);

/**
 * Empty weights, to be filled with tensors in memory and given to loads. The caller owns a reference; the
 * host need not outlive them. CKPT_E_NOMEM; CKPT_E_INVALID without a host. [control]
 */
CKPT_EXPORT ckpt_status ckpt_weights_new(ckpt_host *host, ckpt_weights **ret_weights);
/** Called once, when nothing uses the memory any more, from whatever thread gave up the last reference. */
typedef void (*ckpt_release)(void *context, void *memory);
/**
 * Adds a tensor in memory; `strides` in elements, NULL: row-major. The memory must stay as it is until
 * `release` (may be NULL) is called; it is called on failure too. `device`: NULL or "cpu" for host memory,
 * "cuda:N" for device memory. Not after the weights were given to a load. The name, shape and strides are
 * copied. Zero strides are allowed, negative ones are not. CKPT_E_CORRUPT for a name that is there,
 * CKPT_E_INVALID for what is no tensor (or NULL memory with elements), CKPT_E_NOMEM. [control]
 */
CKPT_EXPORT ckpt_status ckpt_weights_add_memory(ckpt_weights *weights, const char *name, ckpt_dtype dtype,
                                                uint32_t rank, const int64_t *shape, const int64_t *strides,
                                                const void *memory, const char *device, ckpt_release release,
                                                void *context);
/**
 * One more reference; returns `weights`. Only for what ckpt_weights_new or ckpt_load_get_weights gave, not
 * for a mapper's views. NULL gives NULL. [any-thread]
 */
CKPT_EXPORT ckpt_weights *ckpt_weights_ref(ckpt_weights *weights);
/** One reference less; the last one closes files and calls every `release`. Returns NULL. [any-thread] */
CKPT_EXPORT ckpt_weights *ckpt_weights_unref(ckpt_weights *weights);

/* ---- model -------------------------------------------------------------------------------------------- */

/**
 * An empty model, for an engine that says which parameters it wants. The caller owns a reference.
 * CKPT_E_NOMEM; CKPT_E_INVALID without a host. [control]
 */
CKPT_EXPORT ckpt_status ckpt_model_new(ckpt_host *host, ckpt_model **ret_model);
/**
 * A module, by its whole dotted name ("" is the root); the load loop walks modules in the order in which they
 * were added, and modules above need not be there. `role` is CKPT_ROLE_…; `tag` (may be NULL) is the engine's
 * own and reaches the mapper. Strings are copied. CKPT_E_INVALID for a name that is there or an unknown role,
 * CKPT_E_NOMEM. [control]
 */
CKPT_EXPORT ckpt_status ckpt_model_add_module(ckpt_model *model, const char *name, int32_t role,
                                              const char *tag);
/**
 * A parameter of a module: dtype and shape of this rank, and where its bytes go: `data` on the load's device,
 * or NULL for the model's own arena. `data` has room for the tensor, row-major without gaps, aligned to its
 * elements, stays the engine's and must outlive the load. `param` is the name within the module, which may
 * have dots. The shape is copied. The checkpoint's tensor is sharded and cast to this; where that cannot be,
 * the load says CKPT_E_MISMATCH. CKPT_E_NOT_FOUND for a module that was not added, CKPT_E_INVALID for a
 * parameter that is there or is no tensor, CKPT_E_NOMEM. [control]
 */
CKPT_EXPORT ckpt_status ckpt_model_add_param_buffer(ckpt_model *model, const char *module, const char *param,
                                                    ckpt_dtype dtype, uint32_t rank, const int64_t *shape,
                                                    void *data);
/** One more reference; returns `model`. NULL gives NULL. [any-thread] */
CKPT_EXPORT ckpt_model *ckpt_model_ref(ckpt_model *model);
/** Frees the arena with the last reference; DLPack tensors count as references. Returns NULL. [any-thread] */
CKPT_EXPORT ckpt_model *ckpt_model_unref(ckpt_model *model);
/** 0 for NULL. [any-thread] */
CKPT_EXPORT uint64_t ckpt_model_count(const ckpt_model *model);
/**
 * A parameter by number. A derived model's are one module after the other; an engine's in the order in which
 * they were added. NULL past the last, and for a NULL model. Lives as long as the model; only a load that
 * runs changes it. [any-thread]
 */
CKPT_EXPORT const ckpt_param *ckpt_model_param_at(const ckpt_model *model, uint64_t index);
/** A parameter by its whole name, "model.norm.weight"; NULL when there is none, or for NULL. [any-thread] */
CKPT_EXPORT const ckpt_param *ckpt_model_find(const ckpt_model *model, const char *name);
/**
 * "cpu", "cuda:0": the device of the load; "cpu" before it. NULL for NULL; as long as the model. [any-thread]
 */
CKPT_EXPORT const char *ckpt_model_device(const ckpt_model *model);
/**
 * Copies `size` bytes from `offset` of a parameter of this model to host memory, from whatever device it is
 * on, and waits for them. CKPT_E_INVALID for a range that leaves the parameter, one without data, or a model
 * that was not loaded; CKPT_E_DEVICE. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_model_read(const ckpt_model *model, const ckpt_param *param, uint64_t offset,
                                        void *buffer, uint64_t size);

struct DLManagedTensorVersioned;
/**
 * A parameter of this model as a DLPack tensor (DLManagedTensorVersioned, version 1.1) without a copy:
 * row-major strides in elements, byte_offset 0, device kDLCPU or kDLCUDA, no flag set, so that it may be
 * written to. It keeps the model alive until its deleter is called, once, by the caller; the engine's own
 * buffers it does not. CKPT_E_INVALID for a parameter that was not loaded, CKPT_E_UNSUPPORTED for types that
 * DLPack has no code for (it has one for all of today's), CKPT_E_NOMEM. [any-thread]
 */
CKPT_EXPORT ckpt_status ckpt_model_to_dlpack(ckpt_model *model, const ckpt_param *param,
                                             struct DLManagedTensorVersioned **ret_tensor);

/**
 * Writes the model as a safetensors file: to a temporary file beside `path`, which then takes its name, so
 * that `path` is never half a file. Watches the load's cancellation; failures are recorded on the load.
 * Skipped parameters are left out. As the format's reference library does it, wide types come before narrow
 * ones, names in order, and __metadata__ is {"format": "pt"}; the same model gives the same bytes.
 * CKPT_E_INVALID when the model was not loaded or `path` is there and is no plain file, CKPT_E_IO and
 * CKPT_E_NOT_FOUND as they are met, CKPT_E_LIMIT for a header of more than 100 MB. [control]
 */
CKPT_EXPORT ckpt_status ckpt_load_export(ckpt_load *load, const ckpt_model *model, const char *path);

/* ---- plan --------------------------------------------------------------------------------------------- */

/**
 * One parameter of a plan. Strings live as long as the load. `size` is of its final bytes, `bytes_read` of
 * what is read for it, gaps not included; `n_copies` are reads of rows, `n_steps` kernel calls. What is
 * skipped has no expression, no extents and nothing to do.
 */
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

/** A range of an object that is read for a parameter, in bytes; ranges that touch are one. */
typedef struct ckpt_plan_extent {
        const char *object; /**< NULL for memory and readers */
        uint64_t offset, size;
} ckpt_plan_extent;

/**
 * What the whole plan needs: counts and bytes, sums over the parameters of this rank. Peaks are staging plus
 * the arena, on the side where each is; buffers of the engine are not counted.
 */
typedef struct ckpt_plan_totals {
        uint64_t params, skipped;
        uint64_t extents, copies, steps;
        uint64_t bytes_read, bytes_final;
        uint64_t arena_bytes;   /**< final memory that the model will own */
        uint64_t staging_bytes; /**< largest working set of staging memory, all readers together */
        uint64_t host_peak, device_peak;
        uint64_t unused; /**< tensors of the checkpoint that a rule leaves out */
} ckpt_plan_totals;

/** The totals of a plan, as long as it is there: plans live as long as their load. [any-thread] */
CKPT_EXPORT void ckpt_plan_get_totals(const ckpt_plan *plan, ckpt_plan_totals *ret_totals);
/**
 * Parameter `index` of the model. The expression is made at the first call. CKPT_ABSENT past the last,
 * CKPT_E_NOMEM. [control]
 */
CKPT_EXPORT ckpt_status ckpt_plan_param_info(const ckpt_plan *plan, uint64_t index,
                                             ckpt_plan_param *ret_param);
/**
 * Range `index` of parameter `param`, ascending by object and offset. CKPT_ABSENT past the last. [control]
 */
CKPT_EXPORT ckpt_status ckpt_plan_param_extent(const ckpt_plan *plan, uint64_t param, uint64_t index,
                                               ckpt_plan_extent *ret_extent);

#ifdef __cplusplus
}
#endif

#endif
