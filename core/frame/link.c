/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The runtime's side of a slot call: whether the frame is of the right kind, and whether the
 * component kept its duty to say why it failed.
 */

#include "core/frame/link.h"

#include <stdio.h>

ckpt_status ckpt_link_blame(const ckpt_link *link, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        ckpt_diagnostics_addv(&link->session->diagnostics, CKPT_E_PLUGIN, link->plugin,
                              ckpt_kind_name(link->chain->kind), NULL, format, arguments);
        va_end(arguments);
        return CKPT_E_PLUGIN;
}

ckpt_link *ckpt_link_check(const ckpt_frame *frame, ckpt_kind kind, const char *slot)
{
        ckpt_link *const link = ckpt_link_of(frame);

        if (link->chain->kind == kind)
                return link;
        ckpt_link_blame(link, "it called '%s' of a %s with its own frame; only a frame of a %s has that slot",
                        slot, ckpt_kind_name(kind), ckpt_kind_name(kind));
        return NULL;
}

uint64_t ckpt_link_mark(const ckpt_link *link)
{
        ckpt_diagnostics *const diagnostics = &link->session->diagnostics;
        uint64_t mark;

        pthread_mutex_lock(&diagnostics->lock);
        mark = diagnostics->list.count + diagnostics->dropped;
        pthread_mutex_unlock(&diagnostics->lock);
        return mark;
}

/*
 * A failure is explained when a reason was recorded meanwhile, or needs none: see
 * core/base/report.h.
 */
static bool is_explained(const ckpt_link *link, uint64_t mark, ckpt_status status)
{
        if (status == CKPT_E_NOMEM ||
            (status == CKPT_E_CANCELLED && ckpt_session_check(link->session) != CKPT_OK))
                return true;
        return ckpt_diagnostics_first(&link->session->diagnostics) != CKPT_OK && ckpt_link_mark(link) != mark;
}

ckpt_status ckpt_link_judge(const ckpt_link *link, const char *slot, uint64_t mark, ckpt_status status)
{
        if (status > 0)
                return ckpt_link_blame(link,
                                       "'%s' returned the positive status %d, which this slot does not have",
                                       slot, status);
        if (status < 0 && !is_explained(link, mark, status))
                return ckpt_link_blame(link, "'%s' failed with status %d (%s) and recorded no reason", slot,
                                       status, ckpt_status_name(status));
        return status;
}

bool ckpt_link_judge_object(const ckpt_link *link, const char *slot, uint64_t mark, const void *object)
{
        if (object)
                return true;
        /* Memory may have run short where nothing could be recorded; the scope remembers. */
        if (!link->session->scope.out_of_memory && !is_explained(link, mark, CKPT_E_PLUGIN))
                ckpt_link_blame(link, "'%s' returned NULL", slot);
        return false;
}
