/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saying why: the tool's own problems and the diagnostics of its loads, for people and as JSON
 */
#include "core/base/cleanup.h"
#include "core/cli/cli.h"

const char *kind_name(ckpt_kind kind)
{
        static const char *const names[CKPT_KIND_COUNT] = {"checkpoint loader", "config loader",
                                                           "weight loader", "weight mapper"};

        return kind >= 0 && kind < CKPT_KIND_COUNT ? names[kind] : "?";
}

int report_exit_status(ckpt_status status)
{
        if (status == CKPT_E_CANCELLED)
                return CLI_INTERRUPTED;
        return status < 0 ? CLI_FAILED : CLI_DONE;
}

/* Two loads of one checkpoint may meet one failure twice; and a lone file's missing configuration is none. */
static bool is_told(const struct cli *cli, const ckpt_load *load, const ckpt_diagnostic *diagnostic)
{
        ckpt_diagnostic first;

        if (load == cli->load)
                return cli->config_missing;
        for (uint64_t i = 0; !cli->config_missing && ckpt_load_diagnostic(cli->load, i, &first) == CKPT_OK;
             i++)
                if (strcmp(first.text, diagnostic->text) == 0)
                        return true;
        return false;
}

typedef void (*visitor)(void *context, const ckpt_diagnostic *diagnostic);

static void visit_load(const struct cli *cli, const ckpt_load *load, visitor visit, void *context)
{
        ckpt_diagnostic diagnostic;

        for (uint64_t i = 0; load && ckpt_load_diagnostic(load, i, &diagnostic) == CKPT_OK; i++)
                if (!is_told(cli, load, &diagnostic))
                        visit(context, &diagnostic);
}

/* A difference has no diagnostic of the library: it gets the form of one. */
static void visit_difference(const struct difference *difference, visitor visit, void *context)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add_escaped(&text, difference->name);
        ckpt_text_add(&text, ": ");
        ckpt_text_add_escaped(&text, difference->text);
        visit(context, &(ckpt_diagnostic){.status = CKPT_E_MISMATCH,
                                          .parameter = difference->name,
                                          .message = difference->text,
                                          .text = ckpt_text_get(&text)});
}

/* Everything that went wrong, the library's reasons before the tool's conclusions. */
static void visit_all(const struct cli *cli, visitor visit, void *context)
{
        visit_load(cli, cli->load, visit, context);
        visit_load(cli, cli->weights_load, visit, context);
        for (uint64_t i = 0; i < cli->problems.count; i++) {
                const struct problem *problem = &cli->problems.items[i];
                const ckpt_diagnostic diagnostic = {
                        .status = problem->status, .message = problem->text, .text = problem->text};

                visit(context, &diagnostic);
        }
        for (uint64_t i = 0; i < cli->verify.differences.count; i++)
                visit_difference(&cli->verify.differences.items[i], visit, context);
}

struct printer {
        const struct progress *progress;
        bool told; /* at least one error */
};

static void print_one(void *context, const ckpt_diagnostic *diagnostic)
{
        struct printer *printer = context;
        const bool error = diagnostic->status < 0;

        printer->told |= error;
        if (!progress_has_told(printer->progress, diagnostic->text))
                fprintf(stderr, "ckpt-host: %s: %s\n", error ? "error" : "warning", diagnostic->text);
}

void report_print(const struct cli *cli, ckpt_status status)
{
        struct printer printer = {.progress = &cli->progress};

        visit_all(cli, print_one, &printer);
        if (status < 0 && !printer.told)
                fprintf(stderr, "ckpt-host: error: %s\n",
                        status == CKPT_E_CANCELLED ? "interrupted" : ckpt_status_name(status));
}

static void json_one(void *context, const ckpt_diagnostic *diagnostic)
{
        struct json *json = context;

        put_begin_object(json, NULL);
        put_string(json, "severity", diagnostic->status < 0 ? "error" : "warning");
        put_string(json, "status", ckpt_status_name(diagnostic->status));
        put_string(json, "plugin", diagnostic->plugin);
        put_string(json, "component", diagnostic->component);
        put_string(json, "parameter", diagnostic->parameter);
        put_string(json, "tensor", diagnostic->tensor);
        put_string(json, "object", diagnostic->object);
        if (diagnostic->has_offset)
                put_u64(json, "offset", diagnostic->offset);
        else
                put_null(json, "offset");
        put_string(json, "message", diagnostic->message);
        put_string(json, "hint", diagnostic->hint);
        put_string(json, "text", diagnostic->text);
        put_end_object(json);
}

/* Texts live only as long as the visit, so the first error is written where it is met. */
struct error_writer {
        struct json *json;
        bool written;
};

static void write_first_error(void *context, const ckpt_diagnostic *diagnostic)
{
        struct error_writer *writer = context;

        if (writer->written || diagnostic->status >= 0)
                return;
        put_string(writer->json, "error", diagnostic->text);
        writer->written = true;
}

void report_json(const struct cli *cli, struct json *json, ckpt_status status)
{
        struct error_writer writer = {.json = json};

        put_string(json, "command", command_name(cli->options->command));
        put_string(json, "status", ckpt_status_name(status));
        put_i64(json, "exit_status", report_exit_status(status));
        if (status < 0)
                visit_all(cli, write_first_error, &writer);
        if (!writer.written)
                put_string(json, "error", status < 0 ? ckpt_status_name(status) : NULL);
        put_begin_array(json, "diagnostics");
        visit_all(cli, json_one, json);
        put_end_array(json);
        if (cli->options->checkpoint)
                put_string(json, "checkpoint", cli->options->checkpoint);
}
