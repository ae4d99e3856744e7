/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_HOST_WALK_H
#define CKPT_HOST_WALK_H

/*
 * A chain while it is resolved: made in resolve.c, explained in explain.c
 */

#include "core/host/plugin.h"

typedef struct ckpt_walk {
        ckpt_host *host;
        ckpt_session *session;
        ckpt_kind kind;
        const char *format, *model;
        const char *forced; /* the id by which the top was asked for, or NULL */
        const ckpt_registered *given;
        ckpt_registered *chain; /* room for every component and the given one */
        uint32_t count;
        const char **formats; /* visited, in order; as much room */
        uint32_t n_formats;
} ckpt_walk;

/** Whether a format is on the chain. */
bool ckpt_walk_has_format(const ckpt_walk *w, const char *format);
/** Whether the runtime's own behaviour serves where no component does. */
bool ckpt_walk_has_end(ckpt_kind kind);
/** Adds a row for every component of the kind: its place on the chain, or why it has none. */
ckpt_status ckpt_walk_explain(const ckpt_walk *w, ckpt_resolution *resolution);

#endif
