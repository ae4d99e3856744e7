/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes of the stack and of the memo. */
#include "machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
        MEMO_MIN = 256
};

int hf_run_mark(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        if (pickle->n_marks == HF_PICKLE_MARKS_MAX)
                return hf_pickle_fail(pickle, HF_BAD_LIMIT, "values are nested more than %d deep",
                                      HF_PICKLE_MARKS_MAX);
        pickle->marks[pickle->n_marks++] = pickle->depth;
        return 0;
}

/* A mark that has nothing above it is popped like a value. */
int hf_run_pop(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        if (pickle->n_marks > 0 && pickle->marks[pickle->n_marks - 1] == pickle->depth) {
                pickle->n_marks--;
                return 0;
        }
        return hf_pickle_pop(pickle) ? 0 : -1;
}

int hf_run_pop_mark(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *const *items;
        size_t count;

        (void)operand;
        return hf_pickle_pop_mark(pickle, &items, &count);
}

int hf_run_dup(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return hf_pickle_push(pickle, hf_pickle_top(pickle));
}

/* The memo */

static int grow_memo(struct hf_pickle *pickle, uint64_t index)
{
        size_t size = pickle->memo_size ? pickle->memo_size : MEMO_MIN;
        const struct hf_value **grown;

        if (index >= HF_PICKLE_MEMO_MAX)
                return hf_pickle_fail(pickle, HF_BAD_LIMIT, "memo %" PRIu64 " is past the limit of %d", index,
                                      HF_PICKLE_MEMO_MAX);
        while (size <= index)
                size *= 2;
        grown = realloc(pickle->memo, size * sizeof *grown);
        if (!grown)
                return hf_error_set_memory(pickle->error);
        memset(grown + pickle->memo_size, 0, (size - pickle->memo_size) * sizeof *grown);
        pickle->memo = grown;
        pickle->memo_size = size;
        return 0;
}

static int put(struct hf_pickle *pickle, uint64_t index)
{
        const struct hf_value *value = hf_pickle_top(pickle);

        if (!value || (index >= pickle->memo_size && grow_memo(pickle, index) < 0))
                return -1;
        pickle->n_memo += !pickle->memo[index];
        pickle->memo[index] = value;
        return 0;
}

static int get(struct hf_pickle *pickle, uint64_t index)
{
        if (index >= pickle->memo_size || !pickle->memo[index])
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "memo %" PRIu64 " is read before it is written",
                                      index);
        return hf_pickle_push(pickle, pickle->memo[index]);
}

int hf_run_put(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return put(pickle, operand->number);
}

int hf_run_get(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return get(pickle, operand->number);
}

/* The next number that is free, as CPython counts. */
int hf_run_memoize(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        (void)operand;
        return put(pickle, pickle->n_memo);
}

static int parse_index(struct hf_pickle *pickle, const struct hf_operand *operand, uint64_t *ret_index)
{
        uint64_t index = 0;
        size_t i;

        for (i = 0; i < operand->number && operand->text[i] >= '0' && operand->text[i] <= '9' &&
                    index < HF_PICKLE_MEMO_MAX;
             i++)
                index = index * 10 + (uint64_t)(operand->text[i] - '0');
        if (i == 0 || i < operand->number)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE, "the number of a memo is none, or past %d",
                                      HF_PICKLE_MEMO_MAX);
        *ret_index = index;
        return 0;
}

int hf_run_put_decimal(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        uint64_t index;

        return parse_index(pickle, operand, &index) < 0 ? -1 : put(pickle, index);
}

int hf_run_get_decimal(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        uint64_t index;

        return parse_index(pickle, operand, &index) < 0 ? -1 : get(pickle, index);
}
