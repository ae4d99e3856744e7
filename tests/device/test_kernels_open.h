/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_KERNELS_OPEN_H
#define CKPT_TEST_KERNELS_OPEN_H

/*
 * Finding the CUDA library from a test or a benchmark: CKPT_CUDA_BACKEND names it, else it
 * is looked for in the folder CKPT_TEST_BACKENDS. It is never closed again.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <backend.h>

/** The table if a device answers; else NULL and why not, as one line. */
static inline const ckpt_backend *kernels_open(char *ret_why, size_t size)
{
        const char *path = getenv("CKPT_CUDA_BACKEND"), *folder = getenv("CKPT_TEST_BACKENDS");
        const char *why = "unknown";
        const ckpt_backend *backend;
        char name[4096];
        void *library;

        if (path == NULL) {
                (void)snprintf(name, sizeof(name), "%s/ckpt-cuda.so",
                               folder != NULL ? folder : "build/kernels");
                path = name;
        }
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
                (void)snprintf(ret_why, size, "no CUDA library: %s", dlerror());
                return NULL;
        }
        backend = dlsym(library, CKPT_BACKEND_SYMBOL);
        if (backend == NULL || backend->version != CKPT_BACKEND_VERSION) {
                (void)snprintf(ret_why, size, "%s: no backend of version %u", path, CKPT_BACKEND_VERSION);
                return NULL;
        }
        if (backend->score(&why) <= 0) {
                (void)snprintf(ret_why, size, "%s", why);
                return NULL;
        }
        return backend;
}

#endif
