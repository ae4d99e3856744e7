/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing: getopt_long finds the options, the table says what they mean
 *
 * Options may stand before and after the command, so whether a command takes an option is judged when all
 * of them have been seen.
 */
#include "options.h"

#include <getopt.h>

enum {
        ROWS_MAX = 63,  /* the options that were seen are kept as bits of 64 */
        LONG_BASE = 256 /* above every character that getopt returns */
};

const char *command_name(int command)
{
        static const char *const names[COMMAND_COUNT] = {"plugins", "inspect", "resolve", "plan", "load"};

        return command >= 0 && command < COMMAND_COUNT ? names[command] : "";
}

static int parse_error(ckpt_text *error, const char *what, const char *name)
{
        ckpt_text_add(error, "%s '", what);
        ckpt_text_add_escaped(error, name);
        ckpt_text_add(error, "'");
        return -1;
}

/* getopt_long wants a table of its own; a code above every character leads back to the row. */
static int count_rows(struct option *long_options)
{
        const struct option_row *rows = options_table();
        int n = 0;

        for (; rows[n].name && n < ROWS_MAX; n++) {
                const char *metavar = rows[n].metavar;
                const int has_arg = !metavar          ? no_argument
                                    : *metavar == '[' ? optional_argument
                                                      : required_argument;

                long_options[n] = (struct option){rows[n].name, has_arg, NULL, LONG_BASE + n};
        }
        long_options[n] = (struct option){NULL, 0, NULL, 0};
        return n;
}

/* What getopt_long could not take: optopt is a row's code where it knew the option, else a letter or 0. */
static int unknown_option(int code, int n_rows, char **argv, ckpt_text *error)
{
        const char letter[3] = {'-', (char)optopt, '\0'};

        if (optopt >= LONG_BASE && optopt < LONG_BASE + n_rows) {
                const char *name = options_table()[optopt - LONG_BASE].name;

                ckpt_text_add(error, "option '--%s' %s", name,
                              code == ':' ? "needs a value" : "takes no value");
                return -1;
        }
        return parse_error(error, "unknown or ambiguous option", optopt ? letter : argv[optind - 1]);
}

static int parse_options(struct options *options, int argc, char **argv, uint64_t *ret_seen, ckpt_text *error)
{
        struct option long_options[ROWS_MAX + 1];
        const int n_rows = count_rows(long_options);
        uint64_t seen = 0;
        int code;

        opterr = 0;
        while ((code = getopt_long(argc, argv, ":hqv", long_options, NULL)) != -1) {
                const struct option_row *row = code >= LONG_BASE ? &options_table()[code - LONG_BASE] : NULL;

                if (code == 'h')
                        options->help = true;
                else if (code == 'q')
                        options->quiet = true;
                else if (code == 'v')
                        options->verbose = true;
                else if (!row)
                        return unknown_option(code, n_rows, argv, error);
                else if (row->apply(options, row, optarg, error) < 0)
                        return -1;
                if (row)
                        seen |= UINT64_C(1) << (code - LONG_BASE);
        }
        *ret_seen = seen;
        return 0;
}

/* With --help or --version what is missing does not matter. */
static int parse_operands(struct options *options, int argc, char **argv, ckpt_text *error)
{
        const char *name = optind < argc ? argv[optind++] : NULL;

        if (!name)
                return options->help || options->version ? 0
                                                         : (ckpt_text_add(error, "no command was given"), -1);
        for (int i = 0; i < COMMAND_COUNT; i++)
                if (strcmp(name, command_name(i)) == 0)
                        options->command = i;
        if (options->command == COMMAND_NONE)
                return parse_error(error, "unknown command", name);
        if (options->command != COMMAND_PLUGINS && optind < argc)
                options->checkpoint = argv[optind++];
        if (optind < argc)
                return parse_error(error, "too many arguments: unexpected", argv[optind]);
        if (options->command != COMMAND_PLUGINS && !options->checkpoint && !options->help &&
            !options->version) {
                ckpt_text_add(error, "'%s' needs a checkpoint: a directory or a file",
                              command_name(options->command));
                return -1;
        }
        return 0;
}

/* An option that would have no effect is a mistake that its user should know of. */
static int check_commands(const struct options *options, uint64_t seen, ckpt_text *error)
{
        const struct option_row *rows = options_table();

        for (unsigned i = 0; options->command != COMMAND_NONE && rows[i].name; i++)
                if ((seen >> i & 1) != 0 && (rows[i].commands & 1u << options->command) == 0) {
                        ckpt_text_add(error, "'%s' takes no option '--%s'", command_name(options->command),
                                      rows[i].name);
                        return -1;
                }
        return 0;
}

/* Judged at the end: the size may stand after the rank. */
static int check_ranks(const ckpt_mapping *mapping, ckpt_text *error)
{
        if (mapping->tp_rank >= mapping->tp_size)
                ckpt_text_add(error, "option '--tp-rank' is %d, but ranks count from 0 to --tp-size - 1 = %d",
                              mapping->tp_rank, mapping->tp_size - 1);
        else if (mapping->pp_rank >= mapping->pp_size)
                ckpt_text_add(error, "option '--pp-rank' is %d, but ranks count from 0 to --pp-size - 1 = %d",
                              mapping->pp_rank, mapping->pp_size - 1);
        else
                return 0;
        return -1;
}

static void link_lists(struct options *options)
{
        ckpt_load_options *load = &options->load;

        load->settings = options->settings.items;
        load->n_settings = options->settings.count;
        load->skip_modules = options->skip_modules.items;
        load->n_skip_modules = options->skip_modules.count;
        load->ignore = options->ignore.items;
        load->n_ignore = options->ignore.count;
        load->digest = options->digest || options->verify_path;
}

/* --json holds for a wrong command line too, whose mistake may stand before it. */
static bool asks_json(int argc, char **argv)
{
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (strcmp(argv[i], "--json") == 0)
                        return true;
        return false;
}

int options_parse(struct options *options, int argc, char **argv, ckpt_text *error)
{
        uint64_t seen = 0;

        *options = (struct options){
                .command = COMMAND_NONE, .json = asks_json(argc, argv), .load = CKPT_LOAD_OPTIONS_INIT};
        if (parse_options(options, argc, argv, &seen, error) < 0 ||
            parse_operands(options, argc, argv, error) < 0 || check_commands(options, seen, error) < 0 ||
            check_ranks(&options->load.mapping, error) < 0)
                return -1;
        link_lists(options);
        return 0;
}

void options_deinit(struct options *options)
{
        ckpt_array_deinit(&options->plugin_dirs);
        ckpt_array_deinit(&options->skip_modules);
        ckpt_array_deinit(&options->ignore);
        ckpt_array_deinit(&options->settings);
}
