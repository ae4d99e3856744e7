/* SPDX-License-Identifier: Apache-2.0 */
#include "resources.h"

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <check.h>

/* Stacks of threads that ended and arenas of malloc: the C library keeps some for the next thread. */
#define MAPPED_SLACK (48u << 20)

/* A line of /proc/self/status: "Threads:\t1", "VmData:\t  123 kB". */
static long status_value(const char *key)
{
        FILE *file = fopen("/proc/self/status", "re");
        char line[256];
        long value = -1;

        ck_assert_ptr_nonnull(file);
        while (value < 0 && fgets(line, sizeof(line), file))
                if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
                        sscanf(line + strlen(key) + 1, "%ld", &value);
        fclose(file);
        ck_assert_int_ge(value, 0);
        return value;
}

static unsigned count_descriptors(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        ck_assert_ptr_nonnull(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

bool resources_sanitized(void)
{
        return dlsym(RTLD_DEFAULT, "__asan_init") || dlsym(RTLD_DEFAULT, "__tsan_init");
}

resources resources_now(void)
{
        const struct mallinfo2 info = mallinfo2();

        return (resources){
                .threads = status_value("Threads"),
                .descriptors = count_descriptors(),
                .heap = info.uordblks + info.hblkhd,
                .mapped = (uint64_t)status_value("VmData") * 1024,
        };
}

void resources_expect_same(const resources *before, uint64_t slack)
{
        resources now = resources_now();

        /* A joined thread may still be in the kernel's list for a moment. */
        for (unsigned i = 0; i < 100 && now.threads > before->threads; i++) {
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
                now = resources_now();
        }
        ck_assert_int_eq(now.threads, before->threads);
        ck_assert_uint_eq(now.descriptors, before->descriptors);
        if (resources_sanitized())
                return;
        ck_assert_uint_le(now.heap, before->heap + slack);
        ck_assert_uint_le(now.mapped, before->mapped + slack + MAPPED_SLACK);
}

uint64_t resources_resident(void)
{
        return (uint64_t)status_value("RssAnon") * 1024;
}

uint64_t resources_peak(void)
{
        return (uint64_t)status_value("VmHWM") * 1024;
}

uint64_t resources_mapped(void)
{
        return (uint64_t)status_value("VmSize") * 1024;
}

void resources_reset_peak(void)
{
        FILE *file = fopen("/proc/self/clear_refs", "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs("5", file), 0);
        ck_assert_int_eq(fclose(file), 0);
}
