/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host, over the library's public interface alone
 *
 * A command works first and prints afterwards, whatever became of the work: so a failure is one JSON object
 * too, and a table shows what is known. What the work made stands in struct cli; a printer passes over what
 * is not there. The tool's own failures are texts in `problems`; the library's are diagnostics of the load.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include <ckpt/ckpt.h>

#include "core/base/array.h"
#include "core/cli/interrupt.h"
#include "core/cli/json.h"
#include "core/cli/options.h"
#include "core/cli/progress.h"
#include "core/cli/verify.h"

enum {
        CLI_DONE = 0,
        CLI_FAILED = 1,
        CLI_USAGE = 2,
        CLI_INTERRUPTED = 130
};

/** A failure that the tool itself found, or that has no load to belong to. */
struct problem {
        ckpt_status status;
        char *text;
};

struct cli {
        const struct options *options;
        struct progress progress;
        struct interrupt interrupt;
        ckpt_host *host;
        ckpt_load *load;
        ckpt_load *weights_load; /* of inspect, where the configuration failed */
        CKPT_ARRAY(struct problem) problems;

        const ckpt_config *config;
        const ckpt_plan *plan;
        ckpt_weights *weights; /* borrowed from a load */
        ckpt_model *model;     /* a reference */
        bool config_missing;   /* inspect: one file, which has no configuration beside it */
        bool resolved;
        bool exported;
        bool verifies; /* load: the weight loader was asked to compare its format's checksums */
        double total_seconds;
        struct verify verify;
};

/** One command: what it does, and how its results are shown. */
struct command {
        ckpt_status (*work)(struct cli *cli);
        void (*print)(struct cli *cli, FILE *out);
        void (*json)(struct cli *cli, struct json *json);
};

extern const struct command command_plugins, command_inspect, command_resolve, command_plan, command_load;

/** Threads, host, plugins. What is open is closed by cli_deinit, also after a failure. */
ckpt_status cli_init(struct cli *cli, const struct options *options);
void cli_deinit(struct cli *cli);
/** A load with the user's options for the user's checkpoint, cancelled by Ctrl-C. */
ckpt_status cli_new_load(struct cli *cli, ckpt_load **ret_load);

/** Remembers a failure and returns its status. The text is one line, fit for a terminal. */
ckpt_status cli_fail(struct cli *cli, ckpt_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** The words of a failure, for people: every one, on standard error. */
void report_print(const struct cli *cli, ckpt_status status);
/** The same as members of an open object: command, status, exit_status, error, diagnostics. */
void report_json(const struct cli *cli, struct json *json, ckpt_status status);
/** What the process returns for a status. */
int report_exit_status(ckpt_status status);
/** "weight mapper". */
const char *kind_name(ckpt_kind kind);

/** A configuration: its members, a line each. */
void config_print(const ckpt_config *config, FILE *out);
/** A value and everything below it. */
void config_json(const ckpt_value *value, struct json *json, const char *key);

#endif
