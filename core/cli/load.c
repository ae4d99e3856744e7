/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host load: the whole way, and what is done with the result
 */
#include "core/cli/load.h"

#include "core/base/cleanup.h"

/* First of all: hours of loading should not end with a mistyped name. */
static ckpt_status read_digests(struct cli *cli)
{
        _cleanup_(ckpt_text_deinit) ckpt_text error = CKPT_TEXT_INIT;
        ckpt_status r;

        if (!cli->options->verify_path)
                return CKPT_OK;
        r = verify_read(&cli->verify, cli->options->verify_path, &error);
        return r < 0 ? cli_fail(cli, r, "%s", error.length ? ckpt_text_get(&error) : "out of memory")
                     : CKPT_OK;
}

/* A weight loader that has the option compares what its format has; others have nothing to be asked. */
static ckpt_status ask_checksums(struct cli *cli)
{
        ckpt_status r;

        if (!cli->options->verify)
                return CKPT_OK;
        r = ckpt_load_set_weights_option(cli->load, "verify", "true");
        cli->verifies = r == CKPT_OK;
        return r < 0 ? r : CKPT_OK;
}

static ckpt_status run_load(struct cli *cli)
{
        struct timespec start, end;
        ckpt_status r;

        clock_gettime(CLOCK_MONOTONIC, &start);
        r = ckpt_load_run(cli->load, &cli->model);
        clock_gettime(CLOCK_MONOTONIC, &end);
        cli->total_seconds = seconds_between(&start, &end);
        return r;
}

/* A difference is a failure like any other; the report takes its words from the list. */
static ckpt_status verify(struct cli *cli)
{
        ckpt_status r;

        if (!cli->options->verify_path)
                return CKPT_OK;
        r = verify_compare(&cli->verify, cli->model);
        if (r < 0)
                return cli_fail(cli, r, "out of memory while digests were compared");
        return cli->verify.differences.count > 0 ? CKPT_E_MISMATCH : CKPT_OK;
}

static ckpt_status export_model(struct cli *cli)
{
        ckpt_status r;

        if (!cli->options->export_path)
                return CKPT_OK;
        r = ckpt_load_export(cli->load, cli->model, cli->options->export_path);
        cli->exported = r == CKPT_OK;
        return r;
}

/* What does not verify is not exported. */
static ckpt_status load_work(struct cli *cli)
{
        ckpt_status r = read_digests(cli);

        if (r == CKPT_OK)
                r = cli_new_load(cli, &cli->load);
        if (r == CKPT_OK)
                r = ask_checksums(cli);
        if (r == CKPT_OK)
                r = run_load(cli);
        if (r == CKPT_OK)
                r = verify(cli);
        return r < 0 ? r : export_model(cli);
}

/* Judged by the names of the objects: the format of the load may be another that extends HF. */
static bool is_all_safetensors(const ckpt_weights *weights)
{
        const char suffix[] = ".safetensors";
        ckpt_weight_info info;

        for (uint64_t n = 0; ckpt_weights_info(weights, n, &info) == CKPT_OK; n++) {
                const size_t length = info.object ? strlen(info.object) : 0;

                if (length < sizeof(suffix) ||
                    strcmp(info.object + length - (sizeof(suffix) - 1), suffix) != 0)
                        return false;
        }
        return true;
}

/* Only its loader knows which files of a format have checksums, and says so in the log. */
const char *checksums_of(struct cli *cli)
{
        ckpt_weights *weights = NULL;

        if (ckpt_load_get_weights(cli->load, &weights) < 0)
                return "not known";
        if (is_all_safetensors(weights))
                return "none: safetensors files carry no checksums";
        return cli->verifies ? "the weight loader was asked to compare them; its log names files without any"
                             : "none that this tool knows of; a loader checks its format's own as it reads";
}

const struct command command_load = {load_work, load_print, load_json};
