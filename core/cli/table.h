/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people: aligned columns, and the words for sizes, shapes and names that stand in them
 *
 * A table is filled cell by cell, row by row. A note is a line of its own below a row. Running out of
 * memory is remembered and said when the table is printed.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "core/base/array.h"
#include "core/base/text.h"

enum {
        TABLE_COLUMNS_MAX = 8
};

struct table_row {
        char *cells[TABLE_COLUMNS_MAX];
        char *note;
};

struct table {
        uint32_t n_columns, n_cells; /* n_cells: filled in the last row */
        uint32_t right;              /* bits of the columns that are aligned at their right side */
        bool failed;
        CKPT_ARRAY(struct table_row) rows;
};

/** The titles are the first row; NULL ends them. */
void table_init(struct table *table, uint32_t right, const char *const *titles);
void table_deinit(struct table *table);

/** The next cell; a new row begins when the last is full. NULL is printed as "-". */
void table_add(struct table *table, const char *text);
/** As table_add, for a string from outside: what would upset a terminal is escaped. */
void table_add_name(struct table *table, const char *name);
void table_add_u64(struct table *table, uint64_t value);
/** "1.5 GiB". */
void table_add_size(struct table *table, uint64_t bytes);
/** "[256, 64]". */
void table_add_shape(struct table *table, const int64_t *shape, uint32_t rank);
void table_add_note(struct table *table, const char *text);

/** Prints nothing when there are only titles. */
void table_print(const struct table *table, FILE *out);

void text_add_size(ckpt_text *text, uint64_t bytes);
void text_add_shape(ckpt_text *text, const int64_t *shape, uint32_t rank);
/** Prints a string from outside. */
void print_name(FILE *out, const char *name);

#endif
