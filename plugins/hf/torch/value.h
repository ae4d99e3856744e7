/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pickle is made into: values that say what they are, and that nothing can call. They live in the
 * machine's arena and may be shared, and a dictionary may hold itself: who follows them must not recurse.
 */
#ifndef HF_TORCH_VALUE_H
#define HF_TORCH_VALUE_H

#include "../tensor.h"
#include "globals.h"

enum hf_value_kind {
        HF_VALUE_NONE,
        HF_VALUE_BOOL,
        HF_VALUE_INT,
        HF_VALUE_LONG,  /* an integer of more than 64 bits: its bytes, little endian, two's complement */
        HF_VALUE_FLOAT, /* of which nothing here needs the number */
        HF_VALUE_TEXT,
        HF_VALUE_BYTES,
        HF_VALUE_TUPLE,
        HF_VALUE_LIST,
        HF_VALUE_SET, /* of which nothing here needs the members */
        HF_VALUE_FROZEN_SET,
        HF_VALUE_DICT,
        HF_VALUE_GLOBAL,
        HF_VALUE_STORAGE,
        HF_VALUE_TENSOR,
        HF_VALUE_OBJECT, /* what calling a global would have made: nothing but its class */
        HF_VALUE_KINDS
};

struct hf_value {
        uint8_t kind;   /* enum hf_value_kind */
        bool is_name;   /* a TEXT of 1 to HF_NAME_MAX bytes without NUL */
        uint32_t count; /* LONG, BYTES: bytes; TUPLE: items */
        union {
                int64_t integer;            /* INT, and 0 or 1 of a BOOL */
                const struct hf_name *name; /* TEXT; its hash is good when is_name */
                const char *bytes;
                const struct hf_value *const *tuple;
                struct hf_items *items; /* LIST, OBJECT; of a DICT: key, value, key, value … */
                const struct hf_global *global;
                struct hf_storage *storage;
                struct hf_rebuilt *tensor;
        } as;
};

/* What grows. */
struct hf_items {
        const struct hf_value **at;
        uint32_t count, room;
        bool has_attributes;           /* of an OrderedDict or Counter */
        bool has_tensors;              /* among the values of a mapping */
        const struct hf_global *class; /* of an OBJECT, which keeps no items */
};

/* One mention of a storage; a key is mentioned once for every tensor in it. */
struct hf_storage {
        struct hf_name key;
        const struct hf_global *class;
        uint64_t count;                  /* elements; bytes when untyped */
        uint64_t view_begin, view_count; /* the part that is meant, in elements: all, save in old files */
        uint64_t position;               /* of the mention in the pickle */
        struct hf_place *place;          /* where it lies, once that is known */
        struct hf_storage *next;
};

/* A tensor as its rebuild function was told to make it. */
struct hf_rebuilt {
        const struct hf_storage *storage; /* NULL: of a kind that has none, and a problem */
        const char *problem;              /* why it is not read, or NULL */
        const struct hf_global *culprit;  /* what the problem is about */
        uint64_t offset;                  /* elements */
        const uint64_t *shape, *strides;  /* elements */
        uint64_t begin, end;              /* bytes of the file, once the storage has its place */
        uint64_t position;                /* of the call in the pickle */
        const struct hf_global *type;     /* the dtype, or the storage class that stands for it */
        uint8_t rank;
        struct hf_rebuilt *next;
};

static inline bool hf_value_is(const struct hf_value *value, enum hf_value_kind kind)
{
        return value->kind == kind;
}

static inline bool hf_value_is_global(const struct hf_value *value, enum hf_meaning meaning)
{
        return value->kind == HF_VALUE_GLOBAL && value->as.global->meaning == meaning;
}

/* An object of a class that is not in the list: whatever is done to it, nothing comes of it. */
static inline bool hf_value_is_unknown(const struct hf_value *value)
{
        return value->kind == HF_VALUE_OBJECT && value->as.items->class->meaning == HF_MEANS_UNKNOWN;
}

/* Whether a text is this one. */
bool hf_value_is_text(const struct hf_value *value, const char *text);

/* For a message: "a list". */
const char *hf_value_kind_name(const struct hf_value *value);

#endif
