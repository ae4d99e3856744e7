/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_TABLE_H
#define CKPT_SOURCE_TABLE_H

/*
 * Inside a source: what every kind of it shares, and the table of what a kind does itself
 */

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
        /** Reads up to `size` bytes (at least one, unless the object ends at `offset`): how many in
         * *ret_read. */
        ckpt_status (*read)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                            uint64_t offset, void *buffer, uint64_t size, uint64_t *ret_read);
        /** A descriptor that the source owns. */
        ckpt_status (*fd)(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                          int *ret_fd);
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
};

/** Plain files: fills a new source. Recorded on failure. */
ckpt_status ckpt_source_files_open(ckpt_diagnostics *diagnostics, ckpt_source *source, const char *path);

#endif
