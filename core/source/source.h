/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_SOURCE_H
#define CKPT_SOURCE_SOURCE_H

/*
 * Where a checkpoint lives: a table behind one object, so that an object store can come later
 *
 * The one that is there reads the plain files of a directory, or a single file. Files are opened on first
 * use, O_RDONLY | O_CLOEXEC, and stay open until the source is freed; identity (device, inode, size, mtime,
 * ctime) is taken when it is opened and compared by ckpt_source_verify.
 */

#include <ckpt/source.h>

#include "core/base/session.h"

/** Opens a directory or one file. Records on `diagnostics`. Reference-counted: weights keep their source. */
ckpt_status ckpt_source_open(ckpt_diagnostics *diagnostics, const char *path, ckpt_source **ret_source);
ckpt_source *ckpt_source_ref(ckpt_source *source);
ckpt_source *ckpt_source_unref(ckpt_source *source);

/**
 * Reads exactly [offset, offset + size) of an object; retries EINTR and short reads. A range outside the
 * object, a read error and a file that got shorter are recorded. Any thread. `plugin` and `component` (may be
 * NULL) name who asked.
 */
ckpt_status ckpt_source_read_at(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object,
                                uint64_t offset, void *buffer, uint64_t size);
/** An open descriptor of the object's file, owned by the source, or -1 (recorded on failure). Any thread. */
int ckpt_source_fd(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object);
/** Local path of an object, or NULL. */
const char *ckpt_source_path(const ckpt_source *source, uint32_t object);
/** CKPT_E_CHANGED, recorded, when the object is no longer the file that it was when the source was opened.
 * Any thread. */
ckpt_status ckpt_source_verify(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object);

/* The services of ckpt/source.h (source_read takes the frame's session); entries of ckpt_api_table. */
const char *ckpt_source_api_label(const ckpt_source *source);
uint32_t ckpt_source_api_count(const ckpt_source *source);
const char *ckpt_source_api_name(const ckpt_source *source, uint32_t object);
uint64_t ckpt_source_api_size(const ckpt_source *source, uint32_t object);
ckpt_status ckpt_source_api_find(const ckpt_source *source, const char *name, uint32_t *ret_object);
ckpt_status ckpt_source_api_read(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                 uint64_t offset, void *buffer, uint64_t size);

#endif
