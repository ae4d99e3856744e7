/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A source of plain files: a directory's, or a single one
 *
 * The list and every file's identity are taken once, when the source is opened; files_read.c reads.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/source/files.h"

/** More files than this are no checkpoint. */
#define OBJECTS_MAX 1000000u

typedef struct file_list {
        CKPT_ARRAY(ckpt_file) files;
} file_list;

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
            ckpt_array_push(&list->files, (ckpt_file){.name = copy, .identity = ckpt_file_identity_of(st)}) !=
                    CKPT_OK)
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
                               : ckpt_files_fail(diagnostics, name, "look at", name, errno);
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
                return ckpt_files_fail(diagnostics, NULL, "open", path, errno);
        directory = fdopendir(fd);
        if (!directory) {
                close(fd);
                return CKPT_E_NOMEM;
        }
        while (r == CKPT_OK) {
                const struct dirent *entry = (errno = 0, readdir(directory));

                if (!entry)
                        return errno ? ckpt_files_fail(diagnostics, NULL, "list", path, errno) : CKPT_OK;
                if (entry->d_name[0] != '.')
                        r = list_entry(diagnostics, list, fd, entry->d_name);
        }
        return r;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const ckpt_file *)a)->name, ((const ckpt_file *)b)->name);
}

/* Hands the list over to the source. `directory` is absolute. */
static ckpt_status adopt(ckpt_source *source, file_list *list, const char *directory)
{
        const uint64_t count = list->files.count;
        ckpt_file *files = ckpt_arena_calloc(&source->arena, count, sizeof(*files));

        source->objects = ckpt_arena_calloc(&source->arena, count, sizeof(*source->objects));
        if (!files || !source->objects)
                return CKPT_E_NOMEM;
        if (count > 0)
                qsort(list->files.items, count, sizeof(*list->files.items), by_name);
        for (uint64_t i = 0; i < count; i++) {
                const ckpt_file *f = &list->files.items[i];

                files[i].identity = f->identity;
                atomic_init(&files[i].fd, CKPT_FILE_UNOPENED);
                atomic_init(&files[i].probe, CKPT_FILE_UNOPENED);
                atomic_init(&files[i].direct, CKPT_FILE_UNOPENED);
                source->objects[i].name = ckpt_arena_strdup(&source->arena, f->name);
                source->objects[i].path = ckpt_arena_printf(&source->arena, "%s/%s", directory, f->name);
                source->objects[i].size = (uint64_t)f->identity.size;
                if (!source->objects[i].name || !source->objects[i].path)
                        return CKPT_E_NOMEM;
        }
        source->impl = files;
        source->count = (uint32_t)count;
        source->table = &ckpt_files_table;
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
                return ckpt_files_fail(diagnostics, NULL, "open", path, errno);
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
                return ckpt_files_fail(diagnostics, NULL, "resolve", directory, errno);
        return adopt(source, &list, absolute);
}
