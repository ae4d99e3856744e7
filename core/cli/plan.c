/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host plan: every parameter with its expression, extents, copies and steps; totals; peaks
 */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/cli/cli.h"
#include "core/cli/table.h"

static ckpt_status plan_work(struct cli *cli)
{
        ckpt_status r = cli_new_load(cli, &cli->load);

        return r < 0 ? r : ckpt_load_get_plan(cli->load, &cli->plan);
}

static void add_named_note(struct table *table, const char *what, const char *name)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        ckpt_text_add(&text, "%s", what);
        ckpt_text_add_escaped(&text, name);
        table_add_note(table, ckpt_text_get(&text));
}

static void add_extents(struct table *table, const ckpt_plan *plan, uint64_t param)
{
        ckpt_plan_extent extent;

        for (uint64_t i = 0; ckpt_plan_param_extent(plan, param, i, &extent) == CKPT_OK; i++) {
                _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

                ckpt_text_add(&text, "read ");
                ckpt_text_add_escaped(&text, extent.object ? extent.object : "(memory or reader)");
                ckpt_text_add(&text, " offset %" PRIu64 " size %" PRIu64, extent.offset, extent.size);
                table_add_note(table, ckpt_text_get(&text));
        }
}

/* The numbers in a row, and below it what does not fit into a column. */
static void add_param(struct table *table, const ckpt_plan *plan, uint64_t index,
                      const ckpt_plan_param *param)
{
        table_add_name(table, param->name);
        table_add(table, ckpt_dtype_name(param->dtype));
        table_add_shape(table, param->shape, param->rank);
        table_add_size(table, param->size);
        table_add_size(table, param->bytes_read);
        table_add_u64(table, param->n_extents);
        table_add_u64(table, param->n_copies);
        table_add_u64(table, param->n_steps);
        if (param->skipped)
                add_named_note(table, "skipped by ", param->skipped);
        if (param->expression)
                add_named_note(table, "= ", param->expression);
        add_extents(table, plan, index);
}

static void print_size(FILE *out, const char *what, uint64_t bytes)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        text_add_size(&text, bytes);
        fprintf(out, "%-16s%s\n", what, ckpt_text_get(&text));
}

static void print_totals(const ckpt_plan *plan, FILE *out)
{
        ckpt_plan_totals t;

        ckpt_plan_get_totals(plan, &t);
        fprintf(out, "\n%-16s%" PRIu64 ", %" PRIu64 " skipped\n", "parameters", t.params, t.skipped);
        fprintf(out, "%-16s%" PRIu64 "\n", "unused tensors", t.unused);
        fprintf(out, "%-16s%" PRIu64 "\n%-16s%" PRIu64 "\n%-16s%" PRIu64 "\n", "extents", t.extents, "copies",
                t.copies, "steps", t.steps);
        print_size(out, "to read", t.bytes_read);
        print_size(out, "final", t.bytes_final);
        print_size(out, "arena", t.arena_bytes);
        print_size(out, "staging", t.staging_bytes);
        print_size(out, "host peak", t.host_peak);
        print_size(out, "device peak", t.device_peak);
}

static void plan_print(struct cli *cli, FILE *out)
{
        static const char *const titles[] = {"PARAMETER", "DTYPE",  "SHAPE", "SIZE", "READ",
                                             "EXTENTS",   "COPIES", "STEPS", NULL};
        _cleanup_(table_deinit) struct table table = {0};
        ckpt_plan_param param;

        if (!cli->plan)
                return;
        table_init(&table, 0xf8, titles);
        for (uint64_t i = 0; ckpt_plan_param_info(cli->plan, i, &param) == CKPT_OK; i++)
                add_param(&table, cli->plan, i, &param);
        table_print(&table, out);
        print_totals(cli->plan, out);
}

static void json_extents(const ckpt_plan *plan, uint64_t param, struct json *json)
{
        ckpt_plan_extent extent;

        put_begin_array(json, "extents");
        for (uint64_t i = 0; ckpt_plan_param_extent(plan, param, i, &extent) == CKPT_OK; i++) {
                put_begin_object(json, NULL);
                put_string(json, "object", extent.object);
                put_u64(json, "offset", extent.offset);
                put_u64(json, "size", extent.size);
                put_end_object(json);
        }
        put_end_array(json);
}

static void json_param(const ckpt_plan *plan, uint64_t index, const ckpt_plan_param *param, struct json *json)
{
        put_begin_object(json, NULL);
        put_string(json, "name", param->name);
        put_string(json, "dtype", ckpt_dtype_name(param->dtype));
        put_shape(json, "shape", param->shape, param->rank);
        put_u64(json, "size", param->size);
        put_string(json, "expression", param->expression);
        put_string(json, "skipped", param->skipped);
        put_u64(json, "bytes_read", param->bytes_read);
        put_u64(json, "copies", param->n_copies);
        put_u64(json, "steps", param->n_steps);
        json_extents(plan, index, json);
        put_end_object(json);
}

static void json_totals(const ckpt_plan *plan, struct json *json)
{
        ckpt_plan_totals t;

        ckpt_plan_get_totals(plan, &t);
        put_begin_object(json, "totals");
        put_u64(json, "parameters", t.params);
        put_u64(json, "skipped", t.skipped);
        put_u64(json, "unused", t.unused);
        put_u64(json, "extents", t.extents);
        put_u64(json, "copies", t.copies);
        put_u64(json, "steps", t.steps);
        put_u64(json, "bytes_read", t.bytes_read);
        put_u64(json, "bytes_final", t.bytes_final);
        put_u64(json, "arena_bytes", t.arena_bytes);
        put_u64(json, "staging_bytes", t.staging_bytes);
        put_u64(json, "host_peak", t.host_peak);
        put_u64(json, "device_peak", t.device_peak);
        put_end_object(json);
}

static void plan_json(struct cli *cli, struct json *json)
{
        ckpt_plan_param param;

        if (!cli->plan)
                return;
        put_begin_array(json, "parameters");
        for (uint64_t i = 0; ckpt_plan_param_info(cli->plan, i, &param) == CKPT_OK; i++)
                json_param(cli->plan, i, &param, json);
        put_end_array(json);
        json_totals(cli->plan, json);
}

const struct command command_plan = {plan_work, plan_print, plan_json};
