/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_ABI_H
#define CKPT_ABI_H

/*
 * The rules of the boundary
 *
 *  1. Only fixed-width integers and pointers cross it. Enumerations cross as int32_t.
 *  2. Every struct that one side fills and the other reads begins with `struct_size`, set
 *     by its author to sizeof. A reader looks at a member only through CKPT_HAS(). So an older
 *     plugin's shorter table is read as if what it lacks were NULL, and what a newer plugin
 *     adds behind what the host knows is not looked at. Where the reader is the embedder's
 *     (ckpt_param, ckpt_diagnostic, …), the struct has no size and is part of the library's ABI.
 *  3. Members are appended, never moved, resized or given a new meaning. Arrays across the
 *     boundary are arrays of pointers, so that an element may grow.
 *  4. Strings are UTF-8 and NUL-terminated, and live as long as the object they came from.
 *  5. Outputs are named `ret_…` and are written only on success. Whoever allocates frees.
 *     Pointers that are returned are borrowed unless their function says that the caller owns them.
 *  6. No varargs cross it. A function that formats is an inline of this SDK.
 *
 * Threads. Every function and slot carries one of these tags:
 *   [scan]        while plugins are added to a host; no device, no threads of its own
 *   [control]     one thread at a time per load
 *   [worker]      a reader thread of a load, several at once
 *   [any-thread]  any thread at any time while the object lives
 * A tag on a group's heading holds for all of the group. Slots of two loads may run at the same
 * time, so a component keeps its state in self->impl, which is one load's, and not in statics.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A plugin runs on a host of the same major version; with another it is refused, CKPT_E_UNSUPPORTED. Minor
 * versions only append, so either side may be the newer one.
 */
#define CKPT_ABI_MAJOR 1u
#define CKPT_ABI_MINOR 0u

/**
 * Whether the author of *p knew the member and set it to anything but zero; false for a NULL `p`.
 * The only way in which a struct from across the boundary is read:
 *
 *         if (CKPT_HAS(plugin, init))
 *                 r = plugin->init(api);
 */
#define CKPT_HAS(p, member)                                                                             \
        ((p) != NULL && (p)->struct_size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member) && \
         (p)->member)

/** As CKPT_HAS, for members whose zero is a value: whether the struct is long enough to hold the member. */
#define CKPT_KNOWS(p, member) \
        ((p) != NULL && (p)->struct_size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

/** Makes one symbol visible in a plugin that is built with -fvisibility=hidden. */
#define CKPT_EXPORT __attribute__((visibility("default")))

/**
 * Result of a call. 0 is success. Negative is a failure: it is forwarded unchanged, and
 * whoever saw it first has recorded a diagnostic. Positive is a documented condition of
 * one function, handled by its caller and never forwarded.
 *
 * A slot that fails without having recorded a reason, or returns a positive status, has broken
 * its duty: the load ends with CKPT_E_PLUGIN, in the plugin's name. Only CKPT_E_NOMEM, and
 * CKPT_E_CANCELLED of a load that was cancelled, need no reason. Words: ckpt_status_name.
 */
typedef int32_t ckpt_status;

enum {
        CKPT_OK = 0,
        CKPT_ABSENT = 1, /**< what was asked for is not there, which may be fine */

        CKPT_E_NOMEM = -1,       /**< host memory */
        CKPT_E_INVALID = -2,     /**< an argument or option that can never work */
        CKPT_E_NOT_FOUND = -3,   /**< a file, plugin, component or architecture */
        CKPT_E_IO = -4,          /**< the system refused to read or write */
        CKPT_E_CORRUPT = -5,     /**< bytes that break their format's rules */
        CKPT_E_UNSUPPORTED = -6, /**< well-formed, but not something this build can do */
        CKPT_E_MISMATCH = -7,    /**< shape or dtype differ from what the model wants */
        CKPT_E_MISSING = -8,     /**< a parameter without its sources */
        CKPT_E_UNUSED = -9,      /**< a source that no parameter and no rule asked for */
        CKPT_E_CHANGED = -10,    /**< a file changed while it was used */
        CKPT_E_CANCELLED = -11,
        CKPT_E_DEVICE = -12,    /**< the device or its driver */
        CKPT_E_PLUGIN = -13,    /**< a plugin broke its duties */
        CKPT_E_AMBIGUOUS = -14, /**< two answers with equal right; the user must choose */
        CKPT_E_LIMIT = -15,     /**< more than a documented cap */
        CKPT_E_SYSTEM = -16     /**< threads, descriptors and the like */
};

/** Severity of a log line, ascending. What is not in this range counts as the nearer end of it. */
typedef int32_t ckpt_log_level;

enum {
        CKPT_LOG_DEBUG = 0,
        CKPT_LOG_INFO = 1,
        CKPT_LOG_WARNING = 2,
        CKPT_LOG_ERROR = 3
};

/**
 * Which of the four interfaces (ckpt/interfaces.h) a component implements; an index below CKPT_KIND_COUNT.
 */
typedef int32_t ckpt_kind;

enum {
        CKPT_KIND_CHECKPOINT_LOADER = 0,
        CKPT_KIND_CONFIG_LOADER = 1,
        CKPT_KIND_WEIGHT_LOADER = 2,
        CKPT_KIND_WEIGHT_MAPPER = 3,
        CKPT_KIND_COUNT = 4
};

/*
 * Objects. All but ckpt_frame (ckpt/frame.h) are opaque, and belong to the runtime; each begins with a
 * pointer to the table of services (ckpt/api.h), so that the inlines of this SDK need nothing but the object.
 * A component gets them as arguments and keeps none beyond what is said of it: builders, rules
 * and modules are valid until the slot that got them returns; tensors and views until the load is freed.
 */
typedef struct ckpt_api ckpt_api;
typedef struct ckpt_frame ckpt_frame;
typedef struct ckpt_source ckpt_source;
typedef struct ckpt_config ckpt_config;
typedef struct ckpt_value ckpt_value;
typedef struct ckpt_config_builder ckpt_config_builder;
typedef struct ckpt_weights ckpt_weights;
typedef struct ckpt_weights_builder ckpt_weights_builder;
typedef struct ckpt_tensor ckpt_tensor;
typedef struct ckpt_module ckpt_module;
typedef struct ckpt_model_builder ckpt_model_builder;
typedef struct ckpt_rules ckpt_rules;

/** A frame of a weight mapper: the same struct, named for what it is in a mapper's code. */
typedef ckpt_frame ckpt_mapper;

/**
 * Where an error was met, and what the user can do. Every member may be left zero.
 * `has_offset` says whether `offset` (bytes from the object's start) means anything. Strings are
 * copied by whoever is given the struct, so it may be a local:
 *
 *         const ckpt_where where = {.struct_size = sizeof(where), .object = "model.safetensors",
 *                                   .has_offset = 1, .offset = 8, .hint = "download the file again"};
 */
typedef struct ckpt_where {
        uint32_t struct_size;
        uint32_t has_offset;
        const char *parameter; /**< of the model */
        const char *tensor;    /**< of the checkpoint */
        const char *object;    /**< file name within the source */
        uint64_t offset;
        const char *hint; /**< what to do, as a sentence without a full stop */
} ckpt_where;

#ifdef __cplusplus
}
#endif

#endif
