/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The registry: which plugin is in, and under which keys its components are found
 *
 * Every file and every linked plugin that was looked at leaves a row, with its reason where it was
 * refused. A plugin gets in whole or not at all.
 */

#include <string.h>

#include "core/base/text.h"
#include "core/host/plugin.h"

bool ckpt_string_equal(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

const ckpt_registered *ckpt_host_find(const ckpt_host *host, ckpt_kind kind, const char *format,
                                      const char *model)
{
        for (uint64_t i = 0; i < host->components.count; i++) {
                const ckpt_component *const c = host->components.items[i].component;

                if (c->kind == kind && strcmp(c->format, format) == 0 && ckpt_string_equal(c->model, model))
                        return &host->components.items[i];
        }
        return NULL;
}

static const char *place_of(const ckpt_host *host, const char *id)
{
        for (uint64_t i = 0; i < host->plugins.count; i++) {
                const ckpt_host_plugin *const row = &host->plugins.items[i];

                if (row->info.status == CKPT_OK && strcmp(row->info.id, id) == 0)
                        return row->info.path ? row->info.path : "the program itself";
        }
        return NULL;
}

static ckpt_status check_duplicate(const ckpt_host *host, const ckpt_plugin *plugin, char *reason,
                                   size_t size)
{
        const char *const other = place_of(host, plugin->id);

        if (!other)
                return CKPT_OK;
        return ckpt_refuse(reason, size, CKPT_E_AMBIGUOUS,
                           "a plugin with the id '%s' is in use already, from %s", plugin->id, other);
}

static ckpt_status equal_keys(const ckpt_component *c, const char *plugin, const char *other, char *reason,
                              size_t size)
{
        return ckpt_refuse(reason, size, CKPT_E_AMBIGUOUS,
                           "'%s' and '%s' both have a %s for format '%s'%s%s: leave one of them out", other,
                           plugin, ckpt_kind_name(c->kind), c->format, c->model ? ", model " : "",
                           c->model ? c->model : "");
}

/* Against what is registered, and against the plugin's own earlier components. */
static ckpt_status check_keys(const ckpt_host *host, const ckpt_plugin *plugin, char *reason, size_t size)
{
        for (uint32_t i = 0; i < plugin->n_components; i++) {
                const ckpt_component *const c = plugin->components[i];
                const ckpt_registered *const other = ckpt_host_find(host, c->kind, c->format, c->model);

                if (other)
                        return equal_keys(c, plugin->id, other->plugin, reason, size);
                for (uint32_t k = 0; k < i; k++) {
                        const ckpt_component *const d = plugin->components[k];

                        if (c->kind == d->kind && strcmp(c->format, d->format) == 0 &&
                            ckpt_string_equal(c->model, d->model))
                                return equal_keys(c, plugin->id, plugin->id, reason, size);
                }
        }
        return CKPT_OK;
}

static ckpt_status call_init(const ckpt_plugin *plugin, char *reason, size_t size)
{
        ckpt_status r;

        if (!CKPT_HAS(plugin, init))
                return CKPT_OK;
        r = plugin->init(&ckpt_api_table);
        if (r == CKPT_OK)
                return CKPT_OK;
        return ckpt_refuse(reason, size, r < 0 ? r : CKPT_E_PLUGIN, "its init returned %d (%s)", r,
                           ckpt_status_name(r));
}

static ckpt_status add_components(ckpt_host *host, const ckpt_plugin *plugin)
{
        const uint64_t before = host->components.count;

        for (uint32_t i = 0; i < plugin->n_components; i++) {
                const ckpt_component *const c = plugin->components[i];
                const char *const id = ckpt_arena_printf(&host->arena, "%s:%s%s%s", plugin->id, c->format,
                                                         c->model ? "/" : "", c->model ? c->model : "");
                const ckpt_registered row = {.component = c, .plugin = plugin->id, .id = id};

                if (!id || ckpt_array_push(&host->components, row) != CKPT_OK) {
                        host->components.count = before;
                        return CKPT_E_NOMEM;
                }
        }
        return CKPT_OK;
}

/* Its code runs last, when nothing but that code can fail. */
static ckpt_status admit(ckpt_host *host, const ckpt_plugin *plugin, char *reason, size_t size)
{
        const uint64_t before = host->components.count;
        ckpt_status r = check_duplicate(host, plugin, reason, size);

        if (r == CKPT_OK)
                r = check_keys(host, plugin, reason, size);
        if (r == CKPT_OK)
                r = add_components(host, plugin);
        if (r != CKPT_OK)
                return r;
        r = call_init(plugin, reason, size);
        if (r != CKPT_OK)
                host->components.count = before;
        return r;
}

static void describe(ckpt_plugin_info *info, const ckpt_plugin *plugin)
{
        info->id = plugin->id;
        info->version = plugin->version;
        info->description = plugin->description;
        info->license = plugin->license;
}

/* Names in a reason come from the file. */
static const char *keep_reason(ckpt_host *host, ckpt_status status, const char *reason)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add_escaped(&text, reason[0] ? reason : ckpt_status_name(status));
        return ckpt_arena_strdup(&host->arena, ckpt_text_get(&text));
}

static void log_row(ckpt_host *host, const ckpt_host_plugin *row)
{
        const char *const path = row->info.path ? row->info.path : "linked plugin";

        if (row->info.status != CKPT_OK) {
                ckpt_logger_write(&host->logger, CKPT_LOG_WARNING, "%s: refused: %s", path,
                                  row->info.reason ? row->info.reason : "");
                return;
        }
        ckpt_logger_write(&host->logger, CKPT_LOG_DEBUG, "%s: %s %s", path, row->info.id, row->info.version);
        if (row->plugin->abi_minor > CKPT_ABI_MINOR)
                ckpt_logger_write(&host->logger, CKPT_LOG_INFO,
                                  "%s: built for ABI %u.%u, newer than this host's %u.%u: what the "
                                  "host does not know is not used",
                                  row->info.id, row->plugin->abi_major, row->plugin->abi_minor,
                                  CKPT_ABI_MAJOR, CKPT_ABI_MINOR);
}

ckpt_status ckpt_host_consider(ckpt_host *host, const char *path, const ckpt_plugin *linked)
{
        char reason[CKPT_REASON_MAX] = "";
        ckpt_host_plugin row = {.info.path = ckpt_arena_strdup(&host->arena, path)};
        const void *symbol = linked;
        ckpt_status r;

        /* The row's room comes first: an admitted plugin must not be lost. */
        if ((path && !row.info.path) || ckpt_array_grow(&host->plugins) != CKPT_OK)
                return CKPT_E_NOMEM;
        r = path ? ckpt_library_open(path, CKPT_PLUGIN_SYMBOL, &symbol, reason, sizeof(reason)) : CKPT_OK;
        if (r == CKPT_OK)
                r = ckpt_plugin_validate(symbol, reason, sizeof(reason));
        if (r == CKPT_OK) {
                describe(&row.info, symbol);
                r = admit(host, symbol, reason, sizeof(reason));
        }
        row.info.status = r;
        if (r == CKPT_OK) {
                row.plugin = symbol;
                row.info.n_components = row.plugin->n_components;
                row.initialised = true;
        } else {
                row.info.reason = keep_reason(host, r, reason);
        }
        host->plugins.items[host->plugins.count++] = row;
        log_row(host, &row);
        return r;
}
