/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who may change a file that is about to become code of this process: root and the user themselves,
 * nobody else
 *
 * A file is judged by its descriptor and mapped by its path. That is safe because its directory is
 * judged too: nobody else can put another file there meanwhile.
 */

#include "core/base/errno.h"
#include "core/host/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

ckpt_status ckpt_refuse(char *ret_reason, size_t size, ckpt_status status, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(ret_reason, size, format, arguments) < 0 && size > 0)
                ret_reason[0] = '\0';
        va_end(arguments);
        return status;
}

ckpt_status ckpt_file_judge(const struct stat *st, const char *what, char *ret_reason, size_t size)
{
        const uid_t user = geteuid();

        if (st->st_uid != 0 && st->st_uid != user)
                return ckpt_refuse(
                        ret_reason, size, CKPT_E_INVALID,
                        "%s belongs to user %lu; it must belong to root or to user %lu, who runs this", what,
                        (unsigned long)st->st_uid, (unsigned long)user);
        if (st->st_mode & (S_IWGRP | S_IWOTH))
                return ckpt_refuse(
                        ret_reason, size, CKPT_E_INVALID,
                        "%s is writable by %s (mode %04o); only its owner may write to it: chmod go-w", what,
                        st->st_mode & S_IWOTH ? "everybody" : "its group", (unsigned)(st->st_mode & 07777));
        return CKPT_OK;
}

ckpt_status ckpt_directory_open(const char *directory, int *ret_fd, char **ret_path, char *ret_reason,
                                size_t size)
{
        _cleanup_(ckpt_freep) char *path = realpath(directory, NULL);
        _cleanup_(ckpt_closep) int fd = -1;
        struct stat st;
        ckpt_status r;

        if (path)
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0) {
                const int e = errno;

                return ckpt_refuse(ret_reason, size,
                                   e == ENOENT || e == ENOTDIR ? CKPT_E_NOT_FOUND : CKPT_E_IO,
                                   "the directory cannot be opened: %s", ckpt_errno_text(e));
        }
        r = ckpt_file_judge(&st, "the directory", ret_reason, size);
        if (r != CKPT_OK)
                return r;
        *ret_fd = fd;
        fd = -1;
        *ret_path = ckpt_steal(&path);
        return CKPT_OK;
}

ckpt_status ckpt_plugin_check_file(int fd, char *ret_reason, size_t size)
{
        struct stat st;
        ckpt_status r;

        if (fstat(fd, &st) < 0)
                return ckpt_refuse(ret_reason, size, CKPT_E_IO, "the file cannot be examined: %s",
                                   ckpt_errno_text(errno));
        if (!S_ISREG(st.st_mode))
                return ckpt_refuse(ret_reason, size, CKPT_E_INVALID, "it is not a regular file");
        r = ckpt_file_judge(&st, "the file", ret_reason, size);
        return r == CKPT_OK ? ckpt_elf_check(fd, (uint64_t)st.st_size, ret_reason, size) : r;
}
