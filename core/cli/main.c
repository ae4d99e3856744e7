/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host: which command, and what the process returns
 */
#include <errno.h>

#include "core/base/cleanup.h"
#include "core/cli/cli.h"

static const struct command *find_command(int command)
{
        static const struct command *const commands[COMMAND_COUNT] = {
                &command_plugins, &command_inspect, &command_resolve, &command_plan, &command_load};

        return commands[command];
}

/* The verdict stands first: a reader of a long object should not have to look for it. */
static bool print_json(struct cli *cli, const struct command *command, ckpt_status status)
{
        struct json json = {.out = stdout};

        put_begin_object(&json, NULL);
        report_json(cli, &json, status);
        command->json(cli, &json);
        put_end_object(&json);
        fputc('\n', stdout);
        return !json.incomplete;
}

/* Results go out before reasons, so that on a terminal the reasons are the last thing seen. */
static int run(const struct options *options)
{
        const struct command *command = find_command(options->command);
        _cleanup_(cli_deinit) struct cli cli;
        ckpt_status status = cli_init(&cli, options);
        bool whole = true;

        if (status == CKPT_OK)
                status = command->work(&cli);
        interrupt_watch(&cli.interrupt, NULL);
        progress_clear(&cli.progress);
        if (options->json)
                whole = print_json(&cli, command, status);
        else
                command->print(&cli, stdout);
        fflush(stdout);
        report_print(&cli, status);
        if (whole)
                return report_exit_status(status);
        fprintf(stderr,
                "ckpt-host: error: out of memory: the JSON object is incomplete; free some memory and "
                "run it again\n");
        return CLI_FAILED;
}

/* A wrong command line: the message, where to read more, and with --json an object like any failure's. */
static int refuse(const struct options *options, const char *message)
{
        const char *command = command_name(options->command);

        fprintf(stderr, "ckpt-host: %s\nTry 'ckpt-host %s%s--help'.\n", message, command,
                *command ? " " : "");
        if (options->json) {
                struct json json = {.out = stdout};

                put_begin_object(&json, NULL);
                put_string(&json, "command", *command ? command : NULL);
                put_string(&json, "status", "usage");
                put_i64(&json, "exit_status", CLI_USAGE);
                put_string(&json, "error", message);
                put_begin_array(&json, "diagnostics");
                put_end_array(&json);
                put_end_object(&json);
                fputc('\n', stdout);
        }
        return CLI_USAGE;
}

/* What could not be written was not done. */
static int finish(int result)
{
        const bool failed = ferror(stdout) != 0;

        if (fclose(stdout) == 0 && !failed)
                return result;
        fprintf(stderr, "ckpt-host: error: standard output could not be written: %s\n", strerror(errno));
        return result == CLI_DONE ? CLI_FAILED : result;
}

int main(int argc, char **argv)
{
        _cleanup_(ckpt_text_deinit) ckpt_text error = CKPT_TEXT_INIT;
        _cleanup_(options_deinit) struct options options;

        if (options_parse(&options, argc, argv, &error) < 0)
                return finish(refuse(&options, ckpt_text_get(&error)));
        if (options.help)
                help_print(stdout, options.command);
        else if (options.version)
                printf("ckpt-host %s\n", ckpt_version());
        else
                return finish(run(&options));
        return finish(CLI_DONE);
}
