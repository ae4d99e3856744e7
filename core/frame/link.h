/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_FRAME_LINK_H
#define CKPT_FRAME_LINK_H

/*
 * How a slot is found and its answer judged; what the files of this room share
 */

#include "core/frame/chain.h"

/** A chain without any `create` called. ckpt_chain_free frees it. */
ckpt_status ckpt_chain_alloc(ckpt_session *session, ckpt_kind kind, const ckpt_registered *components,
                             uint32_t count, const ckpt_chain_host *host, ckpt_chain **ret_chain);

/**
 * The link of a frame that belongs to a component of this kind; else NULL, and the mistake is
 * recorded.
 */
ckpt_link *ckpt_link_check(const ckpt_frame *frame, ckpt_kind kind, const char *slot);

/** Records a breach of a plugin's duties under its name. Returns CKPT_E_PLUGIN. */
ckpt_status ckpt_link_blame(const ckpt_link *link, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/** How many reasons the load has; taken before a slot is called, for ckpt_link_judge. */
uint64_t ckpt_link_mark(const ckpt_link *link);
/**
 * What a slot's status means. Slots have no positive results, and a failure has its reason
 * recorded: what is otherwise is recorded here, and becomes CKPT_E_PLUGIN.
 */
ckpt_status ckpt_link_judge(const ckpt_link *link, const char *slot, uint64_t mark, ckpt_status status);
/** Makes a slot's call and judges its status; the mark is taken before the call. */
#define ckpt_link_call(link_, slot_, call_)                        \
        __extension__({                                            \
                const uint64_t mark_ = ckpt_link_mark(link_);      \
                ckpt_link_judge((link_), (slot_), mark_, (call_)); \
        })
/**
 * As ckpt_link_judge for slots that return an object: whether it is there. NULL without a reason is
 * recorded.
 */
bool ckpt_link_judge_object(const ckpt_link *link, const char *slot, uint64_t mark, const void *object);

/**
 * From a frame downwards the first link that has the slot, the runtime's own where none has; NULL
 * for a frame of another kind.
 */
#define ckpt_link_find(frame_, kind_, member_, slot_)                                                  \
        __extension__({                                                                                \
                ckpt_link *found_ = ckpt_link_check((frame_), (kind_), #slot_);                        \
                while (found_ && found_->component && !CKPT_HAS(found_->component->as.member_, slot_)) \
                        found_ = ckpt_link_of(found_->frame.base);                                     \
                found_;                                                                                \
        })

/** A component's declared options; returns how many. */
uint32_t ckpt_link_options(const ckpt_component *component, const ckpt_option *const **ret_options);
/** Whether a text is a value of an option's type; the outputs (may be NULL) are of that type. */
bool ckpt_option_parse(int32_t type, const char *text, int32_t *ret_bool, int64_t *ret_i64);
/** "true or false", "a whole number", "a string". */
const char *ckpt_option_type_name(int32_t type);

#endif
