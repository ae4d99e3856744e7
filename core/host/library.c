/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a path to a symbol
 *
 * Nothing that was mapped is ever unmapped: its constructors may have registered functions, threads
 * or CUDA fat binaries, and unmapping those has been seen to end in crashes and in all-zero
 * results.
 */

#include "core/base/errno.h"
#include "core/host/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

/* Judges the directory that a path lies in. */
static ckpt_status check_directory_of(const char *path, char *ret_reason, size_t size)
{
        _cleanup_(ckpt_closep) int fd = -1;
        _cleanup_(ckpt_freep) char *directory = strdup(path), *real = NULL;
        char *slash;

        if (!directory)
                return CKPT_E_NOMEM;
        slash = strrchr(directory, '/');
        if (slash)
                slash[slash == directory ? 1 : 0] = '\0';
        return ckpt_directory_open(slash ? directory : ".", &fd, &real, ret_reason, size);
}

/* A link's target is what gets mapped, so the place where the target lies counts as well. */
static ckpt_status check_places(const char *path, char *ret_reason, size_t size)
{
        _cleanup_(ckpt_freep) char *target = realpath(path, NULL);
        ckpt_status r;

        if (!target)
                return ckpt_refuse(ret_reason, size, errno == ENOENT ? CKPT_E_NOT_FOUND : CKPT_E_IO,
                                   "it cannot be opened: %s", ckpt_errno_text(errno));
        r = check_directory_of(path, ret_reason, size);
        return r == CKPT_OK ? check_directory_of(target, ret_reason, size) : r;
}

static ckpt_status check_file(const char *path, char *ret_reason, size_t size)
{
        /* O_NONBLOCK: a named pipe must not hang the scan. */
        _cleanup_(ckpt_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
                return ckpt_refuse(ret_reason, size,
                                   errno == ENOENT || errno == ENOTDIR ? CKPT_E_NOT_FOUND : CKPT_E_IO,
                                   "it cannot be opened: %s", ckpt_errno_text(errno));
        return ckpt_plugin_check_file(fd, ret_reason, size);
}

/* dlsym also finds what the file's dependencies define. */
static bool is_defined_in(void *handle, const void *symbol)
{
        struct link_map *wanted = NULL, *found = NULL;
        Dl_info info;

        return dlinfo(handle, RTLD_DI_LINKMAP, &wanted) == 0 &&
               dladdr1(symbol, &info, (void **)&found, RTLD_DL_LINKMAP) != 0 && wanted == found;
}

ckpt_status ckpt_library_open(const char *path, const char *symbol, const void **ret_symbol, char *ret_reason,
                              size_t size)
{
        ckpt_status r = check_places(path, ret_reason, size);
        void *handle, *found;

        if (r == CKPT_OK)
                r = check_file(path, ret_reason, size);
        if (r != CKPT_OK)
                return r;
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle) {
                const char *const words = dlerror();

                return ckpt_refuse(ret_reason, size, CKPT_E_PLUGIN, "it cannot be linked: %s",
                                   words ? words : "unknown reason");
        }
        found = dlsym(handle, symbol);
        if (!found || !is_defined_in(handle, found))
                return ckpt_refuse(ret_reason, size, CKPT_E_PLUGIN, "it does not define the symbol '%s'",
                                   symbol);
        *ret_symbol = found;
        return CKPT_OK;
}
