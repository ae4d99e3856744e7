/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The descriptors of plain files
 *
 * A file is opened when it is first needed; two threads that do so at once agree on one descriptor without a
 * lock. There are up to three of a file: to read by, to ask what is cached by, and past the page cache.
 */

#include <fcntl.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/source/files.h"

ckpt_file_identity ckpt_file_identity_of(const struct stat *st)
{
        return (ckpt_file_identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool ckpt_file_is_same(const struct stat *st, const ckpt_file_identity *known)
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

ckpt_status ckpt_files_fail_changed(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
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
        if (!ckpt_file_is_same(&st, &ckpt_file_at(source, object)->identity))
                return ckpt_files_fail_changed(diagnostics, source, object, "changed");
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

static ckpt_status open_first(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                              atomic_int *place, int *ret_fd)
{
        int fd = -1;
        const ckpt_status r = open_file(diagnostics, source, object, &fd);

        if (r == CKPT_OK)
                *ret_fd = settle(place, CKPT_FILE_UNOPENED, fd);
        return r;
}

ckpt_status ckpt_files_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                          int *ret_fd)
{
        atomic_int *place = &ckpt_file_at(source, object)->fd;

        *ret_fd = atomic_load_explicit(place, memory_order_acquire);
        return *ret_fd >= 0 ? CKPT_OK : open_first(diagnostics, source, object, place, ret_fd);
}

ckpt_status ckpt_files_probe_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                int *ret_fd)
{
        atomic_int *place = &ckpt_file_at(source, object)->probe;
        ckpt_status r;

        *ret_fd = atomic_load_explicit(place, memory_order_acquire);
        if (*ret_fd >= 0)
                return CKPT_OK;
        r = open_first(diagnostics, source, object, place, ret_fd);
        if (r == CKPT_OK)
                (void)posix_fadvise(*ret_fd, 0, 0, POSIX_FADV_RANDOM);
        return r;
}

/* Another file in its place, or a file system that cannot: then the usual descriptor says what is wrong. */
static int open_direct(const ckpt_source *source, uint32_t object)
{
        const int fd = open_quietly(source->objects[object].path, O_DIRECT);
        struct stat st;

        if (fd < 0)
                return CKPT_FILE_REFUSED;
        if (fstat(fd, &st) == 0 && ckpt_file_is_same(&st, &ckpt_file_at(source, object)->identity)) {
                allow_waiting(fd);
                return fd;
        }
        close(fd);
        return CKPT_FILE_REFUSED;
}

int ckpt_files_direct_fd(const ckpt_source *source, uint32_t object)
{
        ckpt_file *f = ckpt_file_at(source, object);
        int known = atomic_load_explicit(&f->direct, memory_order_acquire);

        if (atomic_load_explicit(&f->direct_refused, memory_order_relaxed))
                return CKPT_FILE_REFUSED;
        if (known == CKPT_FILE_UNOPENED)
                known = settle(&f->direct, known, open_direct(source, object));
        return known;
}

void ckpt_files_refuse_direct(const ckpt_source *source, uint32_t object)
{
        atomic_store_explicit(&ckpt_file_at(source, object)->direct_refused, true, memory_order_relaxed);
}

void ckpt_files_close(ckpt_source *source)
{
        for (uint32_t i = 0; i < source->count; i++) {
                ckpt_file *f = ckpt_file_at(source, i);
                atomic_int *const places[] = {&f->fd, &f->probe, &f->direct};

                for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
                        const int fd = atomic_load_explicit(places[k], memory_order_relaxed);

                        if (fd >= 0)
                                close(fd);
                }
        }
}
