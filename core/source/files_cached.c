/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What of a plain file is in the page cache
 *
 * The kernel counts the pages of a range (cachestat, Linux 6.5), where it does so for this user. Elsewhere
 * single bytes at both ends are read without waiting. Such a read has the kernel read ahead, as far as it was
 * asked and further, and what is then read past the page cache is read twice; so it is done by a descriptor
 * for which nothing is read ahead. Even so it costs the disk a page for each end, which counting does not.
 */

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/source/files.h"

/* Its number is the same everywhere but on Alpha; headers older than the call do not have it. */
#ifndef SYS_cachestat
#        define SYS_cachestat 451
#endif

/* The call's arguments, as the kernel defines them. */
struct cached_range {
        uint64_t offset, size;
};

struct cached_pages {
        uint64_t cached, dirty, written_back, evicted, recently_evicted;
};

/* Whether at least half of a range is there; false where the kernel does not count. */
static bool count_pages(int fd, uint64_t offset, uint64_t size, bool *ret_cached)
{
        const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        const uint64_t pages = (offset + size - 1) / page - offset / page + 1;
        struct cached_range range = {.offset = offset, .size = size};
        struct cached_pages counts = {0};

        if (syscall(SYS_cachestat, fd, &range, &counts, 0) < 0)
                return false;
        *ret_cached = counts.cached >= pages - pages / 2;
        return true;
}

/* 1, 0, or -1 where the file system does not say. */
static int probe_byte(int fd, uint64_t offset)
{
        uint8_t byte;
        const struct iovec piece = {.iov_base = &byte, .iov_len = 1};

        if (preadv2(fd, &piece, 1, (off_t)offset, RWF_NOWAIT) >= 0)
                return 1;
        return errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS ? -1 : 0;
}

static ckpt_status probe_ends(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                              uint64_t offset, uint64_t size, bool *ret_cached)
{
        ckpt_file *f = ckpt_file_at(source, object);
        int fd = -1, cached;
        ckpt_status r;

        if (atomic_load_explicit(&f->cannot_tell, memory_order_relaxed))
                return CKPT_ABSENT;
        r = ckpt_files_probe_fd(diagnostics, source, object, &fd);
        if (r != CKPT_OK)
                return r;
        cached = probe_byte(fd, offset);
        if (cached == 1)
                cached = probe_byte(fd, offset + size - 1);
        if (cached < 0) {
                atomic_store_explicit(&f->cannot_tell, true, memory_order_relaxed);
                return CKPT_ABSENT;
        }
        *ret_cached = cached == 1;
        return CKPT_OK;
}

ckpt_status ckpt_files_is_cached(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                 uint64_t offset, uint64_t size, bool *ret_cached)
{
        ckpt_file *f = ckpt_file_at(source, object);
        int fd = -1;

        if (!atomic_load_explicit(&f->cannot_count, memory_order_relaxed)) {
                const ckpt_status r = ckpt_files_fd(diagnostics, source, object, &fd);

                if (r != CKPT_OK || count_pages(fd, offset, size, ret_cached))
                        return r;
                atomic_store_explicit(&f->cannot_count, true, memory_order_relaxed);
        }
        return probe_ends(diagnostics, source, object, offset, size, ret_cached);
}
