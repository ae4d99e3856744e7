/* SPDX-License-Identifier: Apache-2.0 */
#include "wraps.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static wrap_plan plan; /* does not change while armed */
static atomic_bool armed, came;
static atomic_ullong calls;

void wrap_arm(const wrap_plan *wanted)
{
        plan = *wanted;
        atomic_store(&came, false);
        atomic_store(&calls, 0);
        atomic_store(&armed, true);
}

bool wrap_disarm(void)
{
        atomic_store(&armed, false);
        return atomic_load(&came);
}

uint64_t wrap_calls(void)
{
        return atomic_load(&calls);
}

static bool comes(const char *group)
{
        if (!atomic_load(&armed) || strcmp(plan.group, group) != 0 ||
            atomic_fetch_add(&calls, 1) + 1 != plan.n)
                return false;
        atomic_store(&came, true);
        if (plan.way == WRAP_HOOK)
                plan.hook();
        return true;
}

/* Whether the call is to end with errno set and nothing done. */
static bool fails(const char *group)
{
        if (!comes(group) || plan.way != WRAP_FAIL)
                return false;
        errno = plan.error;
        return true;
}

/* -1: fail; else how much of the size to ask for. */
static ssize_t wanted(size_t size)
{
        if (!comes("read"))
                return (ssize_t)size;
        if (plan.way == WRAP_FAIL) {
                errno = plan.error;
                return -1;
        }
        return plan.way == WRAP_SHORT ? (ssize_t)((size + 1) / 2) : (ssize_t)size;
}

/* ---- reads ---- */

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __real_preadv64(int fd, const struct iovec *pieces, int count, off_t offset);
ssize_t __real_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_preadv64(int fd, const struct iovec *pieces, int count, off_t offset);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
        const ssize_t n = wanted(size);

        return n < 0 ? -1 : __real_read(fd, buffer, (size_t)n);
}

ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset)
{
        const ssize_t n = wanted(size);

        return n < 0 ? -1 : __real_pread64(fd, buffer, (size_t)n, offset);
}

/* A short one ends inside its first piece. */
ssize_t __wrap_preadv64(int fd, const struct iovec *pieces, int count, off_t offset)
{
        const size_t first = count > 0 ? pieces->iov_len : 0;
        const ssize_t n = wanted(first);

        if (n < 0 || (size_t)n == first)
                return n < 0 ? -1 : __real_preadv64(fd, pieces, count, offset);
        return __real_pread64(fd, pieces->iov_base, (size_t)n, offset);
}

ssize_t __wrap_preadv64v2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
        const size_t first = count > 0 ? pieces->iov_len : 0;
        const ssize_t n = wanted(first);
        struct iovec part;

        if (n < 0 || (size_t)n == first)
                return n < 0 ? -1 : __real_preadv64v2(fd, pieces, count, offset, flags);
        part = (struct iovec){.iov_base = pieces->iov_base, .iov_len = (size_t)n};
        return __real_preadv64v2(fd, &part, 1, offset, flags);
}

/* ---- files ---- */

int __real_open64(const char *path, int flags, ...);
int __real_openat64(int directory, const char *path, int flags, ...);
int __real_stat64(const char *path, struct stat *st);
int __real_fstat64(int fd, struct stat *st);
int __real_fstatat64(int directory, const char *path, struct stat *st, int flags);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstatat64(int directory, const char *path, struct stat *st, int flags);

static mode_t mode_of(int flags, va_list arguments)
{
        return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open64(const char *path, int flags, ...)
{
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = mode_of(flags, arguments);
        va_end(arguments);
        return fails("open") ? -1 : __real_open64(path, flags, mode);
}

int __wrap_openat64(int directory, const char *path, int flags, ...)
{
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = mode_of(flags, arguments);
        va_end(arguments);
        return fails("open") ? -1 : __real_openat64(directory, path, flags, mode);
}

int __wrap_stat64(const char *path, struct stat *st)
{
        return fails("stat") ? -1 : __real_stat64(path, st);
}

int __wrap_fstat64(int fd, struct stat *st)
{
        return fails("stat") ? -1 : __real_fstat64(fd, st);
}

int __wrap_fstatat64(int directory, const char *path, struct stat *st, int flags)
{
        return fails("stat") ? -1 : __real_fstatat64(directory, path, st, flags);
}

/* ---- memory and threads ---- */

void *__real_mmap64(void *start, size_t size, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
void *__wrap_mmap64(void *start, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

void *__wrap_mmap64(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
        return fails("mmap") ? MAP_FAILED : __real_mmap64(start, size, protection, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
        return fails("pthread_create") ? plan.error
                                       : __real_pthread_create(thread, attributes, run, argument);
}
