/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables are kept whole until they are printed, since a column is as wide as its widest cell. The memory is
 * that of the names, which the library holds anyway.
 */
#include "table.h"

#include <inttypes.h>

#include "core/base/cleanup.h"

/* Characters, not bytes: names may be UTF-8. */
static uint32_t width_of(const char *text)
{
        uint32_t width = 0;

        for (; *text; text++)
                width += ((unsigned char)*text & 0xc0) != 0x80;
        return width;
}

void table_init(struct table *table, uint32_t right, const char *const *titles)
{
        *table = (struct table){.right = right};
        while (titles[table->n_columns] && table->n_columns < TABLE_COLUMNS_MAX)
                table->n_columns++;
        table->n_cells = table->n_columns;
        for (uint32_t i = 0; i < table->n_columns; i++)
                table_add(table, titles[i]);
}

void table_deinit(struct table *table)
{
        for (uint64_t i = 0; i < table->rows.count; i++) {
                free(table->rows.items[i].note);
                for (uint32_t c = 0; c < TABLE_COLUMNS_MAX; c++)
                        free(table->rows.items[i].cells[c]);
        }
        ckpt_array_deinit(&table->rows);
}

/* Where the next cell goes, NULL when memory is short. */
static char **next_cell(struct table *table)
{
        if (table->n_cells == table->n_columns) {
                if (ckpt_array_push(&table->rows, (struct table_row){.note = NULL}) != CKPT_OK)
                        return NULL;
                table->n_cells = 0;
        }
        return &table->rows.items[table->rows.count - 1].cells[table->n_cells++];
}

void table_add(struct table *table, const char *text)
{
        char **cell = table->failed ? NULL : next_cell(table);

        if (cell)
                *cell = strdup(text && *text ? text : "-");
        if (!cell || !*cell)
                table->failed = true;
}

static void add_text(struct table *table, const ckpt_text *text)
{
        if (text->failed)
                table->failed = true;
        table_add(table, ckpt_text_get(text));
}

void table_add_name(struct table *table, const char *name)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        if (name)
                ckpt_text_add_escaped(&text, name);
        add_text(table, &text);
}

void table_add_u64(struct table *table, uint64_t value)
{
        char text[32];

        snprintf(text, sizeof(text), "%" PRIu64, value);
        table_add(table, text);
}

void table_add_size(struct table *table, uint64_t bytes)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        text_add_size(&text, bytes);
        add_text(table, &text);
}

void table_add_shape(struct table *table, const int64_t *shape, uint32_t rank)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        text_add_shape(&text, shape, rank);
        add_text(table, &text);
}

/* Notes of one row are kept as one string of several lines. */
void table_add_note(struct table *table, const char *text)
{
        struct table_row *row = table->rows.count ? &table->rows.items[table->rows.count - 1] : NULL;
        char *joined = NULL;

        if (!row)
                return;
        if (asprintf(&joined, "%s        %s\n", row->note ? row->note : "", text) < 0) {
                table->failed = true;
                return;
        }
        free(row->note);
        row->note = joined;
}

/* Notes are left out: they may be long, and stand in no column. */
static void measure(const struct table *table, uint32_t *widths)
{
        for (uint64_t i = 0; i < table->rows.count; i++)
                for (uint32_t c = 0; c < table->n_columns; c++) {
                        const char *cell = table->rows.items[i].cells[c];
                        const uint32_t width = cell ? width_of(cell) : 0;

                        widths[c] = width > widths[c] ? width : widths[c];
                }
}

static void print_row(const struct table *table, const struct table_row *row, const uint32_t *widths,
                      FILE *out)
{
        for (uint32_t c = 0; c < table->n_columns && row->cells[c]; c++) {
                const int pad = (int)(widths[c] - width_of(row->cells[c]));
                const bool last = c + 1 == table->n_columns;

                if ((table->right >> c & 1) != 0)
                        fprintf(out, "%*s%s", pad, "", row->cells[c]);
                else
                        fprintf(out, "%s%*s", row->cells[c], last ? 0 : pad, "");
                fputs(last ? "\n" : "  ", out);
        }
        if (row->note)
                fputs(row->note, out);
}

void table_print(const struct table *table, FILE *out)
{
        uint32_t widths[TABLE_COLUMNS_MAX] = {0};

        if (table->failed) {
                fputs("(not enough memory to print this table)\n", out);
                return;
        }
        measure(table, widths);
        for (uint64_t i = 0; table->rows.count > 1 && i < table->rows.count; i++)
                print_row(table, &table->rows.items[i], widths, out);
}

void text_add_size(ckpt_text *text, uint64_t bytes)
{
        static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        double scaled = (double)bytes / 1024;
        size_t unit = 0;

        if (bytes < 1024) {
                ckpt_text_add(text, "%" PRIu64 " B", bytes);
                return;
        }
        for (; scaled >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
                scaled /= 1024;
        ckpt_text_add(text, "%.1f %s", scaled, units[unit]);
}

void text_add_shape(ckpt_text *text, const int64_t *shape, uint32_t rank)
{
        ckpt_text_add(text, "[");
        for (uint32_t i = 0; i < rank; i++)
                ckpt_text_add(text, "%s%" PRId64, i ? ", " : "", shape[i]);
        ckpt_text_add(text, "]");
}

void print_name(FILE *out, const char *name)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add_escaped(&text, name ? name : "");
        fputs(ckpt_text_get(&text), out);
}
