/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What lies below a prefix. Names that share one are neighbours in sorted order, so a part of a dictionary,
 * and a part of a part, is found by two binary searches and shares the sorted index of the whole.
 */

#include <stdlib.h>
#include <string.h>

#include "core/weights/view.h"

static int by_number(const void *a, const void *b)
{
        const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static ckpt_status sort_dict(ckpt_dict *dict, ckpt_arena *arena)
{
        uint64_t *sorted;

        if (dict->sorted && dict->n_sorted == dict->count)
                return CKPT_OK;
        sorted = ckpt_arena_calloc(arena, dict->count, sizeof(*sorted));
        if (!sorted || ckpt_entries_sort(dict->entries, sorted, dict->count) != CKPT_OK)
                return CKPT_E_NOMEM;
        dict->sorted = sorted;
        dict->n_sorted = dict->count;
        return CKPT_OK;
}

ckpt_status ckpt_weights_sorted(const ckpt_weights *weights, ckpt_range *ret_range)
{
        if (weights->kind == CKPT_WEIGHTS_RANGE) {
                *ret_range = *weights->as.range;
                return CKPT_OK;
        }
        if (sort_dict(weights->as.dict, &weights->scope->arena) != CKPT_OK) {
                weights->scope->out_of_memory = true;
                return CKPT_E_NOMEM;
        }
        *ret_range = (ckpt_range){.dict = weights->as.dict,
                                  .sorted = weights->as.dict->sorted,
                                  .count = weights->as.dict->count};
        return CKPT_OK;
}

const char *ckpt_range_name(const ckpt_range *range, uint64_t at)
{
        return range->dict->entries[range->sorted[at]].name + range->skip;
}

/* A name against everything that is prefix + "." + something. */
static int compare_below(const char *name, const char *prefix, size_t length)
{
        const int r = strncmp(name, prefix, length);

        return r ? r : (int)(unsigned char)name[length] - '.';
}

uint64_t ckpt_range_lower_bound(const ckpt_range *range, const char *name)
{
        uint64_t low = 0, high = range->count;

        while (low < high) {
                const uint64_t middle = low + (high - low) / 2;

                if (strcmp(ckpt_range_name(range, middle), name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* First entry from `low` on, and not past `high`, that compares with the prefix as at least `least`. */
static uint64_t search_below(const ckpt_range *range, uint64_t low, uint64_t high, const char *prefix,
                             size_t length, int least)
{
        while (low < high) {
                const uint64_t middle = low + (high - low) / 2;

                if (compare_below(ckpt_range_name(range, middle), prefix, length) < least)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* First entry that is not before what is below the prefix; doubling steps from `near` find two around it. */
static uint64_t first_below(const ckpt_range *range, const char *prefix, size_t length, uint64_t near)
{
        uint64_t low = 0, high = range->count, step = 1;

        if (near >= high)
                return search_below(range, low, high, prefix, length, 0);
        if (compare_below(ckpt_range_name(range, near), prefix, length) < 0) {
                for (low = near + 1; step <= high - low; step *= 2) {
                        if (compare_below(ckpt_range_name(range, low + step - 1), prefix, length) >= 0) {
                                high = low + step - 1;
                                break;
                        }
                        low += step;
                }
        } else {
                for (high = near; step < high; step *= 2) {
                        if (compare_below(ckpt_range_name(range, high - step), prefix, length) < 0) {
                                low = high - step + 1;
                                break;
                        }
                        high -= step;
                }
        }
        return search_below(range, low, high, prefix, length, 0);
}

uint64_t ckpt_range_below(const ckpt_range *range, const char *prefix, uint64_t near, uint64_t *ret_first)
{
        const size_t length = strlen(prefix);
        const uint64_t first = first_below(range, prefix, length, near);
        uint64_t low = first, end = first, step = 1;

        /* Mostly few are below it: the end is sought in steps that double. */
        while (end < range->count && compare_below(ckpt_range_name(range, end), prefix, length) == 0) {
                low = end + 1;
                end = step < range->count - end ? end + step : range->count;
                step *= 2;
        }
        *ret_first = first;
        return search_below(range, low, end, prefix, length, 1) - first;
}

/* Mostly they are in that order already; and often nobody asks, so it is settled on first need. */
const uint64_t *ckpt_range_added(ckpt_range *range, ckpt_scope *scope)
{
        uint64_t *added, i = 1;

        if (range->added)
                return range->added;
        while (i < range->count && range->sorted[i - 1] < range->sorted[i])
                i++;
        if (i >= range->count)
                return range->added = range->sorted;
        added = ckpt_arena_calloc(&scope->arena, range->count, sizeof(*added));
        if (!added) {
                scope->out_of_memory = true;
                return NULL;
        }
        memcpy(added, range->sorted, range->count * sizeof(*added));
        qsort(added, range->count, sizeof(*added), by_number);
        return range->added = added;
}

/* Edits have no sorted index. NULL when memory is short. */
static const ckpt_weights *without_edits(const ckpt_weights *weights)
{
        return weights->kind == CKPT_WEIGHTS_EDIT ? ckpt_edit_flat(weights->as.edit) : weights;
}

const ckpt_weights *ckpt_weights_api_filter(const ckpt_weights *weights, const char *prefix)
{
        const ckpt_weights *whole;
        ckpt_weights *part;
        ckpt_range range;
        uint64_t near, first;

        if (!prefix || !*prefix) /* the root: everything is below it */
                return weights;
        whole = without_edits(weights);
        if (!whole || ckpt_weights_sorted(whole, &range) != CKPT_OK)
                return NULL;
        part = ckpt_weights_view_new(whole->scope, CKPT_WEIGHTS_RANGE);
        if (!part)
                return NULL;
        near = whole->kind == CKPT_WEIGHTS_DICT ? whole->as.dict->near : 0;
        range.count = ckpt_range_below(&range, prefix, near, &first);
        if (whole->kind == CKPT_WEIGHTS_DICT)
                whole->as.dict->near = first;
        range.skip += strlen(prefix) + 1;
        range.sorted += first;
        range.added = NULL;
        *part->as.range = range;
        return part;
}
