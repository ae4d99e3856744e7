/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_OUTFILE_H
#define CKPT_BASE_OUTFILE_H

/*
 * A file that appears whole or not at all: written under a temporary name beside its place, then renamed
 */

#include "core/base/report.h"

typedef struct ckpt_outfile {
        ckpt_diagnostics *diagnostics; /* failures are recorded on it */
        const char *shown;             /* the path that was asked for */
        char *path, *temporary;        /* of malloc; temporary is NULL while there is no file of that name */
        int fd;
} ckpt_outfile;

#define CKPT_OUTFILE_INIT(diagnostics_)                 \
        {                                               \
                .diagnostics = (diagnostics_), .fd = -1 \
        }

/** Creates the temporary file and reserves `size` bytes where the file system can. */
ckpt_status ckpt_outfile_open(ckpt_outfile *file, const char *path, uint64_t size);
ckpt_status ckpt_outfile_write(ckpt_outfile *file, const void *bytes, uint64_t size);
/** Writes through to the medium and gives the file its name. */
ckpt_status ckpt_outfile_commit(ckpt_outfile *file);
/** Closes; removes the temporary file unless it was committed. */
void ckpt_outfile_deinit(ckpt_outfile *file);

#endif
