/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FRAME_H
#define CKPT_FRAME_H

/*
 * What a slot is given
 *
 * A component that was chosen for a load becomes a chain of frames: the chosen component, the
 * component it inherits from, and so on down to the runtime's own behaviour. A slot is called
 * with the frame of the component that defines it. `self->base` is the next one down ("super");
 * `self->top` is where the chain begins, so that inherited code calls what was overridden.
 */

#include <stdarg.h>
#include <stdio.h>

#include <ckpt/mapping.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ckpt_frame {
        const ckpt_api *api;
        void *impl; /**< the component's own, set by its `create`; NULL without one */
        void *data; /**< what the embedder gave together with the component, or NULL */
        ckpt_frame *base;
        ckpt_frame *top;
        const ckpt_mapping *mapping;
        const ckpt_config *config;   /**< NULL until the configuration is loaded */
        const ckpt_weights *weights; /**< under the checkpoint's own names; NULL until they are loaded */
        const char *architecture;    /**< the configuration's; NULL before it is known */
        const char *format;          /**< the format being loaded */
};

/** The services behind an object of the runtime. */
#define CKPT_API(object) (*(const ckpt_api *const *)(const void *)(object))

#ifdef __cplusplus
}
#endif

#endif
