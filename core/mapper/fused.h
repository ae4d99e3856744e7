/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPER_FUSED_H
#define CKPT_MAPPER_FUSED_H

#include "core/mapper/loop.h"

/** Describes the parameters of a fused module. Fails for lack of memory alone; the rest is recorded. */
ckpt_status ckpt_loop_fused(ckpt_loop *loop, const ckpt_module *module, const ckpt_rule_fuse *rule);

#endif
