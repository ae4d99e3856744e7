/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The help texts, from the table of options
 */
#include "options.h"

enum {
        OPTION_WIDTH = 26
};

static const char *command_summary(int command)
{
        static const char *const summaries[COMMAND_COUNT] = {
                "what plugins were found, what each offers, what was refused and why",
                "the configuration and the tensors of a checkpoint, which may be one file",
                "which components would load a checkpoint, and why the others would not",
                "how every parameter would be made; no payload is read",
                "load a checkpoint; digest, verify or export the result",
        };

        return summaries[command];
}

static void print_option(FILE *out, const struct option_row *row)
{
        char name[64];

        snprintf(name, sizeof(name), "--%s%s%s", row->name, row->metavar && *row->metavar != '[' ? " " : "",
                 row->metavar ? row->metavar : "");
        fprintf(out, "  %-*s %s\n", OPTION_WIDTH, name, row->help);
}

static void print_options(FILE *out, unsigned commands, bool exactly)
{
        for (const struct option_row *row = options_table(); row->name; row++)
                if (exactly ? row->commands == commands : (row->commands & commands) != 0)
                        print_option(out, row);
}

static void print_command_help(FILE *out, int command)
{
        fprintf(out, "usage: ckpt-host [OPTION]... %s%s\n\n%s: %s\n\n", command_name(command),
                command == COMMAND_PLUGINS ? "" : " CKPT", command_name(command), command_summary(command));
        print_options(out, 1u << command, false);
}

void help_print(FILE *out, int command)
{
        if (command != COMMAND_NONE) {
                print_command_help(out, command);
                return;
        }
        fputs("usage: ckpt-host [OPTION]... COMMAND [CKPT] [OPTION]...\n"
              "\n"
              "Brings a model checkpoint from disk into the final tensors of an inference engine.\n"
              "\n"
              "commands:\n",
              out);
        for (int i = 0; i < COMMAND_COUNT; i++)
                fprintf(out, "  %-*s %s\n", OPTION_WIDTH, command_name(i), command_summary(i));
        fputs("\noptions of every command:\n", out);
        print_options(out, (1u << COMMAND_COUNT) - 1, true);
        fputs("\n'ckpt-host COMMAND --help' prints the options of a command.\n"
              "Exit status: 0 done, 1 the job failed, 2 wrong usage, 130 interrupted.\n",
              out);
}
