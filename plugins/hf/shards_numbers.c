/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "pytorch_model-00003-of-00007.bin": where the index is not there to say what is missing, the names still
 * do.
 */
#include "components.h"
#include "shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        DIGITS = 5,
        NAME_SIZE = 4096,
};

struct numbered {
        int stem; /* bytes before "-00003-of-00007" */
        unsigned number, total;
        const char *suffix;
};

static bool read_digits(const char *text, unsigned *ret_value)
{
        *ret_value = (unsigned)strtoul(text, NULL, 10);
        return strspn(text, "0123456789") == DIGITS;
}

static bool parse(const char *name, const char *suffix, struct numbered *ret_numbered)
{
        static const char pattern[] = "-00000-of-00000";
        size_t length = strlen(name), tail = sizeof pattern - 1 + strlen(suffix);
        const char *numbers;

        if (length <= tail || length >= NAME_SIZE)
                return false;
        numbers = name + length - tail;
        if (numbers[0] != '-' || memcmp(numbers + 1 + DIGITS, "-of-", 4) != 0 ||
            !read_digits(numbers + 1, &ret_numbered->number) ||
            !read_digits(numbers + 5 + DIGITS, &ret_numbered->total))
                return false;
        ret_numbered->stem = (int)(length - tail);
        ret_numbered->suffix = suffix;
        return true;
}

/* Whether the file of that number is there; `text` gets its name. */
static bool find_number(const ckpt_source *source, const char *name, const struct numbered *numbered,
                        unsigned number, char text[NAME_SIZE])
{
        uint32_t object;

        snprintf(text, NAME_SIZE, "%.*s-%05u-of-%05u%s", numbered->stem, name, number, numbered->total,
                 numbered->suffix);
        return ckpt_source_find(source, text, &object) == 0;
}

static ckpt_status check_series(const ckpt_frame *self, const ckpt_source *source, const char *name,
                                const struct numbered *numbered)
{
        char other[NAME_SIZE];
        ckpt_where where = {.struct_size = sizeof where, .object = other, .hint = "fetch the missing file"};
        unsigned i;

        /* The first of a series answers for the others. */
        if (numbered->number > 1 && find_number(source, name, numbered, 1, other))
                return 0;
        for (i = 1; i <= numbered->total; i++)
                if (!find_number(source, name, numbered, i, other))
                        return ckpt_fail(self, CKPT_E_NOT_FOUND, &where,
                                         "this shard is not there, though %s is one of %u", name,
                                         numbered->total);
        return 0;
}

ckpt_status hf_shards_check_numbers(const ckpt_frame *self, const ckpt_source *source,
                                    const struct hf_shards *shards)
{
        struct numbered numbered;
        ckpt_status r = 0;
        uint32_t i;

        for (i = 0; r == 0 && i < shards->n_shards; i++) {
                const char *name = ckpt_source_name(source, shards->shards[i].object);

                if (parse(name, shards->family->suffix, &numbered))
                        r = check_series(self, source, name, &numbered);
        }
        return r;
}
