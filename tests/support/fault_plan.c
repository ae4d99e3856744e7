/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERRNO_MAX 133

static struct {
        char call[32], file[512];
        unsigned long long n; /* 0: every one */
        uint64_t below, seed; /* of a draw out of 2^32, where the calls are chosen by chance */
        bool by_chance, direct, is_short;
        int error;
        unsigned percent;
} plan;

static atomic_bool armed;
static atomic_ullong calls, faults;

/* ---- what is asked for ---- */

static int error_named(const char *name)
{
        for (int error = 1; error <= ERRNO_MAX; error++) {
                const char *known = strerrorname_np(error);

                if (known && strcasecmp(known, name) == 0)
                        return error;
        }
        return 0;
}

static bool parse_when(const char *when)
{
        unsigned long long seed;
        double share;

        if (strcmp(when, "all") == 0)
                return true;
        if (strcmp(when, "direct") == 0)
                return plan.direct = true;
        if (sscanf(when, "p=%lf/%llu", &share, &seed) == 2) {
                plan.below = (uint64_t)(share * 4294967296.0);
                plan.seed = seed;
                return plan.by_chance = true;
        }
        return sscanf(when, "%llu", &plan.n) == 1 && plan.n > 0;
}

static bool parse_way(const char *way)
{
        plan.is_short = strcmp(way, "short") == 0;
        if (plan.is_short || sscanf(way, "truncate=%511[^@]@%u", plan.file, &plan.percent) == 2)
                return true;
        plan.error = error_named(way);
        return plan.error != 0;
}

/* A plan that is not understood must not look like a load that met no fault. */
__attribute__((constructor)) static void read_environment(void)
{
        const char *text = secure_getenv("CKPT_FAULT");
        char when[64] = "", way[600] = "ENOMEM";

        if (!text)
                return;
        if (sscanf(text, "%31[^:]:%63[^:]:%599s", plan.call, when, way) < 2 || !parse_when(when) ||
            !parse_way(way)) {
                fprintf(stderr, "fault shim: CKPT_FAULT is not understood: %s\n", text);
                _exit(125);
        }
        atomic_store(&armed, true);
}

__attribute__((destructor)) static void report(void)
{
        const char *path = secure_getenv("CKPT_FAULT_REPORT");
        char text[64];
        int length, fd;

        atomic_store(&armed, false);
        if (!path)
                return;
        length = snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)calls,
                          (unsigned long long)faults);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, text, (size_t)length) != length)
                _exit(125);
        close(fd);
}

/* ---- what becomes of a call ---- */

static uint64_t draw(uint64_t number)
{
        uint64_t z = plan.seed + number * UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (z ^ (z >> 31)) >> 32;
}

static bool is_chosen(uint64_t number)
{
        if (plan.by_chance)
                return draw(number) < plan.below;
        return plan.n == 0 || number == plan.n;
}

static bool is_named(const char *call)
{
        if (strcmp(plan.call, "reads") == 0)
                return strstr(call, "read") != NULL && strcmp(call, "pthread_create") != 0;
        return strcmp(plan.call, call) == 0;
}

static void truncate_file(void)
{
        struct stat st;

        if (stat(plan.file, &st) == 0 && truncate(plan.file, st.st_size * (off_t)plan.percent / 100) != 0)
                _exit(125);
}

static fault_way meet(void)
{
        const uint64_t number = atomic_fetch_add(&calls, 1) + 1;

        if (!is_chosen(number))
                return FAULT_NONE;
        atomic_fetch_add(&faults, 1);
        if (plan.is_short)
                return FAULT_SHORT;
        if (plan.error == 0) {
                atomic_store(&armed, false);
                truncate_file();
                return FAULT_NONE;
        }
        errno = plan.error;
        return FAULT_ERROR;
}

fault_way fault_meet(const char *call)
{
        if (!atomic_load(&armed) || plan.direct || !is_named(call))
                return FAULT_NONE;
        return meet();
}

fault_way fault_meet_open(int flags)
{
        if (!atomic_load(&armed) || !is_named("open") || (plan.direct && !(flags & O_DIRECT)))
                return FAULT_NONE;
        return meet();
}
