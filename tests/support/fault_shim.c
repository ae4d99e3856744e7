/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A library for LD_PRELOAD: calls of the process come here first, and some of them fail (see fault_plan.h)
 *
 * System calls are made with syscall(), and memory comes from the names that the C library keeps for itself:
 * to look up the next definition of a name takes calls and memory of its own. Only for pthread_create there
 * is no other way. For 64-bit machines, where a file's offset is a long.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault_plan.h"

/* Under the C library's name; that of large files may be a second one. */
#define STANDS_FOR(function, name)                                      \
        extern __typeof__(function) function##_as_##name __asm__(#name) \
                __attribute__((alias(#function), visibility("default")))

/* An alias is no use that the compiler sees. */
#define CALLED __attribute__((used))

_Static_assert(sizeof(off_t) == sizeof(long), "offsets are passed in one register");

/* ---- reads ---- */

static size_t some_of(fault_way way, size_t size)
{
        return way == FAULT_SHORT ? (size + 1) / 2 : size;
}

static ssize_t read_pieces(fault_way way, int fd, const struct iovec *pieces, int count, off_t offset,
                           int flags)
{
        struct iovec part;

        if (way == FAULT_ERROR)
                return -1;
        if (way == FAULT_SHORT && count > 0) {
                part = (struct iovec){.iov_base = pieces->iov_base, .iov_len = (pieces->iov_len + 1) / 2};
                pieces = &part;
                count = 1;
        }
        return syscall(SYS_preadv2, fd, pieces, (long)count, (long)offset, 0L, (long)flags);
}

CALLED static ssize_t shim_read(int fd, void *buffer, size_t size)
{
        const fault_way way = fault_meet("read");

        return way == FAULT_ERROR ? -1 : syscall(SYS_read, fd, buffer, some_of(way, size));
}

CALLED static ssize_t shim_pread(int fd, void *buffer, size_t size, off_t offset)
{
        const fault_way way = fault_meet("pread");

        return way == FAULT_ERROR ? -1 : syscall(SYS_pread64, fd, buffer, some_of(way, size), offset);
}

CALLED static ssize_t shim_preadv(int fd, const struct iovec *pieces, int count, off_t offset)
{
        return read_pieces(fault_meet("preadv"), fd, pieces, count, offset, 0);
}

CALLED static ssize_t shim_preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
        return read_pieces(fault_meet("preadv2"), fd, pieces, count, offset, flags);
}

STANDS_FOR(shim_read, read);
STANDS_FOR(shim_pread, pread);
STANDS_FOR(shim_pread, pread64);
STANDS_FOR(shim_preadv, preadv);
STANDS_FOR(shim_preadv, preadv64);
STANDS_FOR(shim_preadv2, preadv2);
STANDS_FOR(shim_preadv2, preadv64v2);

/* ---- files ---- */

static int open_at(int directory, const char *path, int flags, va_list arguments)
{
        const bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
        const mode_t mode = makes ? va_arg(arguments, mode_t) : 0;

        if (fault_meet_open(flags) == FAULT_ERROR)
                return -1;
        return (int)syscall(SYS_openat, directory, path, flags, mode);
}

CALLED static int shim_open(const char *path, int flags, ...)
{
        va_list arguments;
        int fd;

        va_start(arguments, flags);
        fd = open_at(AT_FDCWD, path, flags, arguments);
        va_end(arguments);
        return fd;
}

CALLED static int shim_openat(int directory, const char *path, int flags, ...)
{
        va_list arguments;
        int fd;

        va_start(arguments, flags);
        fd = open_at(directory, path, flags, arguments);
        va_end(arguments);
        return fd;
}

CALLED static int shim_fstatat(int directory, const char *path, struct stat *st, int flags)
{
        return fault_meet("stat") == FAULT_ERROR ? -1
                                                 : (int)syscall(SYS_newfstatat, directory, path, st, flags);
}

CALLED static int shim_stat(const char *path, struct stat *st)
{
        return shim_fstatat(AT_FDCWD, path, st, 0);
}

CALLED static int shim_fstat(int fd, struct stat *st)
{
        return fault_meet("stat") == FAULT_ERROR ? -1 : (int)syscall(SYS_fstat, fd, st);
}

STANDS_FOR(shim_open, open);
STANDS_FOR(shim_open, open64);
STANDS_FOR(shim_openat, openat);
STANDS_FOR(shim_openat, openat64);
STANDS_FOR(shim_fstatat, fstatat);
STANDS_FOR(shim_fstatat, fstatat64);
STANDS_FOR(shim_stat, stat);
STANDS_FOR(shim_stat, stat64);
STANDS_FOR(shim_fstat, fstat);
STANDS_FOR(shim_fstat, fstat64);

/* ---- memory ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

CALLED static void *shim_malloc(size_t size)
{
        return fault_meet("malloc") == FAULT_ERROR ? NULL : __libc_malloc(size);
}

CALLED static void *shim_calloc(size_t count, size_t size)
{
        return fault_meet("malloc") == FAULT_ERROR ? NULL : __libc_calloc(count, size);
}

CALLED static void *shim_realloc(void *old, size_t size)
{
        return fault_meet("malloc") == FAULT_ERROR ? NULL : __libc_realloc(old, size);
}

CALLED static void *shim_aligned_alloc(size_t alignment, size_t size)
{
        return fault_meet("malloc") == FAULT_ERROR ? NULL : __libc_memalign(alignment, size);
}

CALLED static int shim_posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
        void *memory = shim_aligned_alloc(alignment, size);

        if (!memory)
                return ENOMEM;
        *ret_memory = memory;
        return 0;
}

CALLED static void *shim_mmap(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
        if (fault_meet("mmap") == FAULT_ERROR)
                return MAP_FAILED;
        return (void *)syscall(SYS_mmap, start, size, protection, flags, fd, offset);
}

STANDS_FOR(shim_malloc, malloc);
STANDS_FOR(shim_calloc, calloc);
STANDS_FOR(shim_realloc, realloc);
STANDS_FOR(shim_aligned_alloc, aligned_alloc);
STANDS_FOR(shim_posix_memalign, posix_memalign);
STANDS_FOR(shim_mmap, mmap);
STANDS_FOR(shim_mmap, mmap64);

/* ---- threads ---- */

typedef int (*thread_maker)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

CALLED static int shim_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                      void *(*run)(void *), void *argument)
{
        thread_maker next;

        if (fault_meet("pthread_create") == FAULT_ERROR)
                return errno;
        *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
        return next(thread, attributes, run, argument);
}

STANDS_FOR(shim_pthread_create, pthread_create);
