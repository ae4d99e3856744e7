/* SPDX-License-Identifier: Apache-2.0 */
/* The loop, and what every opcode works with: stack, marks, memory, refusals. */
#include "machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        STACK_MIN = 256
};

void hf_pickle_init(struct hf_pickle *pickle, const struct hf_pickle_text *text, enum hf_torch_policy policy,
                    struct hf_arena *arena, struct hf_error *ret_error)
{
        memset(pickle, 0, sizeof *pickle);
        pickle->text = *text;
        pickle->policy = policy;
        pickle->arena = arena;
        pickle->error = ret_error;
        pickle->room = HF_PICKLE_VALUES_MAX;
        pickle->last_storage = &pickle->storages;
        pickle->last_tensor = &pickle->tensors;
}

void hf_pickle_deinit(struct hf_pickle *pickle)
{
        free(pickle->stack);
        free(pickle->memo);
}

int hf_pickle_fail(struct hf_pickle *pickle, enum hf_reason reason, const char *format, ...)
{
        uint64_t offset = pickle->text.offset + (pickle->text.unpacked ? 0 : pickle->at);
        char message[sizeof pickle->error->message];
        va_list args;

        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        return hf_error_set(pickle->error, reason, offset, NULL, "byte %zu of the pickle: %s", pickle->at,
                            message);
}

void *hf_pickle_alloc(struct hf_pickle *pickle, size_t size)
{
        void *piece;

        if (size > pickle->room) {
                hf_pickle_fail(pickle, HF_BAD_LIMIT,
                               "its values need more than %d MiB; split the checkpoint into more files",
                               HF_PICKLE_VALUES_MAX >> 20);
                return NULL;
        }
        piece = hf_arena_alloc(pickle->arena, size);
        if (!piece) {
                hf_error_set_memory(pickle->error);
                return NULL;
        }
        pickle->room -= size;
        return piece;
}

struct hf_value *hf_pickle_new(struct hf_pickle *pickle, enum hf_value_kind kind)
{
        struct hf_value *value = hf_pickle_alloc(pickle, sizeof *value);

        if (!value)
                return NULL;
        memset(value, 0, sizeof *value);
        value->kind = (uint8_t)kind;
        return value;
}

/* The stack */

static int grow_stack(struct hf_pickle *pickle)
{
        size_t size = pickle->stack_size ? pickle->stack_size * 2 : STACK_MIN;
        void *grown;

        if (size > HF_PICKLE_STACK_MAX)
                return hf_pickle_fail(pickle, HF_BAD_LIMIT, "more than %d values are on the stack",
                                      HF_PICKLE_STACK_MAX);
        grown = realloc(pickle->stack, size * sizeof *pickle->stack);
        if (!grown)
                return hf_error_set_memory(pickle->error);
        pickle->stack = grown;
        pickle->stack_size = size;
        return 0;
}

int hf_pickle_push(struct hf_pickle *pickle, const struct hf_value *value)
{
        if (!value || (pickle->depth == pickle->stack_size && grow_stack(pickle) < 0))
                return -1;
        pickle->stack[pickle->depth++] = value;
        return 0;
}

const struct hf_value *hf_pickle_top(struct hf_pickle *pickle)
{
        size_t floor = pickle->n_marks ? pickle->marks[pickle->n_marks - 1] : 0;

        if (pickle->depth > floor)
                return pickle->stack[pickle->depth - 1];
        hf_pickle_fail(pickle, HF_BAD_PICKLE, "the stack is empty where a value is taken from it");
        return NULL;
}

const struct hf_value *hf_pickle_pop(struct hf_pickle *pickle)
{
        const struct hf_value *value = hf_pickle_top(pickle);

        if (value)
                pickle->depth--;
        return value;
}

int hf_pickle_pop_mark(struct hf_pickle *pickle, const struct hf_value *const **ret_items, size_t *ret_count)
{
        size_t mark;

        if (pickle->n_marks == 0)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "there is no mark where one is looked for");
        mark = pickle->marks[--pickle->n_marks];
        *ret_items = pickle->stack ? pickle->stack + mark : NULL;
        *ret_count = pickle->depth - mark;
        pickle->depth = mark;
        return 0;
}

/* The loop */

static int fail_decode(struct hf_pickle *pickle, int r)
{
        unsigned char byte = (unsigned char)pickle->text.bytes[pickle->at];
        const struct hf_opcode *opcode = &hf_opcodes[byte];

        if (r == 0)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "it ends inside the opcode %s", opcode->name);
        if (!opcode->name)
                return hf_pickle_fail(pickle, HF_BAD_OPCODE, "there is no opcode 0x%02x", byte);
        if (!opcode->run)
                return hf_pickle_fail(pickle, HF_BAD_OPCODE,
                                      "the opcode %s (0x%02x) is not read: torch.save does not write it",
                                      opcode->name, byte);
        return hf_pickle_fail(pickle, HF_BAD_PICKLE, "the argument of the opcode %s is too long",
                              opcode->name);
}

static int step(struct hf_pickle *pickle)
{
        struct hf_operand operand = {0};
        int r;

        pickle->at = pickle->next;
        if (pickle->at == pickle->text.size)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "it ends without the opcode STOP");
        r = hf_pickle_decode(&pickle->text, &pickle->next, &operand);
        if (r <= 0)
                return fail_decode(pickle, r);
        return hf_opcodes[(unsigned char)pickle->text.bytes[pickle->at]].run(pickle, &operand);
}

const struct hf_value *hf_pickle_run(struct hf_pickle *pickle)
{
        pickle->begin = pickle->next;
        pickle->depth = pickle->n_marks = 0;
        pickle->n_memo = 0;
        if (pickle->memo_size)
                memset(pickle->memo, 0, pickle->memo_size * sizeof *pickle->memo);
        pickle->result = NULL;
        while (!pickle->result)
                if (step(pickle) < 0)
                        return NULL;
        return pickle->result;
}
