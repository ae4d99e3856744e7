/* SPDX-License-Identifier: Apache-2.0 */
#include "pickle_writer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pickle_op(struct bytes *pickle, const char *name)
{
        const int byte = pickle_opcode(name);

        if (byte < 0) {
                fprintf(stderr, "no opcode: %s\n", name);
                abort();
        }
        bytes_add_number(pickle, (uint64_t)byte, 1);
}

/* As Python does: the shortest form. */
void pickle_int(struct bytes *pickle, int64_t number)
{
        if (number >= 0 && number < 256) {
                pickle_op(pickle, "BININT1");
                bytes_add_number(pickle, (uint64_t)number, 1);
        } else if (number >= 0 && number < 65536) {
                pickle_op(pickle, "BININT2");
                bytes_add_number(pickle, (uint64_t)number, 2);
        } else if (number >= INT32_MIN && number <= INT32_MAX) {
                pickle_op(pickle, "BININT");
                bytes_add_number(pickle, (uint64_t)number, 4);
        } else {
                pickle_op(pickle, "LONG1");
                bytes_add_number(pickle, 8, 1);
                bytes_add_number(pickle, (uint64_t)number, 8);
        }
}

void pickle_text(struct bytes *pickle, const char *text, size_t length)
{
        pickle_op(pickle, "BINUNICODE");
        bytes_add_number(pickle, length, 4);
        bytes_add(pickle, text, length);
}

void pickle_global(struct bytes *pickle, const char *module, const char *name)
{
        pickle_op(pickle, "GLOBAL");
        bytes_add_text(pickle, module);
        bytes_add_text(pickle, "\n");
        bytes_add_text(pickle, name);
        bytes_add_text(pickle, "\n");
}

static void memo(struct bytes *pickle, const char *name, const char *long_name, uint32_t index)
{
        pickle_op(pickle, index < 256 ? name : long_name);
        bytes_add_number(pickle, index, index < 256 ? 1 : 4);
}

void pickle_put(struct bytes *pickle, uint32_t index)
{
        memo(pickle, "BINPUT", "LONG_BINPUT", index);
}

void pickle_get(struct bytes *pickle, uint32_t index)
{
        memo(pickle, "BINGET", "LONG_BINGET", index);
}

void pickle_storage(struct bytes *pickle, const char *class, const char *key, uint64_t count, bool legacy)
{
        char name[80];

        pickle_op(pickle, "MARK");
        pickle_text(pickle, "storage", 7);
        snprintf(name, sizeof(name), "%sStorage", class);
        pickle_global(pickle, strcmp(class, "Untyped") == 0 ? "torch.storage" : "torch", name);
        pickle_text(pickle, key, strlen(key));
        pickle_text(pickle, "cpu", 3);
        pickle_int(pickle, (int64_t)count);
        if (legacy)
                pickle_op(pickle, "NONE");
        pickle_op(pickle, "TUPLE");
        pickle_op(pickle, "BINPERSID");
}

static void tuple(struct bytes *pickle, unsigned count, const uint64_t *numbers)
{
        pickle_op(pickle, "MARK");
        for (unsigned i = 0; i < count; i++)
                pickle_int(pickle, (int64_t)numbers[i]);
        pickle_op(pickle, "TUPLE");
}

void pickle_tensor(struct bytes *pickle, const char *class, const char *key, uint64_t count, uint64_t offset,
                   unsigned rank, const uint64_t *shape, const uint64_t *strides, bool legacy)
{
        pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
        pickle_op(pickle, "MARK");
        pickle_storage(pickle, class, key, count, legacy);
        pickle_int(pickle, (int64_t)offset);
        tuple(pickle, rank, shape);
        tuple(pickle, rank, strides);
        pickle_op(pickle, "NEWFALSE");
        pickle_global(pickle, "collections", "OrderedDict");
        pickle_op(pickle, "EMPTY_TUPLE");
        pickle_op(pickle, "REDUCE");
        pickle_op(pickle, "TUPLE");
        pickle_op(pickle, "REDUCE");
}

static void add_hex(struct bytes *pickle, const char *hex)
{
        unsigned byte;

        for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
                bytes_add_number(pickle, byte, 1);
}

static void add_characters(struct bytes *pickle, const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                const bool line = text[i] == '\\' && i + 1 < length && text[i + 1] == 'n';

                bytes_add(pickle, line ? "\n" : text + i, 1);
                i += line;
        }
}

static void add_storage(struct bytes *pickle, const char *word, bool legacy)
{
        char class[40], key[40];
        uint64_t count;

        if (sscanf(word, "<%39[^:]:%39[^:]:%" SCNu64 ">", class, key, &count) != 3)
                abort();
        pickle_storage(pickle, class, key, count, legacy);
}

static void add_global(struct bytes *pickle, char *word)
{
        char *colon = strchr(word, ':');

        if (!colon)
                abort();
        *colon = '\0';
        pickle_global(pickle, word, colon + 1);
}

static bool is_number(const char *word)
{
        return isdigit((unsigned char)word[word[0] == '-']);
}

static void add_word(struct bytes *pickle, char *word, bool legacy)
{
        if (is_number(word))
                pickle_int(pickle, strtoll(word, NULL, 10));
        else if (word[0] == '#')
                add_hex(pickle, word + 1);
        else if (word[0] == '@')
                add_global(pickle, word + 1);
        else if (word[0] == '<')
                add_storage(pickle, word, legacy);
        else if (!word[1])
                bytes_add(pickle, word, 1);
        else if (word[0] == 'q' && is_number(word + 1))
                pickle_put(pickle, (uint32_t)strtoul(word + 1, NULL, 10));
        else if (word[0] == 'h' && is_number(word + 1))
                pickle_get(pickle, (uint32_t)strtoul(word + 1, NULL, 10));
        else
                pickle_op(pickle, word);
}

void pickle_assemble(struct bytes *pickle, const char *text, bool legacy)
{
        char word[1024];

        while (*(text += strspn(text, " \n"))) {
                const bool quoted = *text == '\'' || *text == '"';
                const char quote[2] = {*text, '\0'};
                const size_t length = quoted ? strcspn(text + 1, quote) : strcspn(text, " \n");

                if (length >= sizeof(word))
                        abort();
                if (*text == '\'') {
                        pickle_text(pickle, text + 1, length);
                } else if (*text == '"') {
                        add_characters(pickle, text + 1, length);
                } else {
                        memcpy(word, text, length);
                        word[length] = '\0';
                        add_word(pickle, word, legacy);
                }
                text += length + (quoted ? 2 : 0);
        }
}
