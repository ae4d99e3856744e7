/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FRAME_H
#define CKPT_FRAME_H

/*
 * What a slot is given
 *
 * A component that was chosen for a load becomes a chain of frames: the chosen component, the
 * component it inherits from, and so on down to the runtime's own behaviour. A slot is called
 * with the frame of the component that defines it. `self->base` is the next one down ("super");
 * `self->top` is where the chain begins, so that inherited code calls what was overridden:
 *
 *         static const char *rename_key(ckpt_mapper *m, const char *name)
 *         {
 *                 return ckpt_mapper_rename(m->base, strip_prefix(name));
 *         }
 *
 * A chain is one load's. Its frames live until the load ends; a weight loader's as long as the weights
 * that it named, which may be longer.
 */

#include <stdarg.h>
#include <stdio.h>

#include <ckpt/mapping.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One component at work in one load. The component may write `impl` alone; the rest is the runtime's. What
 * the pointers point to lives as long as the frame.
 *
 * `api` and `mapping` are never NULL, and `top` neither. `base` is NULL in the runtime's own frame, which no
 * plugin is called with: in a component's slots there is always a base. `config` and `architecture` are NULL
 * in `probe` and before the configuration is loaded, which for a weight loader may be never: weights may be
 * asked for alone. `weights` is set in a weight mapper's frames only. `format` is NULL in `probe`.
 */
struct ckpt_frame {
        const ckpt_api *api;
        void *impl; /**< the component's own, set by its `create`; NULL without one */
        void *data; /**< what the embedder gave together with the component, or NULL */
        ckpt_frame *base;
        ckpt_frame *top;
        const ckpt_mapping *mapping;
        const ckpt_config *config;   /**< NULL until the configuration is loaded */
        const ckpt_weights *weights; /**< a mapper's frames: the checkpoint's, under its names; else NULL */
        const char *architecture;    /**< the configuration's; NULL before it is known */
        const char *format;          /**< the format being loaded */
};

/**
 * The services behind an object of the runtime: all begin with a pointer to the table, so that an inline
 * needs no other argument. The object must not be NULL. For the inlines of this SDK.
 */
#define CKPT_API(object) (*(const ckpt_api *const *)(const void *)(object))

#ifdef __cplusplus
}
#endif

#endif
