/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Log lines and diagnostics. Everything that leaves here is escaped as a whole: names of files and tensors
 * come from outside, and a caller that formats one into a message need not think of it.
 */

#include "core/base/report.h"

#include <stdio.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"

const char *ckpt_status_name(ckpt_status status)
{
        static const char *const failures[] = {
                "ok",          "out of memory", "invalid",   "not found", "io",      "corrupt",
                "unsupported", "mismatch",      "missing",   "unused",    "changed", "cancelled",
                "device",      "plugin",        "ambiguous", "limit",     "system"};
        const uint32_t at = 0u - (uint32_t)status;

        if (status > 0)
                return status == CKPT_ABSENT ? "absent" : "condition";
        return at < sizeof(failures) / sizeof(failures[0]) ? failures[at] : "unknown";
}

const char *ckpt_kind_name(ckpt_kind kind)
{
        switch (kind) {
        case CKPT_KIND_CHECKPOINT_LOADER:
                return "checkpoint loader";
        case CKPT_KIND_CONFIG_LOADER:
                return "config loader";
        case CKPT_KIND_WEIGHT_LOADER:
                return "weight loader";
        case CKPT_KIND_WEIGHT_MAPPER:
                return "weight mapper";
        default:
                return "unknown component";
        }
}

void ckpt_logger_init(ckpt_logger *logger)
{
        pthread_mutex_init(&logger->lock, NULL);
        logger->sink = NULL;
        logger->context = NULL;
        logger->level = CKPT_LOG_INFO;
}

void ckpt_logger_deinit(ckpt_logger *logger)
{
        pthread_mutex_destroy(&logger->lock);
}

void ckpt_logger_write(ckpt_logger *logger, ckpt_log_level level, const char *format, ...)
{
        _cleanup_(ckpt_text_deinit) ckpt_text line = CKPT_TEXT_INIT;
        _cleanup_(ckpt_freep) char *raw = NULL;
        va_list arguments;
        int length;

        if (!logger || !logger->sink || level < logger->level)
                return;
        va_start(arguments, format);
        length = vasprintf(&raw, format, arguments);
        va_end(arguments);
        if (length < 0)
                raw = NULL;
        else
                ckpt_text_add_escaped(&line, raw);
        pthread_mutex_lock(&logger->lock);
        logger->sink(logger->context, level,
                     length < 0 || line.failed ? "(a log line was lost: out of memory)"
                                               : ckpt_text_get(&line));
        pthread_mutex_unlock(&logger->lock);
}

void ckpt_diagnostics_init(ckpt_diagnostics *diagnostics)
{
        *diagnostics = (ckpt_diagnostics){.arena = CKPT_ARENA_INIT};
        pthread_mutex_init(&diagnostics->lock, NULL);
}

void ckpt_diagnostics_deinit(ckpt_diagnostics *diagnostics)
{
        ckpt_array_deinit(&diagnostics->list);
        ckpt_arena_deinit(&diagnostics->arena);
        pthread_mutex_destroy(&diagnostics->lock);
}

/*
 * What is known of the place. Every member of a ckpt_where may be left zero, its size too: all there is of
 * one then are the members of the first version, which are the ones read here.
 */
static void copy_where(ckpt_arena *arena, ckpt_diagnostic *diagnostic, const ckpt_where *where)
{
        if (!where)
                return;
        diagnostic->parameter = ckpt_arena_strdup(arena, where->parameter);
        diagnostic->tensor = ckpt_arena_strdup(arena, where->tensor);
        diagnostic->object = ckpt_arena_strdup(arena, where->object);
        diagnostic->has_offset = where->has_offset != 0;
        diagnostic->offset = where->has_offset ? where->offset : 0;
        diagnostic->hint = ckpt_arena_strdup(arena, where->hint);
}

static void add_quoted(ckpt_text *line, const char *what, const char *name)
{
        if (!name)
                return;
        ckpt_text_add(line, "%s '", what);
        ckpt_text_add_escaped(line, name);
        ckpt_text_add(line, "': ");
}

static void add_asker(ckpt_text *line, const ckpt_diagnostic *d)
{
        if (d->plugin)
                ckpt_text_add_escaped(line, d->plugin);
        if (d->plugin && d->component)
                ckpt_text_add(line, " ");
        if (d->component)
                ckpt_text_add_escaped(line, d->component);
        if (d->plugin || d->component)
                ckpt_text_add(line, ": ");
}

/* "plugin component: object @0x…: tensor 'x': parameter 'y': message; hint", without what is not known. */
static void compose(ckpt_text *line, const ckpt_diagnostic *d)
{
        add_asker(line, d);
        if (d->object) {
                ckpt_text_add_escaped(line, d->object);
                if (d->has_offset)
                        ckpt_text_add(line, " @0x%llx", (unsigned long long)d->offset);
                ckpt_text_add(line, ": ");
        } else if (d->has_offset) {
                ckpt_text_add(line, "@0x%llx: ", (unsigned long long)d->offset);
        }
        add_quoted(line, "tensor", d->tensor);
        add_quoted(line, "parameter", d->parameter);
        ckpt_text_add_escaped(line, d->message);
        if (d->hint) {
                ckpt_text_add(line, "; ");
                ckpt_text_add_escaped(line, d->hint);
        }
}

/* Under the lock. False when memory is short: then nothing is kept. */
__attribute__((format(printf, 4, 0))) static bool record(ckpt_diagnostics *diagnostics, ckpt_diagnostic *d,
                                                         const ckpt_where *where, const char *format,
                                                         va_list arguments)
{
        _cleanup_(ckpt_text_deinit) ckpt_text line = CKPT_TEXT_INIT;
        ckpt_arena *const arena = &diagnostics->arena;

        d->plugin = ckpt_arena_strdup(arena, d->plugin);
        d->component = ckpt_arena_strdup(arena, d->component);
        copy_where(arena, d, where);
        d->message = ckpt_arena_vprintf(arena, format, arguments);
        if (!d->message)
                return false;
        compose(&line, d);
        d->text = line.failed ? d->message : ckpt_arena_strdup(arena, ckpt_text_get(&line));
        return d->text && ckpt_array_push(&diagnostics->list, *d) == CKPT_OK;
}

ckpt_status ckpt_diagnostics_addv(ckpt_diagnostics *diagnostics, ckpt_status status, const char *plugin,
                                  const char *component, const ckpt_where *where, const char *format,
                                  va_list arguments)
{
        ckpt_diagnostic diagnostic = {.status = status, .plugin = plugin, .component = component};

        if (!diagnostics)
                return status;
        pthread_mutex_lock(&diagnostics->lock);
        if (status < 0 && diagnostics->first == 0)
                diagnostics->first = status;
        if (diagnostics->list.count >= CKPT_DIAGNOSTICS_MAX ||
            !record(diagnostics, &diagnostic, where, format, arguments))
                diagnostics->dropped++;
        pthread_mutex_unlock(&diagnostics->lock);
        return status;
}

ckpt_status ckpt_diagnostics_add(ckpt_diagnostics *diagnostics, ckpt_status status, const char *plugin,
                                 const char *component, const ckpt_where *where, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        ckpt_diagnostics_addv(diagnostics, status, plugin, component, where, format, arguments);
        va_end(arguments);
        return status;
}

uint64_t ckpt_diagnostics_count(ckpt_diagnostics *diagnostics)
{
        uint64_t count;

        pthread_mutex_lock(&diagnostics->lock);
        count = diagnostics->list.count;
        pthread_mutex_unlock(&diagnostics->lock);
        return count;
}

ckpt_status ckpt_diagnostics_first(ckpt_diagnostics *diagnostics)
{
        ckpt_status first;

        pthread_mutex_lock(&diagnostics->lock);
        first = diagnostics->first;
        pthread_mutex_unlock(&diagnostics->lock);
        return first;
}
