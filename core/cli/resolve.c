/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host resolve: which component won each slot, and with --explain why the others lost
 */
#include "core/base/cleanup.h"
#include "core/cli/cli.h"
#include "core/cli/table.h"

static ckpt_status resolve_work(struct cli *cli)
{
        ckpt_status r = cli_new_load(cli, &cli->load);

        if (r == CKPT_OK)
                r = ckpt_load_resolve(cli->load);
        /* Only for its architecture, which is known by now; a failure here is one of resolve too. */
        if (r == CKPT_OK)
                r = ckpt_load_get_config(cli->load, &cli->config);
        cli->resolved = r == CKPT_OK;
        return r;
}

static bool is_shown(const struct cli *cli, const ckpt_candidate *candidate)
{
        return candidate->chosen || cli->options->explain;
}

/* The order of the chain reads as inheritance: the chosen one, then its bases. */
static void add_candidate(struct table *table, const ckpt_candidate *candidate)
{
        char place[32] = "lost";

        if (candidate->chosen)
                snprintf(place, sizeof(place), candidate->order == 0 ? "chosen" : "base %d",
                         candidate->order);
        table_add(table, kind_name(candidate->kind));
        table_add(table, place);
        table_add_name(table, candidate->id);
        table_add_name(table, candidate->reason);
}

static void print_candidates(const struct cli *cli, FILE *out)
{
        static const char *const titles[] = {"SLOT", "PLACE", "COMPONENT", "WHY", NULL};
        _cleanup_(table_deinit) struct table table = {0};
        ckpt_candidate candidate;

        table_init(&table, 0, titles);
        for (uint64_t i = 0; ckpt_load_candidate(cli->load, i, &candidate) == CKPT_OK; i++)
                if (is_shown(cli, &candidate))
                        add_candidate(&table, &candidate);
        table_print(&table, out);
}

static void resolve_print(struct cli *cli, FILE *out)
{
        if (!cli->load)
                return;
        if (cli->resolved) {
                fputs("format        ", out);
                print_name(out, ckpt_load_format(cli->load));
                fputs("\narchitecture  ", out);
                print_name(out, ckpt_config_string(cli->config, "architecture", "-"));
                fputs("\n\n", out);
        }
        print_candidates(cli, out);
}

static void resolve_json(struct cli *cli, struct json *json)
{
        ckpt_candidate candidate;

        if (!cli->load)
                return;
        put_string(json, "format", ckpt_load_format(cli->load));
        put_string(json, "architecture", ckpt_config_string(cli->config, "architecture", NULL));
        put_begin_array(json, "candidates");
        for (uint64_t i = 0; ckpt_load_candidate(cli->load, i, &candidate) == CKPT_OK; i++) {
                if (!is_shown(cli, &candidate))
                        continue;
                put_begin_object(json, NULL);
                put_string(json, "kind", kind_name(candidate.kind));
                put_string(json, "id", candidate.id);
                put_bool(json, "chosen", candidate.chosen != 0);
                put_i64(json, "order", candidate.order);
                put_string(json, "reason", candidate.reason);
                put_end_object(json);
        }
        put_end_array(json);
}

const struct command command_resolve = {resolve_work, resolve_print, resolve_json};
