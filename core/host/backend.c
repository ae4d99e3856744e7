/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Devices: "cpu" is part of the library, "cuda" is a library of its own that is looked for when it
 * is first asked for
 *
 * A backend's library is judged as a plugin's is. A device is opened once per host, and closed with
 * it.
 */

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/host/plugin.h"

#define CUDA_LIBRARY "ckpt-cuda.so"

/* Pinned memory that a device keeps between loads; the host's own memory costs nothing to get. */
#define RING_KEPT_BYTES (UINT64_C(128) << 20)

static void unlock(pthread_mutex_t **lock)
{
        pthread_mutex_unlock(*lock);
}

/** What a search has come to. */
typedef struct search {
        ckpt_session *session;
        ckpt_text looked_in; /* for the message when it was nowhere */
        const void *symbol;
} search;

static void search_deinit(search *s)
{
        ckpt_text_deinit(&s->looked_in);
}

/*
 * CKPT_E_NOT_FOUND, nothing recorded: it is not there. A library that is there and no good ends the
 * search.
 */
static ckpt_status try_directory(search *s, const char *directory, const char *below)
{
        char reason[CKPT_REASON_MAX] = "out of memory";
        _cleanup_(ckpt_freep) char *path = NULL;
        ckpt_status r;

        if (asprintf(&path, "%s%s/" CUDA_LIBRARY, directory, below) < 0) {
                path = NULL;
                return CKPT_E_NOMEM;
        }
        ckpt_text_add(&s->looked_in, "%s%s%s", s->looked_in.length ? ", " : "", directory, below);
        if (access(path, F_OK) < 0)
                return CKPT_E_NOT_FOUND;
        r = ckpt_library_open(path, CKPT_BACKEND_SYMBOL, &s->symbol, reason, sizeof(reason));
        if (r != CKPT_OK && r != CKPT_E_NOMEM)
                return ckpt_session_fail(s->session, CKPT_E_DEVICE, NULL,
                                         "the CUDA library %s cannot be used: %s", path, reason);
        return r;
}

/*
 * The directory of the object that this is part of: libckpt.so, or a program that has it linked
 * in.
 */
static char *own_directory(void)
{
        static const char here = 0;
        Dl_info info;
        char *path, *slash;

        if (!dladdr(&here, &info) || !info.dli_fname)
                return NULL;
        path = realpath(info.dli_fname, NULL);
        slash = path ? strrchr(path, '/') : NULL;
        if (slash)
                *slash = '\0';
        return path;
}

static ckpt_status search_beside(search *s)
{
        _cleanup_(ckpt_freep) char *own = own_directory();
        ckpt_status r;

        if (!own)
                return CKPT_E_NOT_FOUND;
        r = try_directory(s, own, "/ckpt/backends");
        return r == CKPT_E_NOT_FOUND ? try_directory(s, own, "/kernels") : r;
}

static ckpt_status search_cuda(ckpt_host *host, search *s)
{
        const char *const environment = secure_getenv("CKPT_BACKEND_DIR");
        ckpt_status r = CKPT_E_NOT_FOUND;

        if (host->backend_dir)
                r = try_directory(s, host->backend_dir, "");
        if (r == CKPT_E_NOT_FOUND && environment && *environment)
                r = try_directory(s, environment, "");
        if (r == CKPT_E_NOT_FOUND)
                r = search_beside(s);
        if (r == CKPT_E_NOT_FOUND)
                r = try_directory(s, CKPT_BACKEND_DIR, "");
        if (r == CKPT_E_NOT_FOUND)
                return ckpt_session_fail(s->session, CKPT_E_DEVICE, NULL,
                                         "there is no CUDA library (" CUDA_LIBRARY "); looked in %s",
                                         ckpt_text_get(&s->looked_in));
        return r;
}

static ckpt_status judge_backend(ckpt_session *session, const ckpt_backend *backend)
{
        const char *why = NULL;

        if (backend->version != CKPT_BACKEND_VERSION || backend->struct_size < sizeof(*backend))
                return ckpt_session_fail(
                        session, CKPT_E_DEVICE, NULL,
                        "the CUDA library has version %u and %u bytes of table, this library wants "
                        "version %u and %zu: both must come from one build",
                        backend->version, backend->struct_size, CKPT_BACKEND_VERSION, sizeof(*backend));
        if (backend->score(&why) <= 0)
                return ckpt_session_fail(session, CKPT_E_DEVICE, NULL,
                                         "CUDA cannot be used on this machine: %s",
                                         why ? why : "its library does not say why");
        return CKPT_OK;
}

/* Under the host's lock. */
static ckpt_status find_cuda(ckpt_host *host, ckpt_session *session)
{
        _cleanup_(search_deinit) search s = {.session = session, .looked_in = CKPT_TEXT_INIT};
        ckpt_status r;

        if (host->cuda)
                return CKPT_OK;
        r = search_cuda(host, &s);
        if (r == CKPT_OK)
                r = judge_backend(session, s.symbol);
        if (r == CKPT_OK)
                host->cuda = s.symbol;
        return r;
}

/* Under the host's lock. */
static ckpt_status open_device(ckpt_host *host, ckpt_session *session, const ckpt_backend *backend,
                               int32_t ordinal, ckpt_host_device *ret_device)
{
        const bool on_host = backend == &ckpt_backend_cpu;
        ckpt_host_device row = {.backend = backend, .ordinal = ordinal};
        int32_t status;

        for (uint64_t i = 0; i < host->devices.count; i++) {
                const ckpt_host_device *const open = &host->devices.items[i];

                if (open->backend == backend && open->ordinal == ordinal) {
                        *ret_device = *open;
                        return CKPT_OK;
                }
        }
        if (ckpt_array_grow(&host->devices) != CKPT_OK)
                return CKPT_E_NOMEM;
        status = backend->open(ordinal, &row.device);
        if (status < 0)
                return ckpt_session_fail(session, CKPT_E_DEVICE, NULL,
                                         "the device %s:%d cannot be opened: %s", backend->name, ordinal,
                                         backend->describe(status));
        row.ring = ckpt_ring_new(backend, row.device, on_host, on_host ? 0 : RING_KEPT_BYTES);
        if (!row.ring) {
                backend->close(row.device);
                return CKPT_E_NOMEM;
        }
        host->devices.items[host->devices.count++] = row;
        *ret_device = row;
        return CKPT_OK;
}

/* "cpu" gives -1, "cuda" 0, "cuda:N" N. */
static bool parse_name(const char *name, int32_t *ret_ordinal)
{
        int32_t ordinal = 0;

        if (strcmp(name, "cpu") == 0) {
                *ret_ordinal = -1;
                return true;
        }
        if (strncmp(name, "cuda", 4) != 0)
                return false;
        if (name[4] == ':') {
                const size_t digits = strspn(name + 5, "0123456789");

                if (digits == 0 || digits > 4 || name[5 + digits] != '\0')
                        return false;
                for (size_t i = 0; i < digits; i++)
                        ordinal = ordinal * 10 + (name[5 + i] - '0');
        } else if (name[4] != '\0') {
                return false;
        }
        *ret_ordinal = ordinal;
        return true;
}

ckpt_status ckpt_host_open_device(ckpt_host *host, ckpt_session *session, const char *name,
                                  ckpt_host_device *ret_device, char ret_name[32])
{
        __attribute__((cleanup(unlock))) pthread_mutex_t *lock = &host->lock;
        const ckpt_backend *backend = &ckpt_backend_cpu;
        int32_t ordinal;
        ckpt_status r = CKPT_OK;
        bool cpu;

        pthread_mutex_lock(lock);
        if (!parse_name(name ? name : "cpu", &ordinal))
                return ckpt_session_fail(session, CKPT_E_INVALID, NULL,
                                         "there is no device '%s'; it is cpu, cuda or cuda:N", name);
        cpu = ordinal < 0;
        if (!cpu) {
                r = find_cuda(host, session);
                backend = host->cuda;
        }
        if (r == CKPT_OK)
                r = open_device(host, session, backend, cpu ? 0 : ordinal, ret_device);
        if (r != CKPT_OK)
                return r;
        if (cpu)
                snprintf(ret_name, 32, "cpu");
        else
                snprintf(ret_name, 32, "cuda:%d", ordinal);
        return CKPT_OK;
}
