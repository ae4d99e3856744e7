/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_SOURCE_H
#define CKPT_SOURCE_H

/*
 * Where a checkpoint lives
 *
 * A source lists named objects (the plain files of a directory; links are followed) with their sizes,
 * and reads ranges of them. Components reach files only through it. Objects are numbered from 0 in
 * order of their names; the number is what a leaf refers to.
 */

#include <ckpt/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to name the source to a person: the path that was given. [any-thread] */
static inline const char *ckpt_source_label(const ckpt_source *source)
{
        return CKPT_API(source)->source_label(source);
}

/** How many objects it has. [any-thread] */
static inline uint32_t ckpt_source_count(const ckpt_source *source)
{
        return CKPT_API(source)->source_count(source);
}

/** An object's name; NULL past the last. [any-thread] */
static inline const char *ckpt_source_name(const ckpt_source *source, uint32_t object)
{
        return CKPT_API(source)->source_name(source, object);
}

/** An object's size in bytes when the source was opened. [any-thread] */
static inline uint64_t ckpt_source_size(const ckpt_source *source, uint32_t object)
{
        return CKPT_API(source)->source_size(source, object);
}

/**
 * Looks an object up by its whole name. CKPT_ABSENT (nothing recorded) when there is none. [any-thread]
 */
static inline ckpt_status ckpt_source_find(const ckpt_source *source, const char *name, uint32_t *ret_object)
{
        return CKPT_API(source)->source_find(source, name, ret_object);
}

/**
 * Reads exactly `size` bytes at `offset` into `buffer`. A range that leaves the object, a read error and an
 * object that changed since the source was opened are errors, recorded with object and offset. [any-thread]
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
