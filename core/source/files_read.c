/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading plain files
 *
 * A file is opened when it is first read; two threads that do so at once agree on one descriptor without a
 * lock, so a read is nothing but a preadv. A second descriptor, opened on first need, reads past the page
 * cache.
 */

#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/source/files.h"

static ckpt_file *file_at(const ckpt_source *source, uint32_t object)
{
        return (ckpt_file *)source->impl + object;
}

ckpt_file_identity ckpt_file_identity_of(const struct stat *st)
{
        return (ckpt_file_identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *st, const ckpt_file_identity *known)
{
        const ckpt_file_identity now = ckpt_file_identity_of(st);

        return now.device == known->device && now.inode == known->inode && now.size == known->size &&
               same_time(&now.modified, &known->modified) && same_time(&now.changed, &known->changed);
}

ckpt_status ckpt_files_fail(ckpt_diagnostics *diagnostics, const char *object, const char *what,
                            const char *path, int error)
{
        return ckpt_diagnostics_add(diagnostics, ckpt_errno_status(error), NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .object = object,
                                                  .hint = ckpt_errno_hint(error)},
                                    "cannot %s %s: %s", what, path, ckpt_errno_text(error));
}

static ckpt_status fail_changed(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                const char *how)
{
        return ckpt_diagnostics_add(diagnostics, CKPT_E_CHANGED, NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .object = source->objects[object].name,
                                                  .hint = "load again when nothing writes to it"},
                                    "the file %s since the checkpoint was opened", how);
}

/* O_NONBLOCK: should a fifo have taken the file's place, opening it must not wait for a writer. */
static int open_quietly(const char *path, int flags)
{
        return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
}

/* What opened so without waiting is a plain file: reads of it may wait. */
static void allow_waiting(int fd)
{
        const int flags = fcntl(fd, F_GETFL);

        if (flags >= 0)
                (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static ckpt_status open_file(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                             int *ret_fd)
{
        const ckpt_source_object *o = &source->objects[object];
        _cleanup_(ckpt_closep) int fd = open_quietly(o->path, 0);
        struct stat st;

        if (fd < 0)
                return ckpt_files_fail(diagnostics, o->name, "open", o->path, errno);
        if (fstat(fd, &st) < 0)
                return ckpt_files_fail(diagnostics, o->name, "look at", o->path, errno);
        if (!same_file(&st, &file_at(source, object)->identity))
                return fail_changed(diagnostics, source, object, "changed");
        allow_waiting(fd);
        *ret_fd = fd;
        fd = -1;
        return CKPT_OK;
}

/* The descriptor that `place` holds from now on: this one, or that of a thread that was first. */
static int settle(atomic_int *place, int unopened, int fd)
{
        if (atomic_compare_exchange_strong_explicit(place, &unopened, fd, memory_order_acq_rel,
                                                    memory_order_acquire))
                return fd;
        if (fd >= 0)
                close(fd);
        return unopened;
}

/* What `place` holds, opened on first need. */
static ckpt_status need_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                           atomic_int *place, int *ret_fd)
{
        const int known = atomic_load_explicit(place, memory_order_acquire);
        int fd = -1;
        ckpt_status r;

        if (known >= 0) {
                *ret_fd = known;
                return CKPT_OK;
        }
        r = open_file(diagnostics, source, object, &fd);
        if (r == CKPT_OK && place == &file_at(source, object)->probe)
                (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
        if (r == CKPT_OK)
                *ret_fd = settle(place, known, fd);
        return r;
}

static ckpt_status files_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                            int *ret_fd)
{
        return need_fd(diagnostics, source, object, &file_at(source, object)->fd, ret_fd);
}

/* Another file in its place, or a file system that cannot: then the usual descriptor says what is wrong. */
static int open_direct(const ckpt_source *source, uint32_t object)
{
        const int fd = open_quietly(source->objects[object].path, O_DIRECT);
        struct stat st;

        if (fd < 0)
                return CKPT_FILE_REFUSED;
        if (fstat(fd, &st) == 0 && same_file(&st, &file_at(source, object)->identity)) {
                allow_waiting(fd);
                return fd;
        }
        close(fd);
        return CKPT_FILE_REFUSED;
}

static int files_direct_fd(const ckpt_source *source, uint32_t object)
{
        ckpt_file *f = file_at(source, object);
        int known = atomic_load_explicit(&f->direct, memory_order_acquire);

        if (atomic_load_explicit(&f->direct_refused, memory_order_relaxed))
                return CKPT_FILE_REFUSED;
        if (known == CKPT_FILE_UNOPENED)
                known = settle(&f->direct, known, open_direct(source, object));
        return known;
}

static void files_refuse_direct(const ckpt_source *source, uint32_t object)
{
        atomic_store_explicit(&file_at(source, object)->direct_refused, true, memory_order_relaxed);
}

static ckpt_status files_read(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                              uint64_t offset, const struct iovec *pieces, int count, uint64_t *ret_read)
{
        int fd = -1;
        const ckpt_status r = files_fd(diagnostics, source, object, &fd);
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

/* Whether the page at an offset is in memory: 1, 0, or -1 where the file system does not say. */
static int is_cached(int fd, uint64_t offset)
{
        uint8_t byte;
        const struct iovec piece = {.iov_base = &byte, .iov_len = 1};

        if (preadv2(fd, &piece, 1, (off_t)offset, RWF_NOWAIT) >= 0)
                return 1;
        return errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS ? -1 : 0;
}

/*
 * A read that may not wait still has the kernel read ahead, as far as it was asked and further: a cold file
 * would be read twice. So single pages are asked for first, at both ends of the range, by a descriptor for
 * which nothing is read ahead.
 */
static ckpt_status files_read_cached(ckpt_diagnostics *diagnostics, const ckpt_source *source,
                                     uint32_t object, uint64_t offset, const struct iovec *pieces, int count,
                                     uint64_t size, uint64_t *ret_read)
{
        ckpt_file *f = file_at(source, object);
        int probe = -1, fd = -1, cached;
        ckpt_status r;
        ssize_t n;

        if (atomic_load_explicit(&f->cannot_tell, memory_order_relaxed))
                return CKPT_ABSENT;
        r = need_fd(diagnostics, source, object, &f->probe, &probe);
        if (r == CKPT_OK)
                r = files_fd(diagnostics, source, object, &fd);
        if (r != CKPT_OK)
                return r;
        cached = is_cached(probe, offset);
        if (cached == 1)
                cached = is_cached(probe, offset + size - 1);
        if (cached < 0) {
                atomic_store_explicit(&f->cannot_tell, true, memory_order_relaxed);
                return CKPT_ABSENT;
        }
        n = cached ? preadv2(fd, pieces, count < IOV_MAX ? count : IOV_MAX, (off_t)offset, RWF_NOWAIT) : 0;
        /* What there is to say about an error is said by a read that may wait. */
        *ret_read = n > 0 ? (uint64_t)n : 0;
        return CKPT_OK;
}

/* Both the open file, which shows writes, and the path, which shows that another file has taken its place. */
static ckpt_status files_verify(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object)
{
        const ckpt_file *f = file_at(source, object);
        const int fd = atomic_load_explicit(&f->fd, memory_order_acquire);
        struct stat st;

        if (fd >= 0) {
                if (fstat(fd, &st) < 0)
                        return ckpt_files_fail(diagnostics, source->objects[object].name, "look at",
                                               source->objects[object].path, errno);
                if (!same_file(&st, &f->identity))
                        return fail_changed(diagnostics, source, object, "changed");
        }
        if (stat(source->objects[object].path, &st) < 0)
                return fail_changed(diagnostics, source, object,
                                    errno == ENOENT ? "was removed" : "became unreachable");
        return same_file(&st, &f->identity)
                       ? CKPT_OK
                       : fail_changed(diagnostics, source, object, "was replaced or changed");
}

static void files_close(ckpt_source *source)
{
        for (uint32_t i = 0; i < source->count; i++) {
                const int fd = atomic_load_explicit(&file_at(source, i)->fd, memory_order_relaxed);
                const int probe = atomic_load_explicit(&file_at(source, i)->probe, memory_order_relaxed);
                const int direct = atomic_load_explicit(&file_at(source, i)->direct, memory_order_relaxed);

                if (fd >= 0)
                        close(fd);
                if (probe >= 0)
                        close(probe);
                if (direct >= 0)
                        close(direct);
        }
}

const ckpt_source_table ckpt_files_table = {
        .read = files_read,
        .read_cached = files_read_cached,
        .fd = files_fd,
        .direct_fd = files_direct_fd,
        .refuse_direct = files_refuse_direct,
        .verify = files_verify,
        .close = files_close,
};
