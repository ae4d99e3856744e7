/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_HOST_HOST_H
#define CKPT_HOST_HOST_H

/*
 * The host: plugins that were found, the registry of their components, and the devices
 *
 * Filled while plugins are added, immutable from the first load on; so loads read it without a lock. Only the
 * devices, opened on first use, have one.
 */

#include <ckpt/ckpt.h>

#include "core/base/session.h"
#include "core/execute/execute.h"
#include "core/frame/chain.h"
#include "kernels/backend.h"

typedef struct ckpt_host_plugin {
        ckpt_plugin_info info;
        const ckpt_plugin *plugin; /* NULL where it was refused */
        bool initialised;
} ckpt_host_plugin;

typedef struct ckpt_host_device {
        const ckpt_backend *backend;
        ckpt_device *device;
        int32_t ordinal;
        ckpt_ring *ring; /* staging memory that is kept from load to load */
} ckpt_host_device;

struct ckpt_host {
        atomic_uint references;
        ckpt_arena arena;
        ckpt_logger logger;
        CKPT_ARRAY(ckpt_host_plugin) plugins;
        CKPT_ARRAY(ckpt_registered) components; /* those in use, in order of addition */
        const char *backend_dir;
        pthread_mutex_t lock; /* devices, error */
        const ckpt_backend *cuda;
        CKPT_ARRAY(ckpt_host_device) devices;
        char error[2048];
};

ckpt_host *ckpt_host_ref(ckpt_host *host);
/** Sets what ckpt_host_error says, and logs it. Returns the status. */
ckpt_status ckpt_host_fail(ckpt_host *host, ckpt_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** Judges a plugin's constant data: 0, or a status and the reason's words. Runs no code of the plugin. */
ckpt_status ckpt_plugin_validate(const ckpt_plugin *plugin, char *ret_reason, size_t size);
/** Judges a file before it is mapped: ownership, mode, ELF class and machine. `fd` is open on it. */
ckpt_status ckpt_plugin_check_file(int fd, char *ret_reason, size_t size);

/* ---- resolution ---- */

/** One candidate as ckpt_load_candidate shows it; strings live in the session's arena or the host. */
typedef struct ckpt_resolution {
        CKPT_ARRAY(ckpt_candidate) candidates;
} ckpt_resolution;

/**
 * Probes a source with every checkpoint loader. *ret_format is the winner's format, "HF" (logged) when nobody
 * claims it; equal best scores are CKPT_E_AMBIGUOUS. What every loader answered is put into `resolution` (may
 * be NULL), where ckpt_resolve_chain completes the rows.
 */
ckpt_status ckpt_resolve_format(ckpt_host *host, ckpt_session *session, const ckpt_source *source,
                                ckpt_resolution *resolution, const char **ret_format);
/**
 * The chain of one kind for (format, model), top first, without the runtime's own; `model` may be NULL.
 * `forced` is a component id (top of the chain; the rest follows its own key) or NULL; `given` an embedder's
 * own component or NULL. Candidates of the kind, with reasons, are appended to `resolution` (may be NULL).
 * Components array lives in the session's arena.
 */
ckpt_status ckpt_resolve_chain(ckpt_host *host, ckpt_session *session, ckpt_kind kind, const char *format,
                               const char *model, const char *forced, const ckpt_registered *given,
                               ckpt_resolution *resolution, const ckpt_registered **ret_components,
                               uint32_t *ret_count);

/* ---- devices ---- */

/**
 * Opens "cpu", "cuda" or "cuda:N" (NULL: cpu), or finds it open. The host owns the device. Records on the
 * session why not. `ret_name` gets the canonical name ("cuda:0").
 */
ckpt_status ckpt_host_open_device(ckpt_host *host, ckpt_session *session, const char *name,
                                  ckpt_host_device *ret_device, char ret_name[32]);

#endif
