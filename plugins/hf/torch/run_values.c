/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes of the frame around a pickle, of constants, numbers and texts. */
#include "../utf8.h"
#include "machine.h"

#include <inttypes.h>
#include <string.h>

enum {
        PROTOCOL_MAX = 5,
        DIGITS_MAX = 18 /* of a decimal that surely fits */
};

int hf_run_proto(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        if (operand->number > PROTOCOL_MAX)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "protocol %" PRIu64 " is not one of 1 to %d",
                                      operand->number, PROTOCOL_MAX);
        if (pickle->at != pickle->begin)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "the protocol stands inside the pickle");
        return 0;
}

/* Frames help to read ahead, and say nothing; only a lie is worth a word. */
int hf_run_frame(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        if (operand->number > pickle->text.size - pickle->next)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "a frame of %" PRIu64 " bytes ends outside it",
                                      operand->number);
        return 0;
}

int hf_run_stop(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        if (pickle->depth != 1 || pickle->n_marks > 0)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE,
                                      "it stops with %zu values and %zu marks on the stack, not 1 and 0",
                                      pickle->depth, pickle->n_marks);
        pickle->result = pickle->stack[0];
        return 0;
}

static int push_integer(struct hf_pickle *pickle, int64_t integer)
{
        struct hf_value *value = hf_pickle_new(pickle, HF_VALUE_INT);

        if (value)
                value->as.integer = integer;
        return hf_pickle_push(pickle, value);
}

static int push_bool(struct hf_pickle *pickle, bool is_true)
{
        static const struct hf_value values[] = {{.kind = HF_VALUE_BOOL},
                                                 {.kind = HF_VALUE_BOOL, .as.integer = 1}};

        return hf_pickle_push(pickle, &values[is_true]);
}

int hf_run_none(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        static const struct hf_value none = {.kind = HF_VALUE_NONE};

        (void)operand;
        return hf_pickle_push(pickle, &none);
}

int hf_run_true(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_bool(pickle, true);
}

int hf_run_false(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return push_bool(pickle, false);
}

int hf_run_unsigned(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return push_integer(pickle, (int64_t)operand->number);
}

int hf_run_signed(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return push_integer(pickle, (int64_t)(int32_t)(uint32_t)operand->number);
}

/* An optional sign and up to 18 digits. */
static int parse_decimal(struct hf_pickle *pickle, const char *text, size_t length, int64_t *ret_value)
{
        bool negative = length > 0 && text[0] == '-';
        int64_t value = 0;
        size_t i;

        for (i = negative; i < length && i < DIGITS_MAX + 1 && text[i] >= '0' && text[i] <= '9'; i++)
                value = value * 10 + (text[i] - '0');
        if (i < length || i == negative || i - negative > DIGITS_MAX)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "a number is not one of 1 to %d digits",
                                      DIGITS_MAX);
        *ret_value = negative ? -value : value;
        return 0;
}

/* Protocol 1 has no other way to write a bool than "00" and "01". */
int hf_run_int(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        int64_t value;

        if (operand->number == 2 && operand->text[0] == '0' && (operand->text[1] & ~1) == '0')
                return push_bool(pickle, operand->text[1] == '1');
        if (parse_decimal(pickle, operand->text, (size_t)operand->number, &value) < 0)
                return -1;
        return push_integer(pickle, value);
}

/* A trailing L is Python 2's. */
int hf_run_decimal(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        size_t length = (size_t)operand->number;
        int64_t value;

        if (length > 0 && operand->text[length - 1] == 'L')
                length--;
        if (parse_decimal(pickle, operand->text, length, &value) < 0)
                return -1;
        return push_integer(pickle, value);
}

static int push_counted(struct hf_pickle *pickle, enum hf_value_kind kind, const struct hf_operand *operand)
{
        struct hf_value *value = hf_pickle_new(pickle, kind);

        if (value) {
                value->as.bytes = operand->text;
                value->count = (uint32_t)operand->number;
        }
        return hf_pickle_push(pickle, value);
}

int hf_run_long(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const unsigned char *bytes = (const unsigned char *)operand->text;
        size_t i = (size_t)operand->number;
        uint64_t value;

        if (i > sizeof value)
                return push_counted(pickle, HF_VALUE_LONG, operand);
        value = i > 0 && bytes[i - 1] >= 0x80 ? UINT64_MAX : 0;
        while (i-- > 0)
                value = value << 8 | bytes[i];
        return push_integer(pickle, (int64_t)value);
}

int hf_run_float(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        static const struct hf_value number = {.kind = HF_VALUE_FLOAT};

        (void)operand;
        return hf_pickle_push(pickle, &number);
}

/* Names are hashed here, once, however often they are then mentioned. */
static int push_text(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        struct hf_value *value = hf_pickle_new(pickle, HF_VALUE_TEXT);
        struct hf_name *name = value ? hf_pickle_alloc(pickle, sizeof *name) : NULL;
        size_t length = (size_t)operand->number;

        if (!name)
                return -1;
        value->is_name = length > 0 && length <= HF_NAME_MAX && !memchr(operand->text, '\0', length);
        value->as.name = name;
        name->text = operand->text;
        name->length = (uint32_t)length;
        name->hash = value->is_name ? hf_name_hash(operand->text, length) : 0;
        return hf_pickle_push(pickle, value);
}

int hf_run_text(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        if (!hf_utf8_is_valid(operand->text, (size_t)operand->number))
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "a text is not valid UTF-8");
        return push_text(pickle, operand);
}

/* Python 2's strings are texts where they can be. */
int hf_run_string(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return hf_utf8_is_valid(operand->text, (size_t)operand->number)
                       ? push_text(pickle, operand)
                       : push_counted(pickle, HF_VALUE_BYTES, operand);
}

int hf_run_bytes(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return push_counted(pickle, HF_VALUE_BYTES, operand);
}
