/* SPDX-License-Identifier: Apache-2.0 */
#include "ways.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "support/scratch.h"

#include <check.h>

/* Of a file that is half in the page cache: what is there by turns. */
#define PIECE (20u << 10)

#define PROBE_BYTES (64u << 10)

#define MIB (UINT64_C(1) << 20)

const way ways[WAYS] = {
        {"buffered, cold", CKPT_IO_BUFFERED, WAY_COLD, 0, 0, true, false},
        {"buffered, one reader, 1 MiB", CKPT_IO_BUFFERED, WAY_WARM, 1, MIB, true, false},
        {"auto, warm", CKPT_IO_AUTO, WAY_WARM, 0, 0, true, false},
        {"auto, warm, smallest ring", CKPT_IO_AUTO, WAY_WARM, 1, 1, true, false},
        {"auto, cold", CKPT_IO_AUTO, WAY_COLD, 0, 0, false, true},
        {"auto, cold, one reader", CKPT_IO_AUTO, WAY_COLD, 1, 0, false, true},
        {"auto, cold, 16 readers", CKPT_IO_AUTO, WAY_COLD, 16, 0, false, true},
        {"auto, cold, 1 MiB", CKPT_IO_AUTO, WAY_COLD, 4, MIB, false, true},
        {"auto, cold, smallest ring", CKPT_IO_AUTO, WAY_COLD, 16, 1, false, false},
        {"auto, half warm", CKPT_IO_AUTO, WAY_HALF, 0, 0, true, true},
        {"auto, half warm, 1 MiB", CKPT_IO_AUTO, WAY_HALF, 4, MIB, true, true},
        {"direct, warm", CKPT_IO_DIRECT, WAY_WARM, 0, 0, false, true},
        {"direct, cold, 16 readers, 4 MiB", CKPT_IO_DIRECT, WAY_COLD, 16, 4 * MIB, false, true},
        {"direct, smallest ring", CKPT_IO_DIRECT, WAY_COLD, 1, 1, false, false},
        {"mapped, warm", CKPT_IO_MAPPED, WAY_WARM, 0, 0, false, false},
};

/* ---- what the file system can ---- */

static bool reads_direct(const char *path)
{
        const int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
        void *memory = NULL;
        bool can = false;

        if (fd < 0)
                return false;
        if (posix_memalign(&memory, 4096, PROBE_BYTES) == 0)
                can = pread(fd, memory, PROBE_BYTES, 0) == (ssize_t)PROBE_BYTES;
        free(memory);
        close(fd);
        return can;
}

/* The first byte, without waiting for it: 1 where it is cached, 0 where it is not, -1 where nobody knows. */
static int is_cached(int fd)
{
        char byte;
        const struct iovec piece = {.iov_base = &byte, .iov_len = 1};
        const ssize_t n = preadv2(fd, &piece, 1, 0, RWF_NOWAIT);

        return n == 1 ? 1 : n < 0 && errno == EAGAIN ? 0 : -1;
}

static void drop(int fd)
{
        ck_assert_int_eq(fdatasync(fd), 0);
        ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static way_abilities probe(void)
{
        char *bytes = calloc(1, PROBE_BYTES);
        way_abilities can;
        int fd;

        ck_assert_ptr_nonnull(bytes);
        scratch_write("probe", bytes, PROBE_BYTES);
        free(bytes);
        fd = open(scratch_path("probe"), O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        can.tells_cached = is_cached(fd) == 1;
        drop(fd);
        can.drops_cached = is_cached(fd) == 0;
        close(fd);
        can.reads_direct = reads_direct(scratch_path("probe"));
        unlink(scratch_path("probe"));
        return can;
}

way_abilities way_abilities_now(void)
{
        static way_abilities known;
        static bool is_known;

        if (is_known)
                return known;
        known = probe();
        is_known = true;
        if (!known.reads_direct || !known.tells_cached || !known.drops_cached)
                printf("# the file system of %s%s%s%s: reads past the page cache are not looked for\n",
                       scratch_directory(), known.reads_direct ? "" : " has no O_DIRECT",
                       known.tells_cached ? "" : " does not tell what is cached",
                       known.drops_cached ? "" : " drops nothing from its cache");
        fflush(stdout);
        return known;
}

/* ---- the page cache ---- */

static void read_all(int fd, uint64_t size)
{
        static char buffer[1 << 16];

        for (uint64_t at = 0; at < size; at += sizeof(buffer))
                ck_assert_int_ge(pread(fd, buffer, sizeof(buffer), (off_t)at), 0);
}

/*
 * A half that is not there, a quarter of which every second piece is, and one that is: in this order, for
 * what is read through the page cache has the kernel read on.
 */
static void read_half(int fd, uint64_t size)
{
        static char buffer[PIECE];

        ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
        for (uint64_t at = size / 2; at < size; at += (at < size / 4 * 3 ? 2 : 1) * PIECE)
                ck_assert_int_ge(pread(fd, buffer, PIECE, (off_t)at), 0);
}

static void prepare_file(const char *path, way_cache cache)
{
        const int fd = open(path, O_RDWR | O_CLOEXEC);
        struct stat st;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        if (cache != WAY_WARM)
                drop(fd);
        if (cache == WAY_WARM)
                read_all(fd, (uint64_t)st.st_size);
        if (cache == WAY_HALF)
                read_half(fd, (uint64_t)st.st_size);
        close(fd);
}

void way_prepare(const way *w)
{
        DIR *directory = opendir(scratch_directory());

        ck_assert_ptr_nonnull(directory);
        for (const struct dirent *entry; (entry = readdir(directory));)
                if (entry->d_type == DT_REG)
                        prepare_file(scratch_path(entry->d_name), w->cache);
        closedir(directory);
}

/* ---- the load ---- */

void way_set(const way *w, ckpt_load_options *options)
{
        options->io = w->io;
        options->readers = w->readers;
        options->staging_bytes = w->staging_bytes;
}

/*
 * How much comes past a cold cache is the kernel's affair: what it reads ahead for a short range is cached
 * then.
 */
static void check_long(const way *w, const ckpt_load_stats *stats)
{
        ck_assert_msg(!w->cached || stats->bytes_buffered > 0, "%s: nothing came through the page cache: %s",
                      w->name, stats->io_why);
        ck_assert_msg(!w->direct || stats->bytes_direct > 0, "%s: nothing was read past the page cache: %s",
                      w->name, stats->io_why);
}

static ckpt_io expected_effective(const ckpt_load_stats *stats)
{
        if (stats->bytes_mapped > stats->bytes_buffered && stats->bytes_mapped > stats->bytes_direct)
                return CKPT_IO_MAPPED;
        return stats->bytes_direct > stats->bytes_buffered ? CKPT_IO_DIRECT : CKPT_IO_BUFFERED;
}

void way_check(const way *w, const ckpt_load *load, bool is_long)
{
        const way_abilities can = way_abilities_now();
        ckpt_load_stats stats;

        ckpt_load_get_stats(load, &stats);
        ck_assert_int_eq(stats.io_requested, w->io);
        ck_assert_msg(stats.bytes_buffered <= stats.bytes_read,
                      "%s: %llu bytes came through the page cache, and %llu were read", w->name,
                      (unsigned long long)stats.bytes_buffered, (unsigned long long)stats.bytes_read);
        ck_assert_int_eq(stats.io_effective, expected_effective(&stats));
        ck_assert(w->io == CKPT_IO_MAPPED || stats.bytes_mapped == 0);
        ck_assert_msg(stats.io_why && *stats.io_why, "%s: io_why is empty", w->name);
        ck_assert_msg((stats.bytes_direct > 0) == (*stats.io_engine != '\0'), "%s: engine '%s'", w->name,
                      stats.io_engine);
        /* Mapped bytes are read on a device and not on the cpu. */
        if (w->cached && !w->direct)
                ck_assert_msg(stats.bytes_direct == 0 &&
                                      (stats.bytes_buffered == stats.bytes_read || stats.bytes_mapped > 0),
                              "%s: %llu bytes were read past the page cache", w->name,
                              (unsigned long long)stats.bytes_direct);
        if (is_long && can.reads_direct && can.tells_cached && can.drops_cached)
                check_long(w, &stats);
}
