/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The host's life, and what can be asked of it
 */

#include "core/host/plugin.h"

#include <stdio.h>

#include "core/base/text.h"

const char *ckpt_version(void)
{
        return CKPT_VERSION;
}

ckpt_status ckpt_host_new(ckpt_host **ret_host)
{
        ckpt_host *const host = calloc(1, sizeof(*host));

        if (!host)
                return CKPT_E_NOMEM;
        atomic_init(&host->references, 1);
        ckpt_logger_init(&host->logger);
        pthread_mutex_init(&host->lock, NULL);
        *ret_host = host;
        return CKPT_OK;
}

ckpt_host *ckpt_host_ref(ckpt_host *host)
{
        atomic_fetch_add_explicit(&host->references, 1, memory_order_relaxed);
        return host;
}

/*
 * Files stay mapped after deinit: something of theirs may still be on a stack, or registered with a
 * driver.
 */
static void deinit_plugins(ckpt_host *host)
{
        for (uint64_t i = host->plugins.count; i-- > 0;) {
                const ckpt_host_plugin *const row = &host->plugins.items[i];

                if (row->initialised && CKPT_HAS(row->plugin, deinit))
                        row->plugin->deinit();
        }
}

ckpt_host *ckpt_host_free(ckpt_host *host)
{
        if (!host || atomic_fetch_sub_explicit(&host->references, 1, memory_order_acq_rel) > 1)
                return NULL;
        deinit_plugins(host);
        for (uint64_t i = 0; i < host->devices.count; i++) {
                ckpt_ring_free(host->devices.items[i].ring);
                host->devices.items[i].backend->close(host->devices.items[i].device);
        }
        ckpt_array_deinit(&host->devices);
        ckpt_array_deinit(&host->components);
        ckpt_array_deinit(&host->plugins);
        ckpt_arena_deinit(&host->arena);
        ckpt_logger_deinit(&host->logger);
        pthread_mutex_destroy(&host->lock);
        free(host);
        return NULL;
}

void ckpt_host_set_log(ckpt_host *host, ckpt_log_sink sink, void *context, ckpt_log_level level)
{
        pthread_mutex_lock(&host->logger.lock);
        host->logger.sink = sink;
        host->logger.context = context;
        host->logger.level = level;
        pthread_mutex_unlock(&host->logger.lock);
}

ckpt_status ckpt_host_fail(ckpt_host *host, ckpt_status status, const char *format, ...)
{
        _cleanup_(ckpt_text_deinit) ckpt_text line = CKPT_TEXT_INIT;
        _cleanup_(ckpt_freep) char *raw = NULL;
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vasprintf(&raw, format, arguments);
        va_end(arguments);
        if (length < 0)
                raw = NULL;
        else
                ckpt_text_add_escaped(&line, raw);
        pthread_mutex_lock(&host->lock);
        snprintf(host->error, sizeof(host->error), "%s",
                 raw && !line.failed ? ckpt_text_get(&line) : ckpt_status_name(status));
        pthread_mutex_unlock(&host->lock);
        if (raw)
                ckpt_logger_write(&host->logger, CKPT_LOG_ERROR, "%s", raw);
        return status;
}

const char *ckpt_host_error(const ckpt_host *host)
{
        return host->error;
}

ckpt_status ckpt_host_set_backend_dir(ckpt_host *host, const char *directory)
{
        const char *const copy = ckpt_arena_strdup(&host->arena, directory);

        if (directory && !copy)
                return CKPT_E_NOMEM;
        host->backend_dir = copy;
        return CKPT_OK;
}

uint32_t ckpt_host_plugin_count(const ckpt_host *host)
{
        return host ? (uint32_t)host->plugins.count : 0;
}

ckpt_status ckpt_host_plugin_info(const ckpt_host *host, uint32_t index, ckpt_plugin_info *ret_info)
{
        if (index >= host->plugins.count)
                return CKPT_ABSENT;
        *ret_info = host->plugins.items[index].info;
        return CKPT_OK;
}

ckpt_status ckpt_host_component_info(const ckpt_host *host, uint32_t plugin, uint32_t index,
                                     ckpt_component_info *ret_info)
{
        const ckpt_host_plugin *row;

        if (plugin >= host->plugins.count)
                return CKPT_ABSENT;
        row = &host->plugins.items[plugin];
        if (index >= row->info.n_components)
                return CKPT_ABSENT;
        for (uint64_t i = 0; i < host->components.count; i++) {
                const ckpt_registered *const c = &host->components.items[i];

                if (c->component != row->plugin->components[index])
                        continue;
                *ret_info = (ckpt_component_info){.kind = c->component->kind,
                                                  .id = c->id,
                                                  .format = c->component->format,
                                                  .model = c->component->model,
                                                  .extends = c->component->extends};
                return CKPT_OK;
        }
        return CKPT_ABSENT;
}
