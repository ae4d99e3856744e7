/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading plain files
 *
 * Opened once, a file needs nothing but a preadv for a read, in any thread.
 */

#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/errno.h"
#include "core/source/files.h"

static ckpt_status files_read(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                              uint64_t offset, const struct iovec *pieces, int count, uint64_t *ret_read)
{
        int fd = -1;
        const ckpt_status r = ckpt_files_fd(diagnostics, source, object, &fd);
        ssize_t n;

        if (r != CKPT_OK)
                return r;
        do
                n = preadv(fd, pieces, count < IOV_MAX ? count : IOV_MAX, (off_t)offset);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return ckpt_source_fail_read(diagnostics, source, object, offset, errno);
        *ret_read = (uint64_t)n;
        return CKPT_OK;
}

/* Both the open file, which shows writes, and the path, which shows that another file has taken its place. */
static ckpt_status files_verify(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object)
{
        const ckpt_file *f = ckpt_file_at(source, object);
        const int fd = atomic_load_explicit(&f->fd, memory_order_acquire);
        struct stat st;

        if (fd >= 0) {
                if (fstat(fd, &st) < 0)
                        return ckpt_files_fail(diagnostics, source->objects[object].name, "look at",
                                               source->objects[object].path, errno);
                if (!ckpt_file_is_same(&st, &f->identity))
                        return ckpt_files_fail_changed(diagnostics, source, object, "changed");
        }
        if (stat(source->objects[object].path, &st) < 0)
                return ckpt_files_fail_changed(diagnostics, source, object,
                                               errno == ENOENT ? "was removed" : "became unreachable");
        return ckpt_file_is_same(&st, &f->identity)
                       ? CKPT_OK
                       : ckpt_files_fail_changed(diagnostics, source, object, "was replaced or changed");
}

const ckpt_source_table ckpt_files_table = {
        .read = files_read,
        .is_cached = ckpt_files_is_cached,
        .fd = ckpt_files_fd,
        .direct_fd = ckpt_files_direct_fd,
        .refuse_direct = ckpt_files_refuse_direct,
        .verify = files_verify,
        .close = ckpt_files_close,
};
