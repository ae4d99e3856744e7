/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command begins and ends with: signals, the host, its plugins, a load
 */
#include <stdarg.h>

#include "core/base/cleanup.h"
#include "core/cli/cli.h"

ckpt_status cli_fail(struct cli *cli, ckpt_status status, const char *format, ...)
{
        struct problem problem = {.status = status};
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vasprintf(&problem.text, format, arguments);
        va_end(arguments);
        if (length >= 0 && ckpt_array_push(&cli->problems, problem) != CKPT_OK)
                free(problem.text);
        return status;
}

/* For calls that have no load to keep their reason. */
static ckpt_status fail_host(struct cli *cli, ckpt_status status)
{
        const char *reason = cli->host ? ckpt_host_error(cli->host) : "";

        return cli_fail(cli, status, "%s", *reason ? reason : ckpt_status_name(status));
}

/* Goes on after a directory that failed, so that all that is wrong is said at once. */
static ckpt_status add_plugins(struct cli *cli)
{
        const string_list *dirs = &cli->options->plugin_dirs;
        ckpt_status result = CKPT_OK;

        if (dirs->count == 0) {
                result = ckpt_host_add_plugin_dir(cli->host, NULL);
                if (result == CKPT_OK)
                        return CKPT_OK;
                fail_host(cli, result);
                return cli_fail(cli, result,
                                "the installed plugins cannot be used; name a directory with --plugin-dir");
        }
        for (uint64_t i = 0; i < dirs->count; i++) {
                const ckpt_status r = ckpt_host_add_plugin_dir(cli->host, dirs->items[i]);

                if (r < 0)
                        fail_host(cli, r);
                if (result == CKPT_OK && r < 0)
                        result = r;
        }
        return result;
}

static ckpt_log_level log_level(const struct options *options)
{
        return options->verbose ? CKPT_LOG_DEBUG : options->quiet ? CKPT_LOG_WARNING : CKPT_LOG_INFO;
}

ckpt_status cli_init(struct cli *cli, const struct options *options)
{
        ckpt_status r;

        *cli = (struct cli){.options = options};
        progress_init(&cli->progress, options->quiet);
        r = interrupt_init(&cli->interrupt);
        if (r < 0)
                return cli_fail(cli, r, "the system gave no thread or descriptor to watch for signals");
        r = ckpt_host_new(&cli->host);
        if (r < 0)
                return fail_host(cli, r);
        ckpt_host_set_log(cli->host, progress_log, &cli->progress, log_level(options));
        return add_plugins(cli);
}

ckpt_status cli_new_load(struct cli *cli, ckpt_load **ret_load)
{
        ckpt_load_options options = cli->options->load;
        ckpt_load *load = NULL;
        ckpt_status r;

        options.progress = progress_update;
        options.context = &cli->progress;
        r = ckpt_load_new(cli->host, &options, &load);
        if (r < 0)
                return fail_host(cli, r);
        *ret_load = load;
        interrupt_watch(&cli->interrupt, load);
        return ckpt_load_set_path(load, cli->options->checkpoint);
}

void cli_deinit(struct cli *cli)
{
        interrupt_deinit(&cli->interrupt);
        verify_deinit(&cli->verify);
        ckpt_model_unref(cli->model);
        ckpt_load_free(cli->weights_load);
        ckpt_load_free(cli->load);
        ckpt_host_free(cli->host);
        progress_deinit(&cli->progress);
        for (uint64_t i = 0; i < cli->problems.count; i++)
                free(cli->problems.items[i].text);
        ckpt_array_deinit(&cli->problems);
}
