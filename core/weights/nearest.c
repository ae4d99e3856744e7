/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names like one that is missing, for messages
 *
 * Large dictionaries are not compared as a whole, since every tensor of a checkpoint may be missed at once:
 * there the names next to it in sorted order, which share the longest prefix, must do.
 */

#include <string.h>

#include "core/weights/view.h"

#define COMPARE_ALL_UP_TO 4096u
#define NEIGHBOURS        256u
#define FARTHEST          24u
#define CANDIDATES        8u

typedef struct candidate {
        const char *name;
        uint32_t rank; /* less is nearer */
} candidate;

typedef struct candidates {
        candidate best[CANDIDATES];
        uint32_t count, limit;
} candidates;

static const char *last_of(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot ? dot + 1 : name;
}

static void consider(candidates *found, const char *wanted, const char *name, uint32_t farthest)
{
        const uint32_t distance = ckpt_text_distance(wanted, name, farthest);
        /* Another last component ("bias" for "weight") is farther than any distance. */
        const uint32_t rank = distance + (strcmp(last_of(wanted), last_of(name)) == 0 ? 0 : FARTHEST + 1);
        uint32_t at = found->count;

        if (distance > farthest || (at == found->limit && (at == 0 || rank >= found->best[at - 1].rank)))
                return;
        if (at == found->limit)
                at--;
        else
                found->count++;
        for (; at > 0 && found->best[at - 1].rank > rank; at--)
                found->best[at] = found->best[at - 1];
        found->best[at] = (candidate){name, rank};
}

uint32_t ckpt_weights_nearest(const ckpt_weights *weights, const char *name, const char **ret_names,
                              uint32_t limit)
{
        const ckpt_weights *whole =
                weights->kind == CKPT_WEIGHTS_EDIT ? ckpt_edit_flat(weights->as.edit) : weights;
        const size_t length = strlen(name);
        const uint32_t farthest = length / 2 < 3          ? 3
                                  : length / 2 > FARTHEST ? FARTHEST
                                                          : (uint32_t)(length / 2);
        candidates found = {.limit = limit < CANDIDATES ? limit : CANDIDATES};
        uint64_t first = 0, end;
        ckpt_range range;

        if (!whole || ckpt_weights_sorted(whole, &range) != CKPT_OK)
                return 0;
        end = range.count;
        if (range.count > COMPARE_ALL_UP_TO) {
                const uint64_t at = ckpt_range_lower_bound(&range, name);

                first = at > NEIGHBOURS ? at - NEIGHBOURS : 0;
                end = range.count - at > NEIGHBOURS ? at + NEIGHBOURS : range.count;
        }
        for (uint64_t i = first; i < end; i++)
                consider(&found, name, ckpt_range_name(&range, i), farthest);
        for (uint32_t i = 0; i < found.count; i++)
                ret_names[i] = found.best[i].name;
        return found.count;
}
