/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for pickles that executes nothing
 *
 * It knows the opcodes that describe values, those of protocols 2 to 5 and the few older ones that torch.save
 * writes at protocol 1; each other opcode is refused by its name. A global becomes a symbol. A call becomes
 * the value that it would make where the callee is known (globals.h); where it is not, it is refused, or, by
 * the opaque policy, becomes an object that does nothing.
 *
 * What a pickle can cost is bounded: nothing recurses, an opcode takes constant time but for what it moves
 * from the stack, there are no more opcodes than bytes, and memory has the limits below.
 */
#ifndef HF_TORCH_PICKLE_H
#define HF_TORCH_PICKLE_H

#include "torch.h"
#include "value.h"

enum {
        HF_PICKLE_VALUES_MAX = 160 * 1024 * 1024, /* bytes of values */
        HF_PICKLE_STACK_MAX = 1 << 20,
        HF_PICKLE_MARKS_MAX = 1024,
        HF_PICKLE_MEMO_MAX = 1 << 22,
        HF_PICKLE_LINE_MAX = 1024, /* bytes of a text opcode's argument */
};

/* The bytes, and what to make of them. */
struct hf_pickle_text {
        const char *bytes;
        size_t size;
        uint64_t offset; /* of bytes[0] in the file */
        bool unpacked;   /* the bytes are not the file's own, where offset says */
};

struct hf_pickle {
        struct hf_pickle_text text;
        enum hf_torch_policy policy;
        bool has_views; /* a storage may be a part of another, as each mention says: the legacy format */
        struct hf_error *error;
        struct hf_arena *arena; /* of the values */

        size_t begin;                  /* of the pickle that runs */
        size_t at;                     /* of the opcode that runs */
        size_t next;                   /* of the one after it */
        size_t room;                   /* bytes that values may still take */
        const struct hf_value *result; /* once STOP has run */

        const struct hf_value **stack;
        size_t depth, stack_size;
        size_t marks[HF_PICKLE_MARKS_MAX];
        size_t n_marks;

        const struct hf_value **memo;
        size_t memo_size;
        uint64_t n_memo;

        /* Every mention of a storage and every tensor, in the order in which they were made. */
        struct hf_storage *storages, **last_storage;
        size_t n_storages;
        struct hf_rebuilt *tensors, **last_tensor;
};

/* `arena` keeps what comes out, and outlives the machine. */
void hf_pickle_init(struct hf_pickle *pickle, const struct hf_pickle_text *text, enum hf_torch_policy policy,
                    struct hf_arena *arena, struct hf_error *ret_error);

/* Frees the stack and the memo. */
void hf_pickle_deinit(struct hf_pickle *pickle);

/*
 * Runs from `next` up to and with STOP: the value, or NULL. Texts and shapes of values point into the bytes
 * and the arena. May be called again for a pickle that follows.
 */
const struct hf_value *hf_pickle_run(struct hf_pickle *pickle);

/*
 * Finds where the pickle that begins at *position ends, without running it: 1 and *position is behind its
 * STOP; 0 and *position is the first opcode that is not whole; -1 when it cannot be a pickle.
 */
int hf_pickle_skip(const struct hf_pickle_text *text, size_t *position);

#endif
