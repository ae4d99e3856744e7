/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results of a load: digests, checks, and what it took
 */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/cli/load.h"
#include "core/cli/table.h"

static void print_digests(const ckpt_model *model, FILE *out)
{
        static const char *const titles[] = {"PARAMETER", "DTYPE", "SHAPE", "XXH3-128", NULL};
        _cleanup_(table_deinit) struct table table = {0};

        table_init(&table, 0, titles);
        for (uint64_t i = 0; i < ckpt_model_count(model); i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                char hex[33] = "-";

                if (param->has_digest)
                        digest_to_hex(param->digest, hex);
                table_add_name(&table, param->name);
                table_add(&table, ckpt_dtype_name(param->dtype));
                table_add_shape(&table, param->shape, param->rank);
                table_add(&table, param->skipped ? "skipped" : hex);
        }
        table_print(&table, out);
        fputc('\n', out);
}

static void print_size(FILE *out, const char *what, uint64_t bytes)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;

        text_add_size(&text, bytes);
        fprintf(out, "%-14s%s (%" PRIu64 " bytes)\n", what, ckpt_text_get(&text), bytes);
}

/* A skipped parameter is in the model, but has no data. */
static void count_params(const ckpt_model *model, uint64_t *ret_loaded, uint64_t *ret_skipped)
{
        uint64_t skipped = 0;

        for (uint64_t i = 0; i < ckpt_model_count(model); i++)
                skipped += ckpt_model_param_at(model, i)->skipped != NULL;
        *ret_loaded = ckpt_model_count(model) - skipped;
        *ret_skipped = skipped;
}

static void print_totals(const struct cli *cli, FILE *out)
{
        ckpt_load_stats s;
        uint64_t loaded, skipped;

        ckpt_load_get_stats(cli->load, &s);
        count_params(cli->model, &loaded, &skipped);
        fprintf(out, "%-14s%" PRIu64 " loaded, %" PRIu64 " skipped, on %s\n", "parameters", loaded, skipped,
                ckpt_model_device(cli->model));
        print_size(out, "read", s.bytes_read);
        print_size(out, "final", s.bytes_final);
        print_size(out, "host peak", s.host_peak);
        print_size(out, "device peak", s.device_peak);
        fprintf(out, "%-14s%.3f s: config %.3f, weights %.3f, map %.3f, plan %.3f,", "time",
                cli->total_seconds, s.config_seconds, s.weights_seconds, s.map_seconds, s.plan_seconds);
        fprintf(out, " allocate %.3f, execute %.3f, digest %.3f\n", s.allocate_seconds, s.execute_seconds,
                s.digest_seconds);
        phases_print(&s, out);
}

static void print_verify(struct cli *cli, FILE *out)
{
        const struct verify *verify = &cli->verify;

        fprintf(out, "%-14s%s\n", "checksums", checksums_of(cli));
        fprintf(out, "%-14s%s\n", "source", "no file changed during the load");
        if (!verify->done)
                return;
        fprintf(out, "%-14s%" PRIu64 " compared, %" PRIu64 " differences\n", "digests", verify->compared,
                verify->differences.count);
}

void load_print(struct cli *cli, FILE *out)
{
        if (!cli->model)
                return;
        if (cli->options->digest)
                print_digests(cli->model, out);
        print_totals(cli, out);
        if (cli->options->verify)
                print_verify(cli, out);
        if (cli->exported) {
                fprintf(out, "%-14s", "exported");
                print_name(out, cli->options->export_path);
                fputc('\n', out);
        } else {
                fprintf(out, "Nothing was kept%s.\n",
                        cli->options->export_path ? "" : "; --export FILE writes the result");
        }
}

static void json_params(const ckpt_model *model, struct json *json)
{
        put_begin_array(json, "parameters");
        for (uint64_t i = 0; i < ckpt_model_count(model); i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                char hex[33];

                put_begin_object(json, NULL);
                put_string(json, "name", param->name);
                put_string(json, "dtype", ckpt_dtype_name(param->dtype));
                put_shape(json, "shape", param->shape, param->rank);
                put_u64(json, "size", param->size);
                put_string(json, "skipped", param->skipped);
                if (param->has_digest) {
                        digest_to_hex(param->digest, hex);
                        put_string(json, "digest", hex);
                }
                put_end_object(json);
        }
        put_end_array(json);
}

static void json_totals(const struct cli *cli, struct json *json)
{
        uint64_t loaded, skipped;
        ckpt_load_stats s;

        ckpt_load_get_stats(cli->load, &s);
        count_params(cli->model, &loaded, &skipped);
        put_begin_object(json, "totals");
        put_u64(json, "parameters", loaded);
        put_u64(json, "skipped", skipped);
        put_u64(json, "bytes_read", s.bytes_read);
        put_u64(json, "bytes_final", s.bytes_final);
        put_u64(json, "bytes_headers", s.bytes_headers);
        put_u64(json, "host_peak", s.host_peak);
        put_u64(json, "device_peak", s.device_peak);
        put_u64(json, "reads", s.reads);
        put_u64(json, "copies", s.copies);
        put_u64(json, "kernels", s.kernels);
        put_u64(json, "readers", s.readers);
        put_f64(json, "gigabytes_per_second", rate(s.bytes_read, s.execute_seconds));
        put_f64(json, "config_seconds", s.config_seconds);
        put_f64(json, "weights_seconds", s.weights_seconds);
        put_f64(json, "map_seconds", s.map_seconds);
        put_f64(json, "plan_seconds", s.plan_seconds);
        put_f64(json, "allocate_seconds", s.allocate_seconds);
        put_f64(json, "execute_seconds", s.execute_seconds);
        put_f64(json, "digest_seconds", s.digest_seconds);
        put_f64(json, "total_seconds", cli->total_seconds);
        put_end_object(json);
        phases_json(&s, json);
}

static void json_verify(struct cli *cli, struct json *json)
{
        const struct verify *verify = &cli->verify;

        put_begin_object(json, "verify");
        put_string(json, "checksums", checksums_of(cli));
        put_string(json, "source", "no file changed during the load");
        put_string(json, "digests", cli->options->verify_path);
        put_u64(json, "compared", verify->compared);
        put_begin_array(json, "differences");
        for (uint64_t i = 0; i < verify->differences.count; i++) {
                put_begin_object(json, NULL);
                put_string(json, "name", verify->differences.items[i].name);
                put_string(json, "message", verify->differences.items[i].text);
                put_end_object(json);
        }
        put_end_array(json);
        put_end_object(json);
}

void load_json(struct cli *cli, struct json *json)
{
        if (!cli->model)
                return;
        put_string(json, "format", ckpt_load_format(cli->load));
        put_string(json, "device", ckpt_model_device(cli->model));
        put_string(json, "exported", cli->exported ? cli->options->export_path : NULL);
        put_bool(json, "kept", cli->exported);
        json_totals(cli, json);
        if (cli->options->verify)
                json_verify(cli, json);
        json_params(cli->model, json);
}
