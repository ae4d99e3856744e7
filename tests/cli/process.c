/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        ARGUMENTS_MAX = 60
};

static void exec_host(const struct process *process, const char *const *arguments)
{
        char *argv[ARGUMENTS_MAX + 2] = {strdup(test_place("CKPT_TEST_HOST"))};
        int n = 1;

        for (; arguments[n - 1] && n <= ARGUMENTS_MAX; n++)
                argv[n] = strdup(arguments[n - 1]);
        if (dup2(fileno(process->files[0]), STDOUT_FILENO) < 0 ||
            dup2(fileno(process->files[1]), STDERR_FILENO) < 0)
                _exit(126);
        execv(argv[0], argv);
        _exit(127);
}

struct process *process_start(const char *const *arguments)
{
        struct process *process = calloc(1, sizeof(*process));

        ck_assert_ptr_nonnull(process);
        for (int i = 0; i < 2; i++) {
                process->files[i] = tmpfile();
                ck_assert_ptr_nonnull(process->files[i]);
        }
        fflush(NULL);
        process->pid = fork();
        ck_assert_int_ge(process->pid, 0);
        if (process->pid == 0)
                exec_host(process, arguments);
        return process;
}

static char *read_all(FILE *file)
{
        char *text;
        long size;

        ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
        size = ftell(file);
        ck_assert_int_ge(size, 0);
        text = calloc(1, (size_t)size + 1);
        ck_assert_ptr_nonnull(text);
        rewind(file);
        ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
        return text;
}

/* The child's descriptor shares the file's position, so this one looks with pread. */
static int holds(FILE *file, const char *text)
{
        char start[8192];
        const ssize_t n = pread(fileno(file), start, sizeof(start) - 1, 0);

        start[n > 0 ? n : 0] = '\0';
        return strstr(start, text) != NULL;
}

int process_await(struct process *process, const char *text)
{
        const struct timespec moment = {0, 5000000};

        while (!holds(process->files[1], text)) {
                siginfo_t info = {0};

                if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
                    info.si_pid != 0)
                        return holds(process->files[1], text);
                nanosleep(&moment, NULL);
        }
        return 1;
}

void process_finish(struct process *process)
{
        int status;

        ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
        process->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        process->out = read_all(process->files[0]);
        process->err = read_all(process->files[1]);
}

struct process *process_run(const char *const *arguments)
{
        struct process *process = process_start(arguments);

        process_finish(process);
        return process;
}

void process_free(struct process *process)
{
        fclose(process->files[0]);
        fclose(process->files[1]);
        free(process->out);
        free(process->err);
        free(process);
}

json_t *process_json(const struct process *process)
{
        json_error_t error;
        json_t *root = json_loads(process->out, JSON_REJECT_DUPLICATES, &error);

        ck_assert_msg(json_is_object(root), "no JSON object: %s at %d: %s", error.text, error.position,
                      process->out);
        ck_assert_int_eq(json_integer_value(json_object_get(root, "exit_status")), process->status);
        return root;
}
