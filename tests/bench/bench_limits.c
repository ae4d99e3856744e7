/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the machine can do, for bench_device.py: copies from pinned memory to the device, and reads of files
 * past the page cache. Prints one JSON object.
 *
 *     bench-limits [--no-device] [--disk FILE...]
 *
 * The device's rate is of 4 GiB in chunks of 256 MiB, out of random bytes. The disk's is of every byte of the
 * files, dropped from the page cache before, in aligned blocks that threads take in turn, in each of four
 * geometries. The CUDA library is found as the device tests find it (CKPT_CUDA_BACKEND); without
 * one the device's part is null and says why.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../device/test_kernels_open.h"

#define SAMPLES     7
#define COPY_SIZE   (UINT64_C(4) << 30)
#define CHUNK_SIZE  (UINT64_C(256) << 20)
#define PINNED_SIZE (UINT64_C(1) << 30)
#define MAX_FILES   1024
#define MAX_THREADS 32
#define ALIGNMENT   4096

static double now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* ---- host to device ---- */

typedef struct link {
        const ckpt_backend *backend;
        ckpt_device *device;
        ckpt_stream *stream;
        uint8_t *pinned, *memory;
        double rates[SAMPLES]; /* GB/s */
} link_rate;

/* Numbers of a Weyl sequence, mixed: nothing on the way could make less of them. */
static void fill_random(uint8_t *bytes, uint64_t size)
{
        uint64_t state = 1;

        for (uint64_t at = 0; at < size; at += sizeof(state)) {
                uint64_t word = state += UINT64_C(0x9e3779b97f4a7c15);

                word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
                word ^= word >> 27;
                memcpy(bytes + at, &word, sizeof(word));
        }
}

static int32_t link_prepare(link_rate *l)
{
        int32_t r = l->backend->open(0, &l->device);

        if (r == 0)
                r = l->backend->stream_new(l->device, &l->stream);
        if (r == 0)
                r = l->backend->alloc(l->device, COPY_SIZE, (void **)&l->memory);
        if (r == 0)
                r = l->backend->pinned_alloc(l->device, PINNED_SIZE, (void **)&l->pinned);
        if (r == 0)
                fill_random(l->pinned, PINNED_SIZE);
        return r;
}

static void link_deinit(link_rate *l)
{
        if (l->pinned != NULL)
                l->backend->pinned_free(l->device, l->pinned, PINNED_SIZE);
        if (l->memory != NULL)
                l->backend->free(l->device, l->memory, COPY_SIZE);
        l->backend->stream_free(l->stream);
        if (l->device != NULL)
                l->backend->close(l->device);
}

static int32_t link_copy(const link_rate *l)
{
        int32_t r = 0;

        for (uint64_t at = 0; at < COPY_SIZE && r == 0; at += CHUNK_SIZE)
                r = l->backend->copy_to_device(l->stream, l->memory + at, l->pinned + at % PINNED_SIZE,
                                               CHUNK_SIZE);
        return r == 0 ? l->backend->stream_synchronize(l->stream) : r;
}

static int32_t link_measure(link_rate *l)
{
        int32_t r = link_prepare(l);

        for (int i = -1; i < SAMPLES && r == 0; i++) { /* -1: warm */
                const double start = now();

                r = link_copy(l);
                if (i >= 0)
                        l->rates[i] = (double)COPY_SIZE / (now() - start) / 1e9;
        }
        qsort(l->rates, SAMPLES, sizeof(l->rates[0]), compare);
        return r;
}

static void print_json_string(const char *text)
{
        putchar('"');
        for (const char *c = text; *c != '\0'; c++) {
                if (*c == '"' || *c == '\\')
                        putchar('\\');
                putchar((unsigned char)*c < ' ' ? ' ' : *c);
        }
        putchar('"');
}

/* A machine without a device still has a disk: only a device that breaks is a failure. */
static int report_link(bool wanted)
{
        link_rate l = {0};
        char why[4200] = "not asked for";
        int32_t r;

        if (wanted)
                l.backend = kernels_open(why, sizeof(why));
        if (l.backend == NULL) {
                printf("\"host_to_device\": null, \"host_to_device_why\": ");
                print_json_string(why);
                return EXIT_SUCCESS;
        }
        r = link_measure(&l);
        if (r < 0)
                fprintf(stderr, "bench-limits: the device cannot be measured: %s\n", l.backend->describe(r));
        else
                printf("\"host_to_device\": {\"bytes\": %" PRIu64 ", \"chunk\": %" PRIu64
                       ", \"median\": %.3f, \"min\": %.3f, \"max\": %.3f}",
                       COPY_SIZE, CHUNK_SIZE, l.rates[SAMPLES / 2], l.rates[0], l.rates[SAMPLES - 1]);
        link_deinit(&l);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- disk ---- */

typedef struct disk {
        char *const *paths;
        int n_files;
        int fds[MAX_FILES];
        uint64_t sizes[MAX_FILES], total;
        uint64_t block;
        atomic_uint_fast64_t next; /* block, counted over all files */
        atomic_int error;          /* errno of the first failure */
} disk;

/* Pages that were never written back cannot be dropped. */
static int drop_pages(const char *path)
{
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        int error;

        if (fd < 0)
                return errno;
        error = fdatasync(fd) < 0 ? errno : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        (void)close(fd);
        return error;
}

static int disk_open(disk *d)
{
        for (int i = 0; i < d->n_files; i++)
                d->fds[i] = -1;
        d->total = 0;
        for (int i = 0; i < d->n_files; i++) {
                struct stat status;
                int error = drop_pages(d->paths[i]);

                if (error == 0) {
                        d->fds[i] = open(d->paths[i], O_RDONLY | O_DIRECT | O_CLOEXEC);
                        error = d->fds[i] < 0 || fstat(d->fds[i], &status) < 0 ? errno : 0;
                }
                if (error != 0) {
                        fprintf(stderr, "bench-limits: %s cannot be read past the page cache: %s\n",
                                d->paths[i], strerror(error));
                        return -1;
                }
                d->sizes[i] = (uint64_t)status.st_size;
                d->total += d->sizes[i];
        }
        return 0;
}

static void disk_close(disk *d)
{
        for (int i = 0; i < d->n_files; i++)
                if (d->fds[i] >= 0)
                        (void)close(d->fds[i]);
}

/* At the end of a file the kernel gives less than was asked for, which stays a whole block. */
static int read_block(int fd, uint8_t *buffer, uint64_t block, uint64_t offset, uint64_t wanted)
{
        for (uint64_t done = 0; done < wanted;) {
                const ssize_t n = pread(fd, buffer + done, block - done, (off_t)(offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? errno : EIO;
                done += (uint64_t)n;
        }
        return 0;
}

/* The file and the offset of a block; false past the last. */
static bool find_block(const disk *d, uint64_t index, int *ret_file, uint64_t *ret_offset)
{
        for (int i = 0; i < d->n_files; i++) {
                const uint64_t count = (d->sizes[i] + d->block - 1) / d->block;

                if (index < count) {
                        *ret_file = i;
                        *ret_offset = index * d->block;
                        return true;
                }
                index -= count;
        }
        return false;
}

static void *read_blocks(void *context)
{
        disk *d = context;
        void *buffer = NULL;
        uint64_t offset;
        int file, error = posix_memalign(&buffer, ALIGNMENT, d->block);

        if (error == 0)
                memset(buffer, 1, d->block);
        while (error == 0 && atomic_load(&d->error) == 0 &&
               find_block(d, atomic_fetch_add(&d->next, 1), &file, &offset)) {
                const uint64_t left = d->sizes[file] - offset;

                error = read_block(d->fds[file], buffer, d->block, offset, left < d->block ? left : d->block);
        }
        if (error != 0)
                atomic_store(&d->error, error);
        free(buffer);
        return NULL;
}

/* GB/s of the whole; 0 for a failure, which is printed. */
static double disk_measure(disk *d, int n_threads, uint64_t block)
{
        pthread_t threads[MAX_THREADS];
        int error = 0, started = 0;
        double start, seconds;

        d->block = block;
        atomic_store(&d->next, 0);
        atomic_store(&d->error, 0);
        if (disk_open(d) < 0)
                return 0;
        start = now();
        for (; started < n_threads && error == 0; started += error == 0)
                error = pthread_create(&threads[started], NULL, read_blocks, d);
        if (error != 0)
                atomic_store(&d->error, error);
        for (int i = 0; i < started; i++)
                (void)pthread_join(threads[i], NULL);
        seconds = now() - start;
        error = atomic_load(&d->error);
        if (error != 0)
                fprintf(stderr, "bench-limits: the files cannot be read: %s\n", strerror(error));
        return error != 0 || seconds <= 0 ? 0 : (double)d->total / seconds / 1e9;
}

static int report_disk(int n_files, char *const *paths)
{
        static const struct {
                int threads;
                uint64_t block;
        } shapes[] = {{32, 4 << 20}, {16, 4 << 20}, {8, 2 << 20}, {4, 16 << 20}};
        disk d = {.paths = paths, .n_files = n_files};

        printf(", \"disk\": [");
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
                const double rate = disk_measure(&d, shapes[i].threads, shapes[i].block);

                disk_close(&d);
                if (rate == 0)
                        return EXIT_FAILURE;
                printf("%s{\"threads\": %d, \"block\": %" PRIu64 ", \"rate\": %.3f}", i > 0 ? ", " : "",
                       shapes[i].threads, shapes[i].block, rate);
        }
        printf("], \"disk_bytes\": %" PRIu64, d.total);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        int at = 1, result;
        const bool device = !(at < argc && strcmp(argv[at], "--no-device") == 0);
        bool has_disk;

        at += !device;
        has_disk = at < argc && strcmp(argv[at], "--disk") == 0;
        at += has_disk;
        if (has_disk ? at >= argc || argc - at > MAX_FILES : at < argc) {
                fprintf(stderr, "usage: %s [--no-device] [--disk FILE...]\n", argv[0]);
                return 2;
        }
        printf("{");
        result = report_link(device);
        if (result == EXIT_SUCCESS && has_disk)
                result = report_disk(argc - at, argv + at);
        printf("}\n");
        return fflush(stdout) == 0 ? result : EXIT_FAILURE;
}
