/* SPDX-License-Identifier: Apache-2.0 */
#include "odd.h"

#include <stdlib.h>
#include <string.h>

#include "paths/asked.h"
#include "support/scratch.h"
#include "unit/test_memory_files.h"

#include <check.h>

#define BLOCK 4096u

/* ---- the file ---- */

enum {
        EMPTY,
        ODD,
        WIDE,
        NARROW,
        SHORT,
        BEFORE_SECOND,
        SECOND,
        BEFORE_FIRST,
        FIRST,
        BIG,
        CAST,
        TURNED,
        SHARED,
        NOTHING,
        TENSORS
};

/*
 * Rows of `wide` are long enough to be read one by one on a rank of four, those of `narrow` are read with the
 * gaps between them, those of `short` are gathered.
 */
static sparse_tensor tensors[TENSORS] = {
        [EMPTY] = {.name = "empty.weight", .dtype = "BF16", .shape = {0, 0}, .element = 2},
        [ODD] = {.name = "odd.weight", .dtype = "U8", .shape = {12345, 0}, .element = 1},
        [WIDE] = {.name = "rows_wide.weight", .dtype = "BF16", .shape = {24, 40000}, .element = 2},
        [NARROW] = {.name = "rows_narrow.weight", .dtype = "BF16", .shape = {600, 64}, .element = 2},
        [SHORT] = {.name = "rows_short.weight", .dtype = "BF16", .shape = {64, 4096}, .element = 2},
        [BEFORE_SECOND] = {.name = "filler.a", .dtype = "U8", .shape = {20000, 0}, .element = 1},
        [SECOND] = {.name = "second.weight", .dtype = "F32", .shape = {68, 75}, .element = 4},
        [BEFORE_FIRST] = {.name = "filler.b", .dtype = "U8", .shape = {20000, 0}, .element = 1},
        [FIRST] = {.name = "first.weight", .dtype = "F32", .shape = {72, 75}, .element = 4},
        [BIG] = {.name = "columns_big.weight", .dtype = "BF16", .shape = {2004, 1001}, .element = 2},
        [CAST] = {.name = "cast.weight", .dtype = "F32", .shape = {300, 1111}, .element = 4},
        [TURNED] = {.name = "turned.weight", .dtype = "BF16", .shape = {260, 301}, .element = 2},
        [SHARED] = {.name = "shared.weight", .dtype = "BF16", .shape = {333, 99}, .element = 2},
        [NOTHING] = {.name = "nothing.weight", .dtype = "F32", .shape = {0, 0}, .element = 4},
};

static uint8_t *sources[TENSORS];

static void put_element(unsigned tensor, uint64_t at, uint8_t *to)
{
        uint64_t mixed = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) + ((uint64_t)tensor << 56);
        float value;

        if (tensors[tensor].element == sizeof(value)) {
                value = some_float(at + tensor * UINT64_C(1000003));
                memcpy(to, &value, sizeof(value));
                return;
        }
        mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed ^= mixed >> 32;
        memcpy(to, &mixed, tensors[tensor].element);
}

/*
 * The sources of `joined` follow each other in staging memory and not in the file. Here each lies at a
 * distance from a block's start at which it could be read past the page cache into its place, if what is
 * around it did not matter.
 */
static void lay_out(void)
{
        for (unsigned round = 0; round < 4; round++) {
                const uint64_t first = tensors[FIRST].offset % BLOCK, second = tensors[SECOND].offset % BLOCK;

                tensors[BEFORE_SECOND].shape[0] +=
                        (int64_t)((tensors[FIRST].size % BLOCK + BLOCK - second) % BLOCK);
                if (round > 0 && second == tensors[FIRST].size % BLOCK)
                        tensors[BEFORE_FIRST].shape[0] += (int64_t)((BLOCK - first) % BLOCK);
                sparse_make("model.safetensors", tensors, TENSORS);
        }
        ck_assert_uint_eq(tensors[FIRST].offset % BLOCK, 0);
        ck_assert_uint_eq(tensors[SECOND].offset % BLOCK, tensors[FIRST].size % BLOCK);
}

void odd_make(void)
{
        sparse_make("model.safetensors", tensors, TENSORS);
        lay_out();
        for (unsigned i = 0; i < TENSORS; i++) {
                const sparse_tensor *t = &tensors[i];

                sources[i] = malloc(t->size + 1);
                ck_assert_ptr_nonnull(sources[i]);
                for (uint64_t at = 0; at < t->size / t->element; at++)
                        put_element(i, at, sources[i] + at * t->element);
                if (t->size > 0)
                        sparse_write("model.safetensors", t->offset, sources[i], t->size);
        }
}

void odd_forget(void)
{
        for (unsigned i = 0; i < TENSORS; i++) {
                free(sources[i]);
                sources[i] = NULL;
        }
}

/* ---- the engine's model ---- */

enum part {
        WHOLE,
        ROWS,   /* a rank has a part of every row */
        COLUMNS /* a rank has some of the rows */
};

typedef struct odd_param {
        const char *module;
        int32_t role;
        ckpt_dtype dtype;
        enum part part;
        bool is_turned;
        unsigned n_sources, sources[2];
} odd_param;

static const odd_param params[] = {
        {"empty", CKPT_ROLE_PLAIN, CKPT_DTYPE_BF16, WHOLE, false, 1, {EMPTY}},
        {"odd", CKPT_ROLE_PLAIN, CKPT_DTYPE_U8, WHOLE, false, 1, {ODD}},
        {"rows_wide", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, ROWS, false, 1, {WIDE}},
        {"rows_narrow", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, ROWS, false, 1, {NARROW}},
        {"rows_short", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, ROWS, false, 1, {SHORT}},
        {"joined", CKPT_ROLE_FUSED, CKPT_DTYPE_BF16, WHOLE, false, 2, {FIRST, SECOND}},
        {"columns_big", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, COLUMNS, false, 1, {BIG}},
        {"cast", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, WHOLE, false, 1, {CAST}},
        {"turned", CKPT_ROLE_LINEAR, CKPT_DTYPE_BF16, WHOLE, true, 1, {TURNED}},
        {"left", CKPT_ROLE_FUSED, CKPT_DTYPE_BF16, WHOLE, false, 1, {SHARED}},
        {"right", CKPT_ROLE_FUSED, CKPT_DTYPE_BF16, WHOLE, false, 1, {SHARED}},
        {"nothing", CKPT_ROLE_PLAIN, CKPT_DTYPE_F32, WHOLE, false, 1, {NOTHING}},
};

#define PARAMS (sizeof(params) / sizeof(*params))

typedef struct extent {
        int64_t rows, columns;
} extent;

/* What a rank has of one source. */
static extent part_of(const odd_param *p, unsigned source, int64_t ranks)
{
        const int64_t *shape = tensors[source].shape;
        const extent whole = {shape[0] / (p->part == COLUMNS ? ranks : 1),
                              (shape[1] ? shape[1] : 1) / (p->part == ROWS ? ranks : 1)};

        return p->is_turned ? (extent){whole.columns, whole.rows} : whole;
}

static asked ask_for(const odd_param *p, int64_t ranks)
{
        extent all = part_of(p, p->sources[0], ranks);

        for (unsigned i = 1; i < p->n_sources; i++)
                all.rows += part_of(p, p->sources[i], ranks).rows;
        return (asked){
                .module = p->module,
                .role = p->role,
                .dtype = p->dtype,
                .rank = tensors[p->sources[0]].shape[1] ? 2 : 1,
                .shape = {all.rows, all.columns},
        };
}

ckpt_load *odd_load(ckpt_host *host, const ckpt_load_options *options, ckpt_model **ret_model)
{
        asked wanted[PARAMS];

        for (unsigned i = 0; i < PARAMS; i++)
                wanted[i] = ask_for(&params[i], options->mapping.tp_size);
        return asked_load(host, "model.safetensors", options, wanted, PARAMS, ret_model);
}

/* ---- what it must be ---- */

static uint8_t *put_expected(uint8_t *at, const odd_param *p, const uint8_t *source, uint32_t element)
{
        float value;
        uint16_t rounded;

        if (p->dtype != CKPT_DTYPE_BF16 || element != sizeof(value)) {
                memcpy(at, source, element);
                return at + element;
        }
        memcpy(&value, source, sizeof(value));
        rounded = bf16_of(value);
        memcpy(at, &rounded, sizeof(rounded));
        return at + sizeof(rounded);
}

/* A rank's part of one source, element by element. */
static uint8_t *make_part(uint8_t *at, const odd_param *p, unsigned source, const ckpt_mapping *mapping)
{
        const sparse_tensor *t = &tensors[source];
        const extent mine = part_of(p, source, mapping->tp_size);
        const int64_t columns = t->shape[1] ? t->shape[1] : 1, rank = mapping->tp_rank;

        for (int64_t i = 0; i < mine.rows; i++)
                for (int64_t j = 0; j < mine.columns; j++) {
                        const int64_t row = p->is_turned ? j : p->part == COLUMNS ? rank * mine.rows + i : i;
                        const int64_t column = p->is_turned      ? i
                                               : p->part == ROWS ? rank * mine.columns + j
                                                                 : j;

                        at = put_expected(at, p,
                                          sources[source] + (uint64_t)(row * columns + column) * t->element,
                                          t->element);
                }
        return at;
}

static uint8_t *make_expected(const odd_param *p, const ckpt_mapping *mapping, uint64_t size)
{
        uint8_t *expected = malloc(size + 1), *at = expected;

        for (unsigned i = 0; expected && i < p->n_sources; i++)
                at = make_part(at, p, p->sources[i], mapping);
        if (!expected || at != expected + size)
                abort();
        return expected;
}

bool odd_is_right(const ckpt_param *param, const void *bytes, const ckpt_mapping *mapping)
{
        const size_t length = strcspn(param->name, ".");

        for (unsigned i = 0; i < PARAMS; i++) {
                uint8_t *expected;
                bool same;

                if (strlen(params[i].module) != length || strncmp(params[i].module, param->name, length) != 0)
                        continue;
                expected = make_expected(&params[i], mapping, param->size);
                same = memcmp(bytes, expected, param->size) == 0;
                free(expected);
                return same;
        }
        return false;
}

void odd_expect(const ckpt_model *model, const ckpt_mapping *mapping, const char *how)
{
        ck_assert_uint_eq(ckpt_model_count(model), PARAMS);
        for (uint64_t i = 0; i < PARAMS; i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                uint8_t *bytes = malloc(param->size + 1);

                ck_assert_ptr_nonnull(bytes);
                ck_assert_int_eq(ckpt_model_read(model, param, 0, bytes, param->size), CKPT_OK);
                ck_assert_msg(odd_is_right(param, bytes, mapping), "%s on %s, rank %d of %d: %s is wrong",
                              how, ckpt_model_device(model), mapping->tp_rank, mapping->tp_size, param->name);
                free(bytes);
        }
}
