/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_SCRIPT_H
#define TESTS_PATHS_SCRIPT_H

/*
 * Reads past the page cache that end as a test says, made by pread or by an io_uring that is none
 *
 * The linker sends the library's pread, preadv2, open and syscall, and its calls of core/io/uring.c, here
 * (--wrap).
 * O_DIRECT is taken off, so this runs on every file system; what it asks of callers is checked.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
        SCRIPT_READS = 16
};

/** How a read ends. */
typedef enum script_end {
        SCRIPT_WHOLE, /* as far as the file goes */
        SCRIPT_SHORT, /* after so many bytes */
        SCRIPT_ERROR  /* with that errno */
} script_end;

typedef struct script_read {
        script_end end;
        int value;
} script_read;

typedef struct script {
        bool has_uring;       /* else it is refused with EPERM */
        bool refuses_open;    /* O_DIRECT: EINVAL */
        unsigned uring_room;  /* reads under way that it takes; 0: many */
        int wait_error;       /* what waiting for it fails with */
        int64_t cached_pages; /* what cachestat counts, or a negative errno */
        int probes[2];        /* what preadv2 says one after the other: an errno, or 0 for a byte */
        script_read reads[SCRIPT_READS]; /* one after the other; those behind the last are whole */

        /* What was done. */
        unsigned n_reads, n_by_uring, n_counts, n_probes;
        uint64_t offsets[SCRIPT_READS], sizes[SCRIPT_READS];
        unsigned misaligned; /* reads that O_DIRECT would have refused */
} script;

/** Sets the script; all is as ever before the first one and after NULL. The caller keeps it. */
void script_set(script *s);

#endif
