/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a component says: log lines, reasons, and the strings it makes
 */

#include "core/frame/link.h"

void ckpt_frame_api_log(const ckpt_frame *self, ckpt_log_level level, const char *message)
{
        const ckpt_link *const link = ckpt_link_of(self);

        if (level < CKPT_LOG_DEBUG)
                level = CKPT_LOG_DEBUG;
        if (level > CKPT_LOG_ERROR)
                level = CKPT_LOG_ERROR;
        if (link->plugin)
                ckpt_logger_write(link->session->logger, level, "%s %s: %s", link->plugin,
                                  ckpt_kind_name(link->chain->kind), message);
        else
                ckpt_logger_write(link->session->logger, level, "%s", message);
}

ckpt_status ckpt_frame_api_fail(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                                const char *message)
{
        const ckpt_link *const link = ckpt_link_of(self);

        /* Whoever calls this has failed, whatever status it found for it. */
        if (status >= 0)
                status = CKPT_E_PLUGIN;
        return ckpt_diagnostics_add(&link->session->diagnostics, status, link->plugin,
                                    link->plugin ? ckpt_kind_name(link->chain->kind) : NULL, where, "%s",
                                    message);
}

const char *ckpt_frame_api_string_concat(const ckpt_frame *self, const char *a, const char *b, const char *c)
{
        ckpt_session *const session = ckpt_link_of(self)->session;
        const char *const string =
                ckpt_arena_printf(&session->scope.arena, "%s%s%s", a ? a : "", b ? b : "", c ? c : "");

        if (!string) {
                session->scope.out_of_memory = true;
                ckpt_session_fail(session, CKPT_E_NOMEM, NULL, "out of memory while a name was put together");
        }
        return string;
}
