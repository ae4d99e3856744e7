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

#include <sys/uio.h>

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
ckpt_status ckpt_source_read_at(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                uint64_t offset, void *buffer, uint64_t size);
/**
 * The same into pieces one after the other, of which the caller's list is used up: what is left of it is
 * undefined.
 */
ckpt_status ckpt_source_read_pieces(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                    uint64_t offset, struct iovec *pieces, int count);
/**
 * Whether at least half of a range is in memory already, as far as the source knows. CKPT_ABSENT, nothing
 * recorded and *ret_cached true, where it cannot tell. Any thread.
 */
ckpt_status ckpt_source_is_cached(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                  uint64_t offset, uint64_t size, bool *ret_cached);
/** An open descriptor of the object's file, owned by the source, or a status (negative, recorded). Any thread. */
int ckpt_source_fd(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object);
/** One that reads past the page cache, in whole blocks; negative, nothing recorded, where there is none. */
int ckpt_source_direct_fd(const ckpt_source *source, uint32_t object);
/** From now on there is none for this object: a read past the page cache was refused. Any thread. */
void ckpt_source_refuse_direct(ckpt_source *source, uint32_t object);
/** Records that an object ended before `offset`, which was inside it when it was opened: CKPT_E_CHANGED. */
ckpt_status ckpt_source_fail_short(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                   uint64_t offset);
/** Records that reading failed: CKPT_E_IO. */
ckpt_status ckpt_source_fail_read(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                  uint64_t offset, int error);
/** Bytes that components have asked for and got so far. Any thread. */
uint64_t ckpt_source_asked_bytes(const ckpt_source *source);
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
