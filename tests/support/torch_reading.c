/* SPDX-License-Identifier: Apache-2.0 */
#include "torch_reading.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory {
        const unsigned char *at;
        size_t size;
};

static int read_memory(void *context, uint64_t offset, void *buffer, size_t size)
{
        const struct memory *memory = context;

        if (offset > memory->size || size > memory->size - offset)
                abort();
        memcpy(buffer, memory->at + offset, size);
        return 0;
}

int torch_open_bytes(const void *bytes, size_t size, const struct hf_torch_options *options,
                     struct hf_torch *ret_torch, struct hf_error *ret_error)
{
        struct memory memory = {bytes, size};
        const struct hf_input input = {read_memory, &memory, size};

        memset(ret_error, 0, sizeof(*ret_error));
        return hf_torch_open(&input, options, ret_torch, ret_error);
}

/* How many bytes a well-formed sequence has that begins here, or 0 (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
        const unsigned char low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
        const size_t length = at[0] < 0x80    ? 1
                              : at[0] < 0xC2  ? 0
                              : at[0] < 0xE0  ? 2
                              : at[0] < 0xF0  ? 3
                              : at[0] <= 0xF4 ? 4
                                              : 0;

        if (length > left || (length > 1 && (at[1] < low || at[1] > high)))
                return 0;
        for (size_t i = 2; i < length; i++)
                if (at[i] >> 6 != 2)
                        return 0;
        return length;
}

static bool is_good_name(const struct hf_name *name)
{
        const unsigned char *text = (const unsigned char *)name->text;
        size_t at = 0, length;

        if (name->length > HF_NAME_MAX || hf_name_hash(name->text, name->length) != name->hash)
                return false;
        for (; at < name->length; at += length) {
                length = utf8_length(text + at, name->length - at);
                if (length == 0 || text[at] == '\0')
                        return false;
        }
        return true;
}

static bool is_empty(const struct hf_tensor *tensor)
{
        for (unsigned i = 0; i < tensor->rank; i++)
                if (tensor->shape[i] == 0)
                        return true;
        return false;
}

/* Whether the strides are those of a contiguous tensor, where they matter. */
static bool is_contiguous(const struct hf_tensor *tensor)
{
        uint64_t expected = 1;

        if (!tensor->strides)
                return true;
        for (unsigned i = tensor->rank; i > 0; i--) {
                if (tensor->shape[i - 1] > 1 && tensor->strides[i - 1] != expected)
                        return false;
                expected *= tensor->shape[i - 1];
        }
        return true;
}

/* Bytes from the first element to the end of the last, or false where they cannot be counted. */
static bool span(const struct hf_tensor *tensor, uint64_t *ret_size)
{
        uint64_t last = 0, stride = 1, step, bits;

        for (unsigned i = tensor->rank; i > 0; i--) {
                const uint64_t count = tensor->shape[i - 1];

                if (__builtin_mul_overflow(count - 1, tensor->strides ? tensor->strides[i - 1] : stride,
                                           &step) ||
                    __builtin_add_overflow(last, step, &last) ||
                    (!tensor->strides && __builtin_mul_overflow(stride, count, &stride)))
                        return false;
        }
        if (__builtin_mul_overflow(last + 1, hf_dtype_bits(tensor->dtype), &bits))
                return false;
        *ret_size = bits / 8;
        return bits % 8 == 0;
}

/* Whether hf_tensor_size says what the shape does, and that fits. */
static bool is_counted(const struct hf_tensor *tensor)
{
        uint64_t bits = hf_dtype_bits(tensor->dtype);

        if (is_empty(tensor))
                return hf_tensor_size(tensor) == 0;
        for (unsigned i = 0; i < tensor->rank; i++)
                if (__builtin_mul_overflow(bits, tensor->shape[i], &bits))
                        return false;
        return bits % 8 == 0 && hf_tensor_size(tensor) == bits / 8;
}

static const char *broken_promise_of(const struct hf_tensor *tensor, uint64_t file_size)
{
        uint64_t size = 0;

        if (!is_good_name(&tensor->name))
                return "a name is no UTF-8, too long, has a NUL, or not its hash";
        if (tensor->dtype >= HF_DTYPES || tensor->rank > HF_RANK_MAX)
                return "a dtype or a rank is out of range";
        if (tensor->begin > tensor->end || tensor->end > file_size)
                return "a range leaves the file";
        if (!is_empty(tensor) && !span(tensor, &size))
                return "a shape overflows";
        if (tensor->end - tensor->begin != size)
                return "a range is not the one of shape and strides";
        if (!is_counted(tensor))
                return "the bytes of a copy are miscounted";
        return NULL;
}

const char *torch_broken_promise(const struct hf_torch *torch, uint64_t file_size)
{
        size_t duplicate, original;

        for (size_t i = 0; i < torch->n_tensors; i++) {
                const char *broken = broken_promise_of(&torch->tensors[i], file_size);

                if (broken)
                        return broken;
        }
        if (hf_names_group(torch->tensors, sizeof(*torch->tensors), torch->n_tensors, NULL, &duplicate,
                           &original) != 0)
                return "two tensors have the same name";
        if (!memchr(torch->state_dict, '\0', sizeof(torch->state_dict)) || !torch->state_dict[0])
                return "the place of the state dictionary is not said";
        if (!memchr(torch->first_other, '\0', sizeof(torch->first_other)) ||
            !torch->first_other[0] != !torch->n_others)
                return "the other entries are not named";
        return NULL;
}

struct line {
        char *at;
        size_t left;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *format, ...)
{
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(line->at, line->left, format, arguments);
        va_end(arguments);
        if (n < 0 || (size_t)n >= line->left)
                abort();
        line->at += n;
        line->left -= (size_t)n;
}

static void add_numbers(struct line *line, const char *before, const uint64_t *numbers, unsigned count)
{
        add(line, "%s", before);
        for (unsigned i = 0; i < count; i++)
                add(line, "%s%" PRIu64, i ? "," : "", numbers[i]);
        add(line, "]");
}

static void add_place(struct line *line, const struct hf_tensor *tensor, const struct torch_file *file)
{
        for (size_t i = 0; i < file->n_storages; i++) {
                const struct torch_placed *at = &file->storages[i];

                if (tensor->begin < at->begin || tensor->end > at->begin + at->size)
                        continue;
                add(line, " %s+%" PRIu64 ":%" PRIu64, at->key, tensor->begin - at->begin,
                    tensor->end - at->begin);
                return;
        }
        add(line, " nowhere");
}

void torch_render(const struct hf_torch *torch, const struct torch_file *file, char *text, size_t size)
{
        struct line line = {text, size};
        char name[200];

        if (torch->n_others)
                add(&line, "%s +%zu: ", torch->state_dict, torch->n_others);
        else if (strcmp(torch->state_dict, "/") != 0)
                add(&line, "%s: ", torch->state_dict);
        for (size_t i = 0; i < torch->n_tensors; i++) {
                const struct hf_tensor *tensor = &torch->tensors[i];

                hf_name_print(tensor->name.text, tensor->name.length, name, sizeof(name));
                add(&line, "%s%s %s ", i ? "; " : "", name, hf_dtype_name(tensor->dtype));
                add_numbers(&line, "[", tensor->shape, tensor->rank);
                if (!is_empty(tensor) && !is_contiguous(tensor))
                        add_numbers(&line, "/[", tensor->strides, tensor->rank);
                if (is_empty(tensor))
                        add(&line, " -");
                else
                        add_place(&line, tensor, file);
                add(&line, "%s", tensor->big_endian ? " big" : "");
        }
        *line.at = '\0';
}
