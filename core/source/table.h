/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_TABLE_H
#define CKPT_SOURCE_TABLE_H

/*
 * Inside a source: what every kind of it shares, and the table of what a kind does itself
 */

#include <sys/uio.h>

#include "core/base/map.h"
#include "core/source/source.h"

/** One named object. */
typedef struct ckpt_source_object {
        const char *name;
        const char *path; /* local path, or NULL */
        uint64_t size;
} ckpt_source_object;

/** What a kind of source does. Any thread; failures are recorded. */
typedef struct ckpt_source_table {
        /**
         * Reads at least one byte into the pieces, one after the other, unless the object ends at `offset`: how
         * many in *ret_read.
         */
        ckpt_status (*read)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                            uint64_t offset, const struct iovec *pieces, int count, uint64_t *ret_read);
        /** Whether most of a range, which is not empty, is in memory. CKPT_ABSENT, nothing recorded: it cannot tell. */
        ckpt_status (*is_cached)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                 uint64_t offset, uint64_t size, bool *ret_cached);
        /** A descriptor that the source owns. */
        ckpt_status (*fd)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                          int *ret_fd);
        /** One that reads past the page cache, or a negative number where that cannot be had. */
        int (*direct_fd)(const ckpt_source *source, uint32_t object);
        /** It proved to be of no use: direct_fd shall give none from now on, and keep what it gave open. */
        void (*refuse_direct)(const ckpt_source *source, uint32_t object);
        ckpt_status (*verify)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object);
        void (*close)(ckpt_source *source);
} ckpt_source_table;

struct ckpt_source {
        const ckpt_api *api;
        const ckpt_source_table *table;
        void *impl; /* the kind's own; in the arena */
        atomic_uint references;
        ckpt_arena arena;
        const char *label;           /* the path that was given */
        ckpt_source_object *objects; /* sorted by name */
        uint32_t count;
        ckpt_map index;
        atomic_ullong
                *asked_bytes; /* read for components; in the arena, for reading leaves a source as it is */
};

/** Plain files: fills a new source. Recorded on failure. */
ckpt_status ckpt_source_files_open(ckpt_diagnostics *diagnostics, ckpt_source *source, const char *path);

#endif
