/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A source of plain files: a directory's, or a single one
 *
 * The list and every file's identity are taken once, when the source is opened. A file is opened when it is
 * first read; two threads that do so at once agree on one descriptor without a lock, so a read is nothing but
 * a pread.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/source/table.h"

/** More files than this are no checkpoint. */
#define OBJECTS_MAX 1000000u
/** Linux moves at most this much in one call. */
#define READ_MAX    0x7ffff000u

/** What makes a file the same file. */
typedef struct identity {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified, changed;
} identity;

typedef struct file {
        char *name; /* of malloc while the list is made; then NULL */
        identity identity;
        atomic_int fd; /* -1 until it is opened */
} file;

typedef struct file_list {
        CKPT_ARRAY(file) files;
} file_list;

static identity identity_of(const struct stat *st)
{
        return (identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_identity(const identity *a, const identity *b)
{
        return a->device == b->device && a->inode == b->inode && a->size == b->size &&
               same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static file *file_at(const ckpt_source *source, uint32_t object)
{
        return (file *)source->impl + object;
}

static ckpt_status fail_errno(ckpt_diagnostics *diagnostics, const char *object, const char *what,
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
static ckpt_status open_file(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                             int *ret_fd)
{
        const ckpt_source_object *o = &source->objects[object];
        _cleanup_(ckpt_closep) int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        identity now;

        if (fd < 0)
                return fail_errno(diagnostics, o->name, "open", o->path, errno);
        if (fstat(fd, &st) < 0)
                return fail_errno(diagnostics, o->name, "look at", o->path, errno);
        now = identity_of(&st);
        if (!same_identity(&now, &file_at(source, object)->identity))
                return fail_changed(diagnostics, source, object, "changed");
        *ret_fd = fd;
        fd = -1;
        return CKPT_OK;
}

static ckpt_status files_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                            int *ret_fd)
{
        file *f = file_at(source, object);
        int known = atomic_load_explicit(&f->fd, memory_order_acquire), fd = -1;
        ckpt_status r;

        if (known < 0) {
                r = open_file(diagnostics, source, object, &fd);
                if (r != CKPT_OK)
                        return r;
                if (atomic_compare_exchange_strong_explicit(&f->fd, &known, fd, memory_order_acq_rel,
                                                            memory_order_acquire))
                        known = fd;
                else
                        close(fd); /* another thread was first */
        }
        *ret_fd = known;
        return CKPT_OK;
}

static ckpt_status files_read(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                              uint64_t offset, void *buffer, uint64_t size, uint64_t *ret_read)
{
        int fd = -1, error;
        ckpt_status r = files_fd(diagnostics, source, object, &fd);
        ssize_t n;

        if (r != CKPT_OK)
                return r;
        do
                n = pread(fd, buffer, size < READ_MAX ? (size_t)size : READ_MAX, (off_t)offset);
        while (n < 0 && errno == EINTR);
        if (n >= 0) {
                *ret_read = (uint64_t)n;
                return CKPT_OK;
        }
        error = errno;
        return ckpt_diagnostics_add(diagnostics, CKPT_E_IO, NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .has_offset = 1,
                                                  .object = source->objects[object].name,
                                                  .offset = offset,
                                                  .hint = ckpt_errno_hint(error)},
                                    "cannot read: %s", ckpt_errno_text(error));
}

/* Both the open file, which shows writes, and the path, which shows that another file has taken its place. */
static ckpt_status files_verify(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object)
{
        const file *f = file_at(source, object);
        const int fd = atomic_load_explicit(&f->fd, memory_order_acquire);
        struct stat st;
        identity now;

        if (fd >= 0) {
                if (fstat(fd, &st) < 0)
                        return fail_errno(diagnostics, source->objects[object].name, "look at",
                                          source->objects[object].path, errno);
                now = identity_of(&st);
                if (!same_identity(&now, &f->identity))
                        return fail_changed(diagnostics, source, object, "changed");
        }
        if (stat(source->objects[object].path, &st) < 0)
                return fail_changed(diagnostics, source, object,
                                    errno == ENOENT ? "was removed" : "became unreachable");
        now = identity_of(&st);
        return same_identity(&now, &f->identity)
                       ? CKPT_OK
                       : fail_changed(diagnostics, source, object, "was replaced or changed");
}

static void files_close(ckpt_source *source)
{
        for (uint32_t i = 0; i < source->count; i++) {
                const int fd = atomic_load_explicit(&file_at(source, i)->fd, memory_order_relaxed);

                if (fd >= 0)
                        close(fd);
        }
}

static const ckpt_source_table files_table = {
        .read = files_read,
        .fd = files_fd,
        .verify = files_verify,
        .close = files_close,
};

static void file_list_deinit(file_list *list)
{
        for (uint64_t i = 0; i < list->files.count; i++)
                free(list->files.items[i].name);
        ckpt_array_deinit(&list->files);
}

static ckpt_status list_add(file_list *list, const char *name, const struct stat *st)
{
        _cleanup_(ckpt_freep) char *copy = strdup(name);

        if (!copy ||
            ckpt_array_push(&list->files, (file){.name = copy, .identity = identity_of(st)}) != CKPT_OK)
                return CKPT_E_NOMEM;
        copy = NULL;
        return CKPT_OK;
}

/* Links are followed, as in the hub's cache; one that leads nowhere is no object. */
static ckpt_status list_entry(ckpt_diagnostics *diagnostics, file_list *list, int directory, const char *name)
{
        struct stat st;

        if (fstatat(directory, name, &st, 0) < 0)
                return errno == ENOENT || errno == ELOOP
                               ? CKPT_OK
                               : fail_errno(diagnostics, name, "look at", name, errno);
        if (!S_ISREG(st.st_mode))
                return CKPT_OK;
        if (list->files.count >= OBJECTS_MAX)
                return ckpt_diagnostics_add(diagnostics, CKPT_E_LIMIT, NULL, NULL, NULL,
                                            "the directory has more than %u files; no checkpoint has",
                                            OBJECTS_MAX);
        return list_add(list, name, &st);
}

CKPT_DEFINE_CLEANUP(DIR *, closedir);

static ckpt_status list_directory(ckpt_diagnostics *diagnostics, file_list *list, const char *path)
{
        _cleanup_(closedirp) DIR *directory = NULL;
        const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ckpt_status r = CKPT_OK;

        if (fd < 0)
                return fail_errno(diagnostics, NULL, "open", path, errno);
        directory = fdopendir(fd);
        if (!directory) {
                close(fd);
                return CKPT_E_NOMEM;
        }
        while (r == CKPT_OK) {
                const struct dirent *entry = (errno = 0, readdir(directory));

                if (!entry)
                        return errno ? fail_errno(diagnostics, NULL, "list", path, errno) : CKPT_OK;
                if (entry->d_name[0] != '.')
                        r = list_entry(diagnostics, list, fd, entry->d_name);
        }
        return r;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const file *)a)->name, ((const file *)b)->name);
}

/* Hands the list over to the source. `directory` is absolute. */
static ckpt_status adopt(ckpt_source *source, file_list *list, const char *directory)
{
        const uint64_t count = list->files.count;
        file *files = ckpt_arena_calloc(&source->arena, count, sizeof(*files));

        source->objects = ckpt_arena_calloc(&source->arena, count, sizeof(*source->objects));
        if (!files || !source->objects)
                return CKPT_E_NOMEM;
        if (count > 0)
                qsort(list->files.items, count, sizeof(*list->files.items), by_name);
        for (uint64_t i = 0; i < count; i++) {
                const file *f = &list->files.items[i];

                files[i].identity = f->identity;
                atomic_init(&files[i].fd, -1);
                source->objects[i].name = ckpt_arena_strdup(&source->arena, f->name);
                source->objects[i].path = ckpt_arena_printf(&source->arena, "%s/%s", directory, f->name);
                source->objects[i].size = (uint64_t)f->identity.size;
                if (!source->objects[i].name || !source->objects[i].path)
                        return CKPT_E_NOMEM;
        }
        source->impl = files;
        source->count = (uint32_t)count;
        source->table = &files_table;
        return CKPT_OK;
}

/* The path of a single file: the directory's part in *ret_directory (of malloc), the name as the result. */
static const char *split_path(const char *path, char **ret_directory)
{
        const char *slash = strrchr(path, '/');

        *ret_directory = !slash          ? strdup(".")
                         : slash == path ? strdup("/")
                                         : strndup(path, (size_t)(slash - path));
        return slash ? slash + 1 : path;
}

ckpt_status ckpt_source_files_open(ckpt_diagnostics *diagnostics, ckpt_source *source, const char *path)
{
        _cleanup_(file_list_deinit) file_list list = {0};
        _cleanup_(ckpt_freep) char *directory = NULL, *absolute = NULL;
        struct stat st;
        ckpt_status r;

        if (stat(path, &st) < 0)
                return fail_errno(diagnostics, NULL, "open", path, errno);
        if (S_ISDIR(st.st_mode)) {
                directory = strdup(path);
                r = list_directory(diagnostics, &list, path);
        } else if (S_ISREG(st.st_mode)) {
                r = list_add(&list, split_path(path, &directory), &st);
        } else {
                return ckpt_diagnostics_add(diagnostics, CKPT_E_INVALID, NULL, NULL, NULL,
                                            "%s is neither a directory nor a plain file", path);
        }
        if (r != CKPT_OK || !directory)
                return r != CKPT_OK ? r : CKPT_E_NOMEM;
        /* Absolute, so that a change of the working directory does not make files unreachable. */
        absolute = realpath(directory, NULL);
        if (!absolute)
                return fail_errno(diagnostics, NULL, "resolve", directory, errno);
        return adopt(source, &list, absolute);
}
