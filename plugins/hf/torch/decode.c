/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes and their arguments as they are written, with no regard to what they do. */
#include "machine.h"

#include <string.h>

/* Little endian. */
static uint64_t read_number(const char *bytes, size_t width)
{
        uint64_t value = 0;

        while (width-- > 0)
                value = value << 8 | (unsigned char)bytes[width];
        return value;
}

/* Width of a number, or of the count that stands before counted bytes. */
static size_t width_of(enum hf_form form)
{
        switch (form) {
        case HF_FORM_1:
        case HF_FORM_COUNTED_1:
                return 1;
        case HF_FORM_2:
                return 2;
        case HF_FORM_4:
        case HF_FORM_COUNTED_4:
                return 4;
        case HF_FORM_8:
        case HF_FORM_COUNTED_8:
                return 8;
        default:
                return 0;
        }
}

static int take_number(const struct hf_pickle_text *text, size_t *position, size_t width,
                       struct hf_operand *operand)
{
        if (text->size - *position < width)
                return 0;
        operand->number = read_number(text->bytes + *position, width);
        *position += width;
        return 1;
}

static int take_counted(const struct hf_pickle_text *text, size_t *position, struct hf_operand *operand)
{
        if (operand->number > HF_TORCH_PICKLE_MAX)
                return -1;
        if (operand->number > text->size - *position)
                return 0;
        operand->text = text->bytes + *position;
        *position += (size_t)operand->number;
        return 1;
}

static int take_line(const struct hf_pickle_text *text, size_t *position, const char **ret_line,
                     size_t *ret_length)
{
        const char *line = text->bytes + *position, *end;
        size_t left = text->size - *position;

        end = memchr(line, '\n', left < HF_PICKLE_LINE_MAX ? left : HF_PICKLE_LINE_MAX);
        if (!end)
                return left < HF_PICKLE_LINE_MAX ? 0 : -1;
        *ret_line = line;
        *ret_length = (size_t)(end - line);
        *position += *ret_length + 1;
        return 1;
}

static int take_lines(const struct hf_pickle_text *text, size_t *position, bool two,
                      struct hf_operand *operand)
{
        size_t length = 0;
        int r = take_line(text, position, &operand->text, &length);

        operand->number = length;
        return r > 0 && two ? take_line(text, position, &operand->line, &operand->line_length) : r;
}

static int take_operand(const struct hf_pickle_text *text, size_t *position, enum hf_form form,
                        struct hf_operand *operand)
{
        int r = take_number(text, position, width_of(form), operand);

        if (r <= 0)
                return r;
        switch (form) {
        case HF_FORM_COUNTED_1:
        case HF_FORM_COUNTED_4:
        case HF_FORM_COUNTED_8:
                return take_counted(text, position, operand);
        case HF_FORM_LINE:
        case HF_FORM_LINES:
                return take_lines(text, position, form == HF_FORM_LINES, operand);
        default:
                return 1;
        }
}

int hf_pickle_decode(const struct hf_pickle_text *text, size_t *position, struct hf_operand *ret_operand)
{
        const struct hf_opcode *opcode;
        size_t at = *position;
        int r;

        if (at >= text->size)
                return 0;
        opcode = &hf_opcodes[(unsigned char)text->bytes[at++]];
        if (!opcode->run)
                return -1;
        r = take_operand(text, &at, (enum hf_form)opcode->form, ret_operand);
        if (r > 0)
                *position = at;
        return r;
}

int hf_pickle_skip(const struct hf_pickle_text *text, size_t *position)
{
        struct hf_operand operand = {0};
        char opcode;
        int r;

        do {
                opcode = *position < text->size ? text->bytes[*position] : 0;
                r = hf_pickle_decode(text, position, &operand);
        } while (r > 0 && opcode != HF_OPCODE_STOP);
        return r;
}
