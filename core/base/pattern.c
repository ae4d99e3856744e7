/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Comparing names: patterns over dotted components, and the distance of two names
 *
 * Both matchers, of characters in a component and of components in a name, remember only the last wildcard
 * they passed: an earlier one never needs to take more than it did, so there is no exponential backtracking.
 */

#include <string.h>

#include "core/base/text.h"

/* A component: `at` up to `end`, with `next` after the dot, or NULL when it is the last. */
typedef struct piece {
        const char *at, *end, *next;
} piece;

static piece piece_at(const char *at, const char *end)
{
        const char *dot = memchr(at, '.', (size_t)(end - at));

        return dot ? (piece){at, dot, dot + 1} : (piece){at, end, NULL};
}

static bool is_any_depth(const piece *p)
{
        return p->end - p->at == 2 && p->at[0] == '*' && p->at[1] == '*';
}

/* `*` is any characters. */
static bool match_piece(const piece *pattern, const piece *name)
{
        const char *p = pattern->at, *n = name->at, *star = NULL, *resume = NULL;

        while (n < name->end) {
                if (p < pattern->end && *p == '*') {
                        star = ++p;
                        resume = n;
                } else if (p < pattern->end && *p == *n) {
                        p++;
                        n++;
                } else if (star) {
                        p = star;
                        n = ++resume;
                } else {
                        return false;
                }
        }
        while (p < pattern->end && *p == '*')
                p++;
        return p == pattern->end;
}

/* Whether what is left of a pattern, from `p` on, matches no components at all. */
static bool matches_nothing(const char *p, const char *end)
{
        while (p) {
                const piece rest = piece_at(p, end);

                if (!is_any_depth(&rest))
                        return false;
                p = rest.next;
        }
        return true;
}

static bool match_range(const char *pattern, const char *name, const char *name_end)
{
        const char *const pattern_end = pattern + strlen(pattern);
        const char *p = pattern, *n = name, *deep = NULL, *resume = NULL;

        while (n) {
                const piece from = piece_at(n, name_end);
                const piece want = p ? piece_at(p, pattern_end) : (piece){NULL, NULL, NULL};

                if (p && is_any_depth(&want)) {
                        if (!want.next)
                                return true;
                        deep = p = want.next;
                        resume = n;
                } else if (p && match_piece(&want, &from)) {
                        p = want.next;
                        n = from.next;
                } else if (deep) {
                        p = deep;
                        n = resume = piece_at(resume, name_end).next;
                } else {
                        return false;
                }
        }
        return matches_nothing(p, pattern_end);
}

/*
 * What is behind a pattern's last wildcard, without the dot that `**` may leave unmatched. A name that
 * matches ends in it; most names do not, and are ruled out by that.
 */
static const char *literal_tail(const char *pattern)
{
        const char *star = strrchr(pattern, '*');

        if (!star)
                return pattern;
        return star[1] == '.' ? star + 2 : star + 1;
}

ckpt_pattern ckpt_pattern_of(const char *string)
{
        const char *const tail = literal_tail(string);

        return (ckpt_pattern){string, tail, strlen(tail)};
}

bool ckpt_pattern_match_name(const ckpt_pattern *pattern, const char *name, uint64_t length)
{
        const char *const string = pattern->string, *const tail = pattern->tail;
        const uint64_t tail_length = pattern->tail_length;

        if (length < tail_length || memcmp(name + length - tail_length, tail, tail_length) != 0)
                return false;
        if (tail == string)
                return length == tail_length;
        if (tail == string + 3 && memcmp(string, "**.", 3) == 0) /* what most patterns look like */
                return length == tail_length || name[length - tail_length - 1] == '.';
        return match_range(string, name, name + length);
}

bool ckpt_pattern_match(const char *pattern, const char *name)
{
        const ckpt_pattern once = ckpt_pattern_of(pattern);

        return ckpt_pattern_match_name(&once, name, strlen(name));
}

static bool match_literal_prefix(const char *pattern, const char *name, const char **ret_rest)
{
        const size_t length = strlen(pattern);

        if (strncmp(name, pattern, length) != 0 || (name[length] && name[length] != '.'))
                return false;
        *ret_rest = name[length] ? name + length + 1 : NULL;
        return true;
}

/* The whole name goes before its parts, a shorter part before a longer one. */
bool ckpt_pattern_match_prefix(const char *pattern, const char *name, const char **ret_rest)
{
        const char *const tail = literal_tail(pattern);

        if (tail == pattern)
                return match_literal_prefix(pattern, name, ret_rest);
        if (!strstr(name, tail))
                return false;
        if (ckpt_pattern_match(pattern, name)) {
                *ret_rest = NULL;
                return true;
        }
        for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
                if (match_range(pattern, name, dot)) {
                        *ret_rest = dot + 1;
                        return true;
                }
        }
        return false;
}

/* Parts that differ and are longer than this count as too far apart. */
#define DISTANCE_MAX 512u

static uint32_t least_of(uint32_t a, uint32_t b)
{
        return a < b ? a : b;
}

uint32_t ckpt_text_distance(const char *a, const char *b, uint32_t limit)
{
        size_t n_a, n_b;
        uint32_t row[DISTANCE_MAX + 1];

        while (*a && *a == *b) {
                a++;
                b++;
        }
        n_a = strlen(a);
        n_b = strlen(b);
        while (n_a && n_b && a[n_a - 1] == b[n_b - 1]) {
                n_a--;
                n_b--;
        }
        if (n_a > DISTANCE_MAX || n_b > DISTANCE_MAX || (n_a > n_b ? n_a - n_b : n_b - n_a) > limit)
                return limit + 1;
        for (uint32_t j = 0; j <= n_b; j++)
                row[j] = j;
        for (uint32_t i = 1; i <= n_a; i++) {
                uint32_t diagonal = row[0], best = row[0] = i;

                for (uint32_t j = 1; j <= n_b; j++) {
                        const uint32_t change = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        row[j] = least_of(change, least_of(row[j], row[j - 1]) + 1);
                        best = least_of(best, row[j]);
                }
                if (best > limit)
                        return limit + 1;
        }
        return least_of(row[n_b], limit + 1);
}
