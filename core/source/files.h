/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_FILES_H
#define CKPT_SOURCE_FILES_H

/*
 * Between the two halves of the source of plain files: files.c lists them, files_read.c reads them
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

/** In ckpt_file.direct instead of a descriptor. */
enum {
        CKPT_FILE_UNOPENED = -1,
        CKPT_FILE_REFUSED = -2
};

typedef struct ckpt_file {
        char *name; /* of malloc while the list is made; then NULL */
        ckpt_file_identity identity;
        atomic_int fd;              /* -1 until it is opened */
        atomic_int probe;           /* a descriptor to ask by, -1 until it is opened */
        atomic_int direct;          /* a descriptor past the page cache, or one of the two above */
        atomic_bool direct_refused; /* it opened, and reading failed */
        atomic_bool cannot_tell;    /* the file system does not say what is cached */
} ckpt_file;

extern const ckpt_source_table ckpt_files_table;

ckpt_file_identity ckpt_file_identity_of(const struct stat *st);
/** Records that `what` (a verb) could not be done to a path. */
ckpt_status ckpt_files_fail(ckpt_diagnostics *diagnostics, const char *object, const char *what,
                            const char *path, int error);

#endif
