/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, understood
 *
 * One table says which options there are, which commands take them and what they do; parsing and the help
 * texts both come from it. Strings point into argv.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include <ckpt/ckpt.h>

#include "core/base/array.h"
#include "core/base/text.h"

enum command_id {
        COMMAND_NONE = -1,
        COMMAND_PLUGINS = 0,
        COMMAND_INSPECT,
        COMMAND_RESOLVE,
        COMMAND_PLAN,
        COMMAND_LOAD,
        COMMAND_COUNT
};

typedef CKPT_ARRAY(const char *) string_list;
typedef CKPT_ARRAY(ckpt_pair) pair_list;

struct options {
        int command;
        const char *checkpoint;
        bool json, help, version, quiet, verbose;
        bool explain;
        bool digest, verify;
        const char *verify_path; /* digests to compare with, or NULL */
        const char *export_path;
        string_list plugin_dirs, skip_modules, ignore;
        pair_list settings;
        ckpt_load_options load; /* its lists are set by options_parse, at the end */
};

/** One option. `apply` judges a value, stores it at `offset`, and says what is wrong with it. */
struct option_row {
        const char *name;
        const char *metavar; /* NULL: takes no value; "[=X]": may take one */
        unsigned commands;   /* bits of command_id */
        int32_t minimum;     /* of a number */
        int (*apply)(struct options *options, const struct option_row *row, char *value, ckpt_text *error);
        size_t offset;
        const char *help;
};

/** All options; a row without a name ends the table. */
const struct option_row *options_table(void);

/** "direct" for CKPT_IO_DIRECT. */
const char *io_name(ckpt_io io);
/** "plan" for COMMAND_PLAN. */
const char *command_name(int command);

/** 0, or -1 and a message that names the option at fault. What was understood before that is in *options. */
int options_parse(struct options *options, int argc, char **argv, ckpt_text *error);
void options_deinit(struct options *options);

/** The help of one command, or of all. */
void help_print(FILE *out, int command);

#endif
