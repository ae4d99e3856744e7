/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running ckpt-host and catching what it prints
 *
 * Output goes to unlinked temporary files, so that no pipe fills up and a test may look at it while the
 * program runs.
 */
#ifndef TEST_CLI_PROCESS_H
#define TEST_CLI_PROCESS_H

#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include "support/scratch.h"

struct process {
        pid_t pid;
        FILE *files[2]; /* standard output and error */
        char *out, *err;
        int status; /* exit status, or -1 where a signal ended it */
};

/** Starts ckpt-host with the arguments (NULL ends them), and waits for its end. */
struct process *process_run(const char *const *arguments);
/** Only starts it. */
struct process *process_start(const char *const *arguments);
/** Waits until standard error holds `text`; false when the program ended without it. */
int process_await(struct process *process, const char *text);
/** Waits for its end and reads what it printed. */
void process_finish(struct process *process);
void process_free(struct process *process);

/** Standard output as exactly one JSON object; fails the test otherwise. */
json_t *process_json(const struct process *process);

#define RUN(...)   process_run((const char *const[]){__VA_ARGS__, NULL})
#define START(...) process_start((const char *const[]){__VA_ARGS__, NULL})

#endif
