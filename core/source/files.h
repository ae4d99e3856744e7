/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_FILES_H
#define CKPT_SOURCE_FILES_H

/*
 * Between the parts of the source of plain files: files.c lists them, files_open.c opens them, files_read.c
 * reads them, files_cached.c says what the page cache has of them
 */

#include <sys/stat.h>

#include "core/source/table.h"

/** What makes a file the same file. */
typedef struct ckpt_file_identity {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified, changed;
} ckpt_file_identity;

/** In place of a descriptor: not opened yet, and not to be had. */
enum {
        CKPT_FILE_UNOPENED = -1,
        CKPT_FILE_REFUSED = -2
};

typedef struct ckpt_file {
        char *name; /* of malloc while the list is made; then NULL */
        ckpt_file_identity identity;
        atomic_int fd;              /* to read by */
        atomic_int probe;           /* to ask by what is cached, where the kernel does not count */
        atomic_int direct;          /* past the page cache; the only one that may be refused */
        atomic_bool direct_refused; /* it opened, and reading failed */
        atomic_bool cannot_count;   /* the kernel does not count what is cached, or not for us */
        atomic_bool cannot_tell;    /* the file system does not say what is cached */
} ckpt_file;

extern const ckpt_source_table ckpt_files_table;

static inline ckpt_file *ckpt_file_at(const ckpt_source *source, uint32_t object)
{
        return (ckpt_file *)source->impl + object;
}

ckpt_file_identity ckpt_file_identity_of(const struct stat *st);
bool ckpt_file_is_same(const struct stat *st, const ckpt_file_identity *known);
/** Records that `what` (a verb) could not be done to a path. */
ckpt_status ckpt_files_fail(ckpt_diagnostics *diagnostics, const char *object, const char *what,
                            const char *path, int error);
/** Records how an object is another than when the checkpoint was opened. */
ckpt_status ckpt_files_fail_changed(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                    const char *how);
/** The descriptor to ask by: nothing is read ahead for it. */
ckpt_status ckpt_files_probe_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                int *ret_fd);

/* Entries of the table. */
ckpt_status ckpt_files_is_cached(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                 uint64_t offset, uint64_t size, bool *ret_cached);
ckpt_status ckpt_files_fd(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                          int *ret_fd);
int ckpt_files_direct_fd(const ckpt_source *source, uint32_t object);
void ckpt_files_refuse_direct(const ckpt_source *source, uint32_t object);
void ckpt_files_close(ckpt_source *source);

#endif
