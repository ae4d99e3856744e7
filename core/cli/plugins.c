/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host plugins: what was found, what each plugin offers, what was refused and why
 */
#include "core/base/cleanup.h"
#include "core/cli/cli.h"
#include "core/cli/table.h"

/* The scan is the work, and is done when the host is open. */
static ckpt_status plugins_work(struct cli *cli)
{
        (void)cli;
        return CKPT_OK;
}

static void add_components(const struct cli *cli, uint32_t plugin, struct table *table)
{
        ckpt_component_info info;

        for (uint32_t i = 0; ckpt_host_component_info(cli->host, plugin, i, &info) == CKPT_OK; i++) {
                table_add(table, kind_name(info.kind));
                table_add_name(table, info.format);
                table_add_name(table, info.model);
                table_add_name(table, info.extends);
                table_add_name(table, info.id);
        }
}

/* Last, where it is seen: a plugin that is missed has most likely been refused. */
static void print_refused(const struct cli *cli, FILE *out)
{
        const char *title = "\nrefused:\n";
        ckpt_plugin_info info;

        for (uint32_t i = 0; ckpt_host_plugin_info(cli->host, i, &info) == CKPT_OK; i++) {
                if (info.status == CKPT_OK)
                        continue;
                fputs(title, out);
                fputs("  ", out);
                print_name(out, info.path ? info.path : "(linked in)");
                fputs(": ", out);
                print_name(out, info.reason);
                fputc('\n', out);
                title = "";
        }
}

static uint32_t print_plugins(const struct cli *cli, FILE *out)
{
        static const char *const titles[] = {"PLUGIN", "VERSION", "LICENSE", "DESCRIPTION", "FILE", NULL};
        static const char *const component_titles[] = {"COMPONENT", "FORMAT", "MODEL", "EXTENDS", "ID", NULL};
        _cleanup_(table_deinit) struct table plugins = {0}, components = {0};
        ckpt_plugin_info info;
        uint32_t used = 0;

        table_init(&plugins, 0, titles);
        table_init(&components, 0, component_titles);
        for (uint32_t i = 0; ckpt_host_plugin_info(cli->host, i, &info) == CKPT_OK; i++) {
                if (info.status != CKPT_OK)
                        continue;
                table_add_name(&plugins, info.id);
                table_add_name(&plugins, info.version);
                table_add_name(&plugins, info.license);
                table_add_name(&plugins, info.description);
                table_add_name(&plugins, info.path ? info.path : "(linked in)");
                add_components(cli, i, &components);
                used++;
        }
        table_print(&plugins, out);
        if (used > 0)
                fputc('\n', out);
        table_print(&components, out);
        return used;
}

static void plugins_print(struct cli *cli, FILE *out)
{
        if (!cli->host)
                return;
        if (print_plugins(cli, out) == 0)
                fputs("no plugin is in use\n", out);
        print_refused(cli, out);
}

static void json_components(const struct cli *cli, uint32_t plugin, struct json *json)
{
        ckpt_component_info info;

        put_begin_array(json, "components");
        for (uint32_t i = 0; ckpt_host_component_info(cli->host, plugin, i, &info) == CKPT_OK; i++) {
                put_begin_object(json, NULL);
                put_string(json, "kind", kind_name(info.kind));
                put_string(json, "id", info.id);
                put_string(json, "format", info.format);
                put_string(json, "model", info.model);
                put_string(json, "extends", info.extends);
                put_end_object(json);
        }
        put_end_array(json);
}

static void plugins_json(struct cli *cli, struct json *json)
{
        ckpt_plugin_info info;

        put_begin_array(json, "plugins");
        for (uint32_t i = 0; cli->host && ckpt_host_plugin_info(cli->host, i, &info) == CKPT_OK; i++) {
                put_begin_object(json, NULL);
                put_string(json, "path", info.path);
                put_string(json, "id", info.id);
                put_string(json, "version", info.version);
                put_string(json, "description", info.description);
                put_string(json, "license", info.license);
                put_string(json, "status", ckpt_status_name(info.status));
                put_string(json, "reason", info.reason);
                json_components(cli, i, json);
                put_end_object(json);
        }
        put_end_array(json);
}

const struct command command_plugins = {plugins_work, plugins_print, plugins_json};
