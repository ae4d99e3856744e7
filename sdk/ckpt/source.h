/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_H
#define CKPT_SOURCE_H

/*
 * Where a checkpoint lives
 *
 * A source lists named objects with their sizes and reads ranges of them: the plain files of a directory,
 * or one file that was named itself. Links are followed, those that lead nowhere are passed over, and so are
 * names that begin with a dot and directories; nothing below them is looked at. Components reach files only
 * through it. Objects are numbered from 0 in order of their names (by bytes); the number is what a leaf
 * refers to.
 *
 * The list is made when the source is opened and never changes. A file that is no longer the same (device,
 * inode, size, times) is CKPT_E_CHANGED when it is opened for its first read and again when a load has read
 * all it wants. A source belongs to its load, and lives as long as the weights that were read from it.
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * How to name the source to a person: the path that was given. Never NULL; lives as long as it. [any-thread]
 */
static inline const char *ckpt_source_label(const ckpt_source *source)
{
        return CKPT_API(source)->source_label(source);
}

/** How many objects it has; may be 0, at most 1000000. [any-thread] */
static inline uint32_t ckpt_source_count(const ckpt_source *source)
{
        return CKPT_API(source)->source_count(source);
}

/** An object's name, without a directory; NULL past the last. Lives as long as the source. [any-thread] */
static inline const char *ckpt_source_name(const ckpt_source *source, uint32_t object)
{
        return CKPT_API(source)->source_name(source, object);
}

/**
 * An object's size in bytes when the source was opened; 0 past the last, and for an empty one. [any-thread]
 */
static inline uint64_t ckpt_source_size(const ckpt_source *source, uint32_t object)
{
        return CKPT_API(source)->source_size(source, object);
}

/**
 * Looks an object up by its whole name, with case. CKPT_ABSENT (positive, nothing recorded, *ret_object as
 * it was) when there is none or `name` is NULL. [any-thread]
 */
static inline ckpt_status ckpt_source_find(const ckpt_source *source, const char *name, uint32_t *ret_object)
{
        return CKPT_API(source)->source_find(source, name, ret_object);
}

/**
 * Reads exactly `size` bytes at `offset` into `buffer`; on failure the buffer's contents are undefined.
 * Meant for headers and small files: payloads are described as leaves, which the runtime reads itself.
 * Failures are recorded in the component's name, with object and offset. [any-thread]
 *
 *   CKPT_E_CORRUPT  the range leaves the object: the file may be cut short
 *   CKPT_E_INVALID  there is no object of that number
 *   CKPT_E_CHANGED  the object is not what it was when the source was opened, or ended early
 *   CKPT_E_IO       the system refused; CKPT_E_NOT_FOUND and the like where the system says so
 */
static inline ckpt_status ckpt_source_read(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                           uint64_t offset, void *buffer, uint64_t size)
{
        return self->api->source_read(self, source, object, offset, buffer, size);
}

#ifdef __cplusplus
}
#endif

#endif
