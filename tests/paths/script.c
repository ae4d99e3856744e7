/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096u

#define CACHESTAT 451

/* A read that was started: what became of it is told when it is waited for, the last one first. */
typedef struct started {
        void *tag;
        int result;
} started;

static script *playing;
static started under_way[64];
static unsigned n_under_way;

typedef struct ckpt_uring ckpt_uring;

ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __real_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
ckpt_uring *__wrap_ckpt_uring_new(unsigned depth, int *ret_error);
ckpt_uring *__wrap_ckpt_uring_free(ckpt_uring *uring);
bool __wrap_ckpt_uring_read(ckpt_uring *uring, int fd, void *buffer, uint64_t size, uint64_t offset,
                            void *tag);
int __wrap_ckpt_uring_wait(ckpt_uring *uring, void **ret_tag, int *ret_result);

void script_set(script *s)
{
        playing = s;
        n_under_way = 0;
}

/* ---- one read ---- */

static ssize_t play(int fd, void *buffer, size_t size, off_t offset)
{
        const unsigned n = playing->n_reads++;
        script_read how = {SCRIPT_WHOLE, 0};

        if (n < SCRIPT_READS) {
                how = playing->reads[n];
                playing->offsets[n] = (uint64_t)offset;
                playing->sizes[n] = size;
        }
        playing->misaligned +=
                (uintptr_t)buffer % BLOCK != 0 || (uint64_t)offset % BLOCK != 0 || size % BLOCK != 0;
        if (how.end == SCRIPT_ERROR) {
                errno = how.value;
                return -1;
        }
        if (how.end == SCRIPT_SHORT && (size_t)how.value < size)
                size = (size_t)how.value;
        return __real_pread64(fd, buffer, size, offset);
}

ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset)
{
        return playing ? play(fd, buffer, size, offset) : __real_pread64(fd, buffer, size, offset);
}

/* ---- what is cached ---- */

static long count_pages(uint64_t *ret_counts)
{
        playing->n_counts++;
        if (playing->cached_pages < 0) {
                errno = (int)-playing->cached_pages;
                return -1;
        }
        ret_counts[0] = (uint64_t)playing->cached_pages;
        return 0;
}

long __wrap_syscall(long number, ...)
{
        long given[6];
        va_list arguments;

        va_start(arguments, number);
        for (unsigned i = 0; i < 6; i++)
                given[i] = va_arg(arguments, long);
        va_end(arguments);
        if (playing && number == CACHESTAT)
                return count_pages((uint64_t *)given[2]);
        return __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
        if (!playing)
                return __real_preadv64v2(fd, pieces, count, offset, flags);
        errno = playing->n_probes < 2 ? playing->probes[playing->n_probes] : EAGAIN;
        playing->n_probes++;
        return errno ? -1 : 1;
}

int __wrap_open64(const char *path, int flags, ...)
{
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
        va_end(arguments);
        if (playing && playing->refuses_open && (flags & O_DIRECT)) {
                errno = EINVAL;
                return -1;
        }
        return __real_open64(path, playing ? flags & ~O_DIRECT : flags, mode);
}

/* ---- an io_uring that is none ---- */

ckpt_uring *__wrap_ckpt_uring_new(unsigned depth, int *ret_error)
{
        (void)depth;
        if (playing && playing->has_uring)
                return (ckpt_uring *)(void *)under_way;
        *ret_error = EPERM;
        return NULL;
}

ckpt_uring *__wrap_ckpt_uring_free(ckpt_uring *uring)
{
        (void)uring;
        return NULL;
}

bool __wrap_ckpt_uring_read(ckpt_uring *uring, int fd, void *buffer, uint64_t size, uint64_t offset,
                            void *tag)
{
        ssize_t n;

        (void)uring;
        if (n_under_way == sizeof(under_way) / sizeof(*under_way) ||
            (playing->uring_room > 0 && n_under_way == playing->uring_room))
                return false;
        n = play(fd, buffer, size, (off_t)offset);
        under_way[n_under_way++] = (started){tag, n < 0 ? -errno : (int)n};
        playing->n_by_uring++;
        return true;
}

int __wrap_ckpt_uring_wait(ckpt_uring *uring, void **ret_tag, int *ret_result)
{
        (void)uring;
        if (playing->wait_error)
                return -playing->wait_error;
        if (n_under_way == 0)
                return -EDEADLK;
        n_under_way--;
        *ret_tag = under_way[n_under_way].tag;
        *ret_result = under_way[n_under_way].result;
        return 0;
}
