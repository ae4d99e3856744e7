/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Entries in the order of their names
 *
 * A file's names are in order for long stretches, and differ late: comparing them is what costs. So this is a
 * merge sort that leaves alone what is in order, and looks for the end of a stretch in steps that double.
 */

#include <stdlib.h>
#include <string.h>

#include "core/weights/view.h"

/* How many of some sorted entries compare with another as less than `least` (0: before it, 1: not after). */
static uint64_t count_below(const ckpt_weights_entry *entries, const uint64_t *sorted, uint64_t count,
                            uint64_t than, int least)
{
        const char *name = entries[than].name;
        uint64_t low = 0, high = 1;

        while (high < count && strcmp(entries[sorted[high - 1]].name, name) < least) {
                low = high;
                high *= 2;
        }
        if (high > count)
                high = count;
        while (low < high) {
                const uint64_t middle = low + (high - low) / 2;

                if (strcmp(entries[sorted[middle]].name, name) < least)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* The first `left` entries and those behind them, each in order, become one; `room` is for the left. */
static void merge(const ckpt_weights_entry *entries, uint64_t *sorted, uint64_t left, uint64_t count,
                  uint64_t *room)
{
        uint64_t from = 0, right = left, to = 0;

        memcpy(room, sorted, left * sizeof(*room));
        while (right < count) {
                uint64_t n = count_below(entries, room + from, left - from, sorted[right], 1);

                memcpy(sorted + to, room + from, n * sizeof(*room));
                to += n;
                from += n;
                if (from == left)
                        return;
                n = count_below(entries, sorted + right, count - right, room[from], 0);
                memmove(sorted + to, sorted + right, n * sizeof(*room));
                to += n;
                right += n;
        }
        memcpy(sorted + to, room + from, (left - from) * sizeof(*room));
}

static void sort(const ckpt_weights_entry *entries, uint64_t *sorted, uint64_t count, uint64_t *room)
{
        const uint64_t left = count / 2;

        if (count < 2)
                return;
        sort(entries, sorted, left, room);
        sort(entries, sorted + left, count - left, room);
        if (strcmp(entries[sorted[left - 1]].name, entries[sorted[left]].name) > 0)
                merge(entries, sorted, left, count, room);
}

ckpt_status ckpt_entries_sort(const ckpt_weights_entry *entries, uint64_t *ret_sorted, uint64_t count)
{
        _cleanup_(ckpt_freep) uint64_t *room = calloc(count / 2 + 1, sizeof(*room));

        if (!room)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++)
                ret_sorted[i] = i;
        sort(entries, ret_sorted, count, room);
        return CKPT_OK;
}
