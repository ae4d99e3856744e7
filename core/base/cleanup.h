/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_CLEANUP_H
#define CKPT_BASE_CLEANUP_H

/*
 * The one cleanup idiom: a local that owns something says so where it is declared,
 *
 *         _cleanup_(ckpt_config_freep) ckpt_config *config = NULL;
 *
 * and hands it out with ckpt_steal(). CKPT_DEFINE_CLEANUP follows a destructor's prototype.
 */

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/** Defines fp(type **), which calls f on what it points to. */
#define CKPT_DEFINE_CLEANUP(type, f)           \
        static inline void f##p(type *pointer) \
        {                                      \
                if (*pointer)                  \
                        f(*pointer);           \
        }                                      \
        struct ckpt_semicolon_

/** The pointer's value, and NULL in its place. */
#define ckpt_steal(pointer)                                  \
        __extension__({                                      \
                __typeof__(*(pointer)) stolen_ = *(pointer); \
                *(pointer) = NULL;                           \
                stolen_;                                     \
        })

/** For memory of malloc: _cleanup_(ckpt_freep). */
static inline void ckpt_freep(void *pointer)
{
        free(*(void **)pointer);
}

/** For descriptors: _cleanup_(ckpt_closep) int fd = -1. */
static inline void ckpt_closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

#endif
