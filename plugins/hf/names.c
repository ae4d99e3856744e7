/* SPDX-License-Identifier: Apache-2.0 */
/* Taking, comparing and printing names. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A slot holds a hash and an index + 1; 0 is empty. A run this long means that the hashes were chosen. */
enum {
        PROBES_MAX = 64
};

uint32_t hf_name_hash(const char *text, size_t length)
{
        const uint64_t prime = UINT64_C(0x9E3779B97F4A7C15);
        uint64_t hash = length * prime, word;

        for (; length >= 8; length -= 8, text += 8) {
                memcpy(&word, text, sizeof word);
                hash = (hash ^ word) * prime;
                hash ^= hash >> 32;
        }
        word = 0;
        memcpy(&word, text, length);
        hash = (hash ^ word) * prime;
        return (uint32_t)(hash ^ hash >> 32);
}

void hf_name_init(struct hf_name *name, const char *text, size_t length)
{
        name->text = text;
        name->length = (uint32_t)length;
        name->hash = hf_name_hash(text, length);
}

int hf_name_take(const struct hf_json *json, struct hf_arena *arena, struct hf_name *ret_name)
{
        const char *text = json->text;
        size_t length = json->length;

        if (length > UINT32_MAX)
                return -1;
        if (json->escaped) {
                char *plain = hf_arena_alloc(arena, length);

                if (!plain)
                        return -1;
                length = hf_json_unescape(text, length, plain);
                text = plain;
        }
        *ret_name = (struct hf_name){.text = text, .length = (uint32_t)length};
        return 0;
}

int hf_name_compare(const struct hf_name *a, const struct hf_name *b)
{
        size_t common = a->length < b->length ? a->length : b->length;
        int order = common && a->text != b->text ? memcmp(a->text, b->text, common) : 0;

        return order ? order : (a->length > b->length) - (a->length < b->length);
}

static const struct hf_name *name_at(const void *records, size_t stride, size_t index)
{
        return (const struct hf_name *)(const void *)((const char *)records + index * stride);
}

struct group {
        const void *records;
        size_t stride, count;
        uint32_t *first;
        size_t duplicate, original; /* duplicate == count: none yet */
};

/* Notes that record `index` has the name of `original`, which stands before it. */
static void note(struct group *group, size_t index, size_t original)
{
        if (group->first)
                group->first[index] = (uint32_t)original;
        if (index != original && index < group->duplicate) {
                group->duplicate = index;
                group->original = original;
        }
}

/* 0 when done, 1 when a run of slots got too long, -1 when memory is out. */
static int group_by_hash(struct group *group)
{
        size_t size = 16, i;
        uint64_t *slots;
        int result = 0;

        while (size < group->count * 2)
                size *= 2;
        slots = calloc(size, sizeof *slots);
        if (!slots)
                return -1;

        for (i = 0; i < group->count && result == 0; i++) {
                const struct hf_name *name = name_at(group->records, group->stride, i);
                uint32_t hash = name->hash ? name->hash : hf_name_hash(name->text, name->length);
                size_t slot = hash & (size - 1), probes = 0, original = i;

                while (slots[slot]) {
                        size_t other = (size_t)(slots[slot] & UINT32_MAX) - 1;

                        if (slots[slot] >> 32 == hash &&
                            hf_name_compare(name, name_at(group->records, group->stride, other)) == 0) {
                                original = other;
                                break;
                        }
                        if (++probes > PROBES_MAX) {
                                result = 1;
                                break;
                        }
                        slot = (slot + 1) & (size - 1);
                }
                if (original == i)
                        slots[slot] = (uint64_t)hash << 32 | (i + 1);
                note(group, i, original);
                if (original != i && !group->first)
                        break;
        }
        free(slots);
        return result;
}

static int compare_pointers(const void *a, const void *b)
{
        const struct hf_name *x = *(const struct hf_name *const *)a, *y = *(const struct hf_name *const *)b;
        int order = hf_name_compare(x, y);

        /* Equal names in their first order: the records are one array, so addresses tell it. */
        return order ? order : (x > y) - (x < y);
}

static int group_by_sorting(struct group *group)
{
        const struct hf_name **names = calloc(group->count, sizeof *names);
        size_t i, original = 0;

        if (!names)
                return -1;
        group->duplicate = group->count;
        for (i = 0; i < group->count; i++)
                names[i] = name_at(group->records, group->stride, i);
        qsort(names, group->count, sizeof *names, compare_pointers);

        for (i = 0; i < group->count; i++) {
                size_t index =
                        (size_t)((const char *)names[i] - (const char *)group->records) / group->stride;

                if (i == 0 || hf_name_compare(names[i - 1], names[i]) != 0)
                        original = index;
                note(group, index, original);
        }
        free(names);
        return 0;
}

/* Most writers sort their names; then neighbours tell that all differ. */
static bool is_ascending(const struct group *group)
{
        size_t i;

        for (i = 1; i < group->count; i++)
                if (hf_name_compare(name_at(group->records, group->stride, i - 1),
                                    name_at(group->records, group->stride, i)) >= 0)
                        return false;
        return true;
}

int hf_names_group(const void *records, size_t stride, size_t count, uint32_t *ret_first,
                   size_t *ret_duplicate, size_t *ret_original)
{
        struct group group = {records, stride, count, ret_first, count, 0};
        size_t i;
        int result;

        if (count >= UINT32_MAX || count > SIZE_MAX / 64)
                return -1;
        if (is_ascending(&group)) {
                for (i = 0; ret_first && i < count; i++)
                        ret_first[i] = (uint32_t)i;
                return 0;
        }
        result = group_by_hash(&group);
        if (result > 0)
                result = group_by_sorting(&group);
        if (result < 0 || group.duplicate == count)
                return result;
        *ret_duplicate = group.duplicate;
        *ret_original = group.original;
        return 1;
}

/* Four characters; snprintf would make a file full of odd names slow to refuse. */
static void print_byte(char *dst, unsigned char byte)
{
        static const char digits[] = "0123456789ABCDEF";

        dst[0] = '\\';
        dst[1] = 'x';
        dst[2] = digits[byte >> 4];
        dst[3] = digits[byte & 15];
}

char *hf_name_print(const char *text, size_t length, char *dst, size_t size)
{
        size_t used = 0, i;

        for (i = 0; i < length; i++) {
                unsigned char c = (unsigned char)text[i];
                size_t want = c >= 0x20 && c < 0x7F && c != '\\' ? 1 : 4;

                /* Room is kept for the dots and the terminator. */
                if (used + want + 4 > size)
                        break;
                if (want == 1)
                        dst[used] = (char)c;
                else
                        print_byte(dst + used, c);
                used += want;
        }
        snprintf(dst + used, size - used, "%s", i < length ? "..." : "");
        return dst;
}
