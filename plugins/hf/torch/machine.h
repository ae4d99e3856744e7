/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the pickle machine: its stack and memo, and how opcodes are written and run. */
#ifndef HF_TORCH_MACHINE_H
#define HF_TORCH_MACHINE_H

#include "pickle.h"

enum {
        HF_OPCODE_STOP = '.'
};

/* How an opcode's argument is written. Numbers are little endian. */
enum hf_form {
        HF_FORM_NONE,
        HF_FORM_1, /* so many bytes */
        HF_FORM_2,
        HF_FORM_4,
        HF_FORM_8,
        HF_FORM_COUNTED_1, /* a count of so many bytes, then as many bytes as it says */
        HF_FORM_COUNTED_4,
        HF_FORM_COUNTED_8,
        HF_FORM_LINE, /* up to a newline */
        HF_FORM_LINES /* two of them */
};

struct hf_operand {
        uint64_t number;  /* a number; the length of `text` */
        const char *text; /* counted bytes, or a line */
        const char *line; /* the second line */
        size_t line_length;
};

struct hf_opcode {
        const char *name; /* NULL: there is no such opcode */
        uint8_t form;     /* enum hf_form */
        int (*run)(struct hf_pickle *pickle, const struct hf_operand *operand); /* NULL: it is refused */
};

/* By their byte. */
extern const struct hf_opcode hf_opcodes[256];

/*
 * Takes the opcode at *position apart: 1 and *position is behind it, 0 when its argument is not whole, -1
 * when it is refused or its argument is malformed.
 */
int hf_pickle_decode(const struct hf_pickle_text *text, size_t *position, struct hf_operand *ret_operand);

/* Records what is wrong with the opcode that runs; -1. */
int hf_pickle_fail(struct hf_pickle *pickle, enum hf_reason reason, const char *format, ...) HF_PRINTF(3, 4);

/* Memory for values; NULL and recorded when there is none left. */
void *hf_pickle_alloc(struct hf_pickle *pickle, size_t size);

/* A new value, all zero but its kind. */
struct hf_value *hf_pickle_new(struct hf_pickle *pickle, enum hf_value_kind kind);

/* NULL is passed on, so that what makes a value can be pushed at once. 0 or -1. */
int hf_pickle_push(struct hf_pickle *pickle, const struct hf_value *value);

/* The top value, which stays or goes; NULL and recorded when there is none above the last mark. */
const struct hf_value *hf_pickle_top(struct hf_pickle *pickle);
const struct hf_value *hf_pickle_pop(struct hf_pickle *pickle);

/*
 * Takes the last mark and what is above it off the stack: *ret_items are good until the next push. 0 or -1.
 */
int hf_pickle_pop_mark(struct hf_pickle *pickle, const struct hf_value *const **ret_items, size_t *ret_count);

/* A tuple of these items, which are copied. */
const struct hf_value *hf_pickle_tuple(struct hf_pickle *pickle, const struct hf_value *const *items,
                                       size_t count);

/* A list, dictionary, set or object without items. */
const struct hf_value *hf_pickle_container(struct hf_pickle *pickle, enum hf_value_kind kind);

/* Adds items to one of those, as they are. 0 or -1. */
int hf_pickle_extend(struct hf_pickle *pickle, const struct hf_value *container,
                     const struct hf_value *const *items, size_t count);

/* Sets keys of a dictionary: `items` has a value after each key. 0 or -1. */
int hf_pickle_set_items(struct hf_pickle *pickle, const struct hf_value *mapping,
                        const struct hf_value *const *items, size_t count);

/* The value that a name of a module stands for; refused when the policy does not allow it. */
const struct hf_value *hf_pickle_global(struct hf_pickle *pickle, const char *module, size_t module_length,
                                        const char *name, size_t name_length);

/* What a call makes. */
const struct hf_value *hf_pickle_call(struct hf_pickle *pickle, const struct hf_value *callee,
                                      const struct hf_value *arguments);

/* What a call of one of the functions that rebuild a tensor makes. */
const struct hf_value *hf_pickle_rebuild(struct hf_pickle *pickle, const struct hf_global *maker,
                                         const struct hf_value *arguments);

/* A mention of a storage, by its persistent id: ('storage', class, key, location, count[, view]). */
const struct hf_value *hf_pickle_storage(struct hf_pickle *pickle, const struct hf_value *id);

/* What opcodes do; opcodes.c lists them. 0 or -1. */
typedef int hf_pickle_run_opcode(struct hf_pickle *pickle, const struct hf_operand *operand);

hf_pickle_run_opcode hf_run_proto, hf_run_frame, hf_run_stop, hf_run_mark, hf_run_pop, hf_run_pop_mark,
        hf_run_dup, hf_run_none, hf_run_true, hf_run_false, hf_run_int, hf_run_decimal, hf_run_signed,
        hf_run_unsigned, hf_run_long, hf_run_float, hf_run_text, hf_run_string, hf_run_bytes,
        hf_run_empty_tuple, hf_run_tuple, hf_run_tuple1, hf_run_tuple2, hf_run_tuple3, hf_run_empty_list,
        hf_run_list, hf_run_empty_dict, hf_run_dict, hf_run_empty_set, hf_run_set, hf_run_append,
        hf_run_appends, hf_run_set_item, hf_run_set_items, hf_run_add_items, hf_run_global,
        hf_run_stack_global, hf_run_reduce, hf_run_new_object, hf_run_new_object_keywords, hf_run_build,
        hf_run_persistent_id, hf_run_put, hf_run_put_decimal, hf_run_memoize, hf_run_get, hf_run_get_decimal;

#endif
