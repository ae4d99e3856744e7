/* SPDX-License-Identifier: Apache-2.0 */
#include "test_hf_torch_bombs.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/resources.h"

enum {
        SECONDS = 2,
        SECONDS_SANITIZED = 60,
        MEMORY = 512 << 20,
        BROKEN = 255
};

static uint64_t address_space(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        unsigned long pages;

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
        fclose(file);
        return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void set_limits(void)
{
        const bool sanitized = resources_sanitized();
        const struct rlimit seconds = {sanitized ? SECONDS_SANITIZED : SECONDS, RLIM_INFINITY};
        const struct rlimit memory = {address_space() + MEMORY, RLIM_INFINITY};
        const struct rlimit no_core = {0, 0};

        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &no_core), 0);
        ck_assert_int_eq(setrlimit(RLIMIT_CPU, &seconds), 0);
        /* A sanitizer's shadow is terabytes of address space. */
        if (!sanitized)
                ck_assert_int_eq(setrlimit(RLIMIT_AS, &memory), 0);
}

/* For the child: opens the file, and ends with the reason, or 0 when it loaded and is as promised. */
static void open_and_exit(const struct bytes *file, const struct hf_torch_options *options)
{
        struct hf_torch torch;
        struct hf_error error;
        const char *broken;

        set_limits();
        if (torch_open_bytes(file->at, file->size, options, &torch, &error) < 0)
                _exit(error.reason);
        broken = torch_broken_promise(&torch, file->size);
        hf_torch_deinit(&torch);
        _exit(broken ? BROKEN : 0);
}

void defuse(const struct bytes *file, enum hf_torch_policy policy, int reason)
{
        const struct hf_torch_options options = {.policy = policy};
        int status;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0)
                open_and_exit(file, &options);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status), "ended by signal %d%s", WTERMSIG(status),
                      WTERMSIG(status) == SIGXCPU ? ": it takes too long" : "");
        ck_assert_msg(WEXITSTATUS(status) != HF_BAD_MEMORY, "it takes too much memory");
        ck_assert_int_ne(WEXITSTATUS(status), BROKEN);
        if (reason != BOMB_ANY)
                ck_assert_int_eq(WEXITSTATUS(status), reason);
}

void defuse_pickle(struct bytes *pickle, int reason)
{
        const struct torch_parts parts = {.raw = pickle, .storages = "0=6*4"};
        struct torch_file file;

        torch_write_zip(&parts, &file);
        bytes_free(pickle);
        defuse(&file.bytes, HF_TORCH_STRICT, reason);
        torch_file_free(&file);
}
