/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where liburing is not there to build with
 */

#include <errno.h>

#include "core/io/io.h"

ckpt_uring *ckpt_uring_new(unsigned depth, int *ret_error)
{
        (void)depth;
        *ret_error = ENOSYS;
        return NULL;
}

ckpt_uring *ckpt_uring_free(ckpt_uring *uring)
{
        (void)uring;
        return NULL;
}

bool ckpt_uring_read(ckpt_uring *uring, int fd, void *buffer, uint64_t size, uint64_t offset, void *tag)
{
        (void)uring;
        (void)fd;
        (void)buffer;
        (void)size;
        (void)offset;
        (void)tag;
        return false;
}

int ckpt_uring_wait(ckpt_uring *uring, void **ret_tag, int *ret_result)
{
        (void)uring;
        (void)ret_tag;
        (void)ret_result;
        return -ENOSYS;
}
