/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is at the path already is only ever replaced by a complete file, and only if it is a plain file:
 * renaming over /dev/null would be obeyed.
 */

#include "core/base/outfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"

#define NAME_TRIES 100
#define WRITE_MAX  (1u << 30)

static ckpt_status fail_errno(const ckpt_outfile *file, const char *what, int error)
{
        const ckpt_where where = {.struct_size = sizeof(where), .hint = ckpt_errno_hint(error)};

        return ckpt_diagnostics_add(file->diagnostics, ckpt_errno_status(error), NULL, NULL, &where,
                                    "cannot %s %s: %s", what, file->shown, ckpt_errno_text(error));
}

static ckpt_status create(ckpt_outfile *file)
{
        char *name;
        uint64_t random;

        for (int i = 0; i < NAME_TRIES; i++) {
                if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
                        return fail_errno(file, "name a temporary file for", errno);
                if (asprintf(&name, "%s.%016llx.tmp", file->path, (unsigned long long)random) < 0)
                        return CKPT_E_NOMEM;
                file->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
                if (file->fd >= 0) {
                        file->temporary = name;
                        return CKPT_OK;
                }
                free(name);
                if (errno != EEXIST)
                        return fail_errno(file, "create a temporary file beside", errno);
        }
        return fail_errno(file, "create a temporary file beside", EEXIST);
}

ckpt_status ckpt_outfile_open(ckpt_outfile *file, const char *path, uint64_t size)
{
        struct stat st;
        ckpt_status r;

        file->shown = path;
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return ckpt_diagnostics_add(file->diagnostics, CKPT_E_INVALID, NULL, NULL, NULL,
                                            "%s is there and is no plain file", path);
        file->path = realpath(path, NULL); /* a link stays a link: what it leads to is replaced */
        if (!file->path)
                file->path = strdup(path);
        if (!file->path)
                return CKPT_E_NOMEM;
        r = create(file);
        if (r != CKPT_OK)
                return r;
        /* A full disk is better known now than in an hour. Not every file system can say. */
        if (size > 0 && size <= INT64_MAX && fallocate(file->fd, 0, 0, (off_t)size) < 0 &&
            (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
                return fail_errno(file, "write", errno);
        return CKPT_OK;
}

ckpt_status ckpt_outfile_write(ckpt_outfile *file, const void *bytes, uint64_t size)
{
        const uint8_t *at = bytes;

        while (size > 0) {
                const ssize_t n = write(file->fd, at, size < WRITE_MAX ? (size_t)size : WRITE_MAX);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return fail_errno(file, "write", n < 0 ? errno : EIO);
                at += n;
                size -= (uint64_t)n;
        }
        return CKPT_OK;
}

/* So that the new name survives a crash too. Where directories cannot be synchronised, there is nothing to
 * do. */
static void sync_directory(const char *path)
{
        _cleanup_(ckpt_freep) char *directory = strdup(path);
        _cleanup_(ckpt_closep) int fd = -1;
        char *slash = directory ? strrchr(directory, '/') : NULL;

        if (slash)
                slash[slash == directory] = '\0';
        fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                (void)fsync(fd);
}

ckpt_status ckpt_outfile_commit(ckpt_outfile *file)
{
        const int fd = file->fd;

        if (fsync(fd) < 0)
                return fail_errno(file, "write", errno);
        file->fd = -1;
        if (close(fd) < 0)
                return fail_errno(file, "write", errno);
        if (rename(file->temporary, file->path) < 0)
                return fail_errno(file, "give its name to", errno);
        free(ckpt_steal(&file->temporary));
        sync_directory(file->path);
        return CKPT_OK;
}

void ckpt_outfile_deinit(ckpt_outfile *file)
{
        ckpt_closep(&file->fd);
        if (file->temporary)
                (void)unlink(file->temporary);
        free(file->temporary);
        free(file->path);
}
