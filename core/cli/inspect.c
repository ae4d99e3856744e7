/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host inspect: the configuration and the tensors of a checkpoint
 *
 * A lone file of weights has no configuration beside it as far as its source knows. Its tensors are listed
 * all the same, by a second load, since a load whose stage failed goes no further.
 */
#include <inttypes.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/cli/cli.h"
#include "core/cli/table.h"

/* Asked only to choose words: the library finds out for itself what the path is. */
static bool is_file(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static ckpt_status list_weights(struct cli *cli, ckpt_status config_status)
{
        ckpt_load *load = cli->load;
        ckpt_status r = CKPT_OK;

        if (config_status < 0) {
                r = cli_new_load(cli, &cli->weights_load);
                load = cli->weights_load;
        }
        return r < 0 ? r : ckpt_load_get_weights(load, &cli->weights);
}

/* A directory without a configuration is a failure, but its tensors are still worth a look. */
static ckpt_status inspect_work(struct cli *cli)
{
        ckpt_status r = cli_new_load(cli, &cli->load), config_status;

        if (r < 0)
                return r;
        config_status = ckpt_load_get_config(cli->load, &cli->config);
        if (config_status == CKPT_E_CANCELLED)
                return config_status;
        r = list_weights(cli, config_status);
        cli->config_missing = config_status < 0 && r == CKPT_OK && is_file(cli->options->checkpoint);
        return config_status < 0 && !cli->config_missing ? config_status : r;
}

static void print_weights(const ckpt_weights *weights, FILE *out)
{
        static const char *const titles[] = {"TENSOR", "DTYPE", "SHAPE", "OBJECT", "OFFSET", "BYTES", NULL};
        _cleanup_(table_deinit) struct table table = {0};
        _cleanup_(ckpt_text_deinit) ckpt_text size = CKPT_TEXT_INIT;
        ckpt_weight_info info;
        uint64_t bytes = 0, n;

        table_init(&table, 1u << 4 | 1u << 5, titles);
        for (n = 0; ckpt_weights_info(weights, n, &info) == CKPT_OK; n++) {
                table_add_name(&table, info.name);
                table_add(&table, ckpt_dtype_name(info.dtype));
                table_add_shape(&table, info.shape, info.rank);
                table_add_name(&table, info.object);
                table_add_u64(&table, info.offset);
                table_add_u64(&table, info.size);
                bytes += info.size;
        }
        table_print(&table, out);
        text_add_size(&size, bytes);
        fprintf(out, "%s%" PRIu64 " tensors, %s\n", n ? "\n" : "", n, ckpt_text_get(&size));
}

static void inspect_print(struct cli *cli, FILE *out)
{
        if (cli->config) {
                fputs("configuration\n", out);
                config_print(cli->config, out);
                fputc('\n', out);
        }
        if (cli->config_missing)
                fputs("no configuration: this is one file, not a checkpoint's directory\n\n", out);
        if (cli->weights)
                print_weights(cli->weights, out);
}

static void json_weights(const ckpt_weights *weights, struct json *json)
{
        ckpt_weight_info info;

        put_begin_array(json, "tensors");
        for (uint64_t i = 0; ckpt_weights_info(weights, i, &info) == CKPT_OK; i++) {
                put_begin_object(json, NULL);
                put_string(json, "name", info.name);
                put_string(json, "dtype", ckpt_dtype_name(info.dtype));
                put_shape(json, "shape", info.shape, info.rank);
                put_string(json, "object", info.object);
                put_u64(json, "offset", info.offset);
                put_u64(json, "size", info.size);
                put_end_object(json);
        }
        put_end_array(json);
}

static void inspect_json(struct cli *cli, struct json *json)
{
        if (cli->load)
                put_string(json, "format",
                           ckpt_load_format(cli->weights_load ? cli->weights_load : cli->load));
        if (cli->config)
                config_json(ckpt_config_root(cli->config), json, "config");
        else
                put_null(json, "config");
        if (cli->weights)
                json_weights(cli->weights, json);
}

const struct command command_inspect = {inspect_work, inspect_print, inspect_json};
