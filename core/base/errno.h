/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_ERRNO_H
#define CKPT_BASE_ERRNO_H

/*
 * What the system said, as words and as a status. strerror is not safe in threads, %m not after other calls.
 */

#include <errno.h>
#include <string.h>

#include <ckpt/abi.h>

static inline const char *ckpt_errno_text(int error)
{
        const char *text = strerrordesc_np(error);

        return text ? text : "unknown system error";
}

/** NOT_FOUND, NOMEM, SYSTEM (descriptors) or IO. */
static inline ckpt_status ckpt_errno_status(int error)
{
        switch (error) {
        case ENOENT:
        case ENOTDIR:
                return CKPT_E_NOT_FOUND;
        case ENOMEM:
                return CKPT_E_NOMEM;
        case EMFILE:
        case ENFILE:
                return CKPT_E_SYSTEM;
        default:
                return CKPT_E_IO;
        }
}

/** What to do about it; NULL when there is nothing to say. */
static inline const char *ckpt_errno_hint(int error)
{
        switch (error) {
        case EMFILE:
                return "raise this process's limit of open files (ulimit -n)";
        case ENOENT:
        case ENOTDIR:
                return "check the path";
        case EACCES:
        case EPERM:
                return "check owner and mode";
        case ENOSPC:
        case EDQUOT:
                return "free some space or choose another place";
        case EIO:
                return "the medium or the connection to it failed; look into the system's log";
        default:
                return NULL;
        }
}

#endif
