/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options: what each is called, which commands take it, and who judges its value
 */
#include "options_value.h"

#define AT(member) offsetof(struct options, member)

/* Bits of the commands, in the groups that share options. */
enum {
        FOR_RESOLVE = 1 << COMMAND_RESOLVE,
        FOR_LOAD = 1 << COMMAND_LOAD,
        FOR_READING = FOR_LOAD | 1 << COMMAND_PLAN,
        FOR_MODEL = FOR_RESOLVE | FOR_LOAD | 1 << COMMAND_PLAN,
        FOR_CHECKPOINT = FOR_MODEL | 1 << COMMAND_INSPECT,
        FOR_ALL = FOR_CHECKPOINT | 1 << COMMAND_PLUGINS
};

const struct option_row *options_table(void)
{
        static const struct option_row rows[] = {
                {"plugin-dir", "DIR", FOR_ALL, 0, apply_list, AT(plugin_dirs),
                 "take plugins from DIR; may be repeated (default: the installed plugins)"},
                {"json", NULL, FOR_ALL, 0, apply_flag, AT(json), "print one JSON object, also for a failure"},
                {"quiet", NULL, FOR_ALL, 0, apply_flag, AT(quiet),
                 "no progress bar and no log lines below warnings"},
                {"verbose", NULL, FOR_ALL, 0, apply_flag, AT(verbose), "all log lines"},
                {"help", NULL, FOR_ALL, 0, apply_flag, AT(help), "print this text, or that of a command"},
                {"version", NULL, FOR_ALL, 0, apply_flag, AT(version), "print the version"},
                {"format", "NAME", FOR_CHECKPOINT, 0, apply_string, AT(load.format),
                 "the checkpoint's format (default: found by probing)"},
                {"checkpoint-loader", "ID", FOR_CHECKPOINT, 0, apply_string,
                 AT(load.components[CKPT_KIND_CHECKPOINT_LOADER]), "use this checkpoint loader"},
                {"config-loader", "ID", FOR_CHECKPOINT, 0, apply_string,
                 AT(load.components[CKPT_KIND_CONFIG_LOADER]), "use this config loader"},
                {"weight-loader", "ID", FOR_CHECKPOINT, 0, apply_string,
                 AT(load.components[CKPT_KIND_WEIGHT_LOADER]), "use this weight loader"},
                {"weight-mapper", "ID", FOR_CHECKPOINT, 0, apply_string,
                 AT(load.components[CKPT_KIND_WEIGHT_MAPPER]), "use this weight mapper"},
                {"set", "KEY=VALUE", FOR_CHECKPOINT, 0, apply_pair, AT(settings),
                 "set an option of a component, as in weights.KEY=VALUE; may be repeated"},
                {"strict", NULL, FOR_CHECKPOINT, 0, apply_flag32, AT(load.strict),
                 "falling back from a named model to the format's default is an error"},
                {"device", "DEVICE", FOR_MODEL, 0, apply_device, 0, "cpu (default), cuda or cuda:N"},
                {"dtype", "T", FOR_MODEL, 0, apply_dtype, 0,
                 "type of all floating-point parameters (default: the checkpoint's)"},
                {"tp-size", "N", FOR_MODEL, 1, apply_number, AT(load.mapping.tp_size),
                 "tensor-parallel ranks (default 1)"},
                {"tp-rank", "R", FOR_MODEL, 0, apply_number, AT(load.mapping.tp_rank),
                 "this tensor-parallel rank, from 0"},
                {"pp-size", "N", FOR_MODEL, 1, apply_number, AT(load.mapping.pp_size),
                 "pipeline ranks (default 1)"},
                {"pp-rank", "R", FOR_MODEL, 0, apply_number, AT(load.mapping.pp_rank),
                 "this pipeline rank, from 0"},
                {"attention-dp", NULL, FOR_MODEL, 0, apply_flag32, AT(load.mapping.attention_dp),
                 "attention and embeddings whole on every rank"},
                {"skip-module", "NAME", FOR_MODEL, 0, apply_list, AT(skip_modules),
                 "do not load this module, by name or pattern; may be repeated"},
                {"ignore", "GLOB", FOR_MODEL, 0, apply_list, AT(ignore),
                 "source tensors that may be left over; may be repeated"},
                {"explain", NULL, FOR_RESOLVE, 0, apply_flag, AT(explain),
                 "every candidate, and why it won or lost"},
                {"readers", "N", FOR_READING, 1, apply_number, AT(load.readers),
                 "threads that read (default: chosen)"},
                {"ring", "BYTES", FOR_READING, 1, apply_size, AT(load.staging_bytes),
                 "bound of staging memory, as 1M or 64MiB (default 64MiB)"},
                {"io", "HOW", FOR_LOAD, 0, apply_io, 0,
                 "how files are read: auto (default), buffered, direct or mapped"},
                {"trace", "FILE", FOR_LOAD, 0, apply_string, AT(load.trace),
                 "write a timeline for Perfetto or chrome://tracing"},
                {"export", "FILE", FOR_LOAD, 0, apply_string, AT(export_path),
                 "write the result as a safetensors file"},
                {"digest", NULL, FOR_LOAD, 0, apply_flag, AT(digest),
                 "print the XXH3-128 of every tensor's bytes"},
                {"verify", "[=FILE]", FOR_LOAD, 0, apply_verify, AT(verify_path),
                 "compare the format's checksums, and the digests in FILE (from load --digest --json)"},
                {NULL, NULL, 0, 0, NULL, 0, NULL},
        };

        return rows;
}
