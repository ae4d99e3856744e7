/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options: what each is called, which commands take it, and how its value is judged
 */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <strings.h>

#define AT(member) offsetof(struct options, member)

/* Bits of the commands, in the groups that share options. */
enum {
        FOR_RESOLVE = 1 << COMMAND_RESOLVE,
        FOR_LOAD = 1 << COMMAND_LOAD,
        FOR_MODEL = FOR_RESOLVE | FOR_LOAD | 1 << COMMAND_PLAN,
        FOR_CHECKPOINT = FOR_MODEL | 1 << COMMAND_INSPECT,
        FOR_ALL = FOR_CHECKPOINT | 1 << COMMAND_PLUGINS
};

static void *member_of(struct options *options, const struct option_row *row)
{
        return (char *)options + row->offset;
}

static int reject(ckpt_text *error, const struct option_row *row, const char *wants, const char *value)
{
        ckpt_text_add(error, "option '--%s' wants %s, not '", row->name, wants);
        ckpt_text_add_escaped(error, value);
        ckpt_text_add(error, "'");
        return -1;
}

static int apply_flag(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        (void)value;
        (void)error;
        *(bool *)member_of(options, row) = true;
        return 0;
}

/* Flags of the library's own struct are 32 bits wide, as everything that crosses its boundary. */
static int apply_flag32(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        int32_t *flag = member_of(options, row);

        (void)value;
        (void)error;
        *flag = 1;
        return 0;
}

static int apply_string(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        const char **string = member_of(options, row);

        if (*value == '\0') {
                ckpt_text_add(error, "option '--%s' needs a value that is not empty", row->name);
                return -1;
        }
        *string = value;
        return 0;
}

static int apply_list(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        string_list *list = member_of(options, row);

        if (*value == '\0') {
                ckpt_text_add(error, "option '--%s' needs a value that is not empty", row->name);
                return -1;
        }
        if (ckpt_array_push(list, value) != CKPT_OK) {
                ckpt_text_add(error, "out of memory");
                return -1;
        }
        return 0;
}

/* The key ends where its equals sign was: argv belongs to the program, and so needs no copy. */
static int apply_pair(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        pair_list *list = member_of(options, row);
        char *equals = strchr(value, '=');

        if (!equals || equals == value)
                return reject(error, row, "KEY=VALUE (weights.use_consolidated=true)", value);
        *equals = '\0';
        if (ckpt_array_push(list, (ckpt_pair){value, equals + 1}) != CKPT_OK) {
                ckpt_text_add(error, "out of memory");
                return -1;
        }
        return 0;
}

static int apply_number(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        int32_t *number = member_of(options, row);
        char *end = NULL;
        long parsed;

        errno = 0;
        parsed = strtol(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0' || parsed < row->minimum || parsed > INT32_MAX)
                return reject(error, row, row->minimum ? "a whole number from 1" : "a whole number from 0",
                              value);
        *number = (int32_t)parsed;
        return 0;
}

/* The names of safetensors, of PyTorch, and the short ones that people type. */
static ckpt_dtype dtype_of(const char *name)
{
        static const struct {
                const char *name;
                ckpt_dtype dtype;
        } aliases[] = {
                {"bfloat16", CKPT_DTYPE_BF16}, {"float16", CKPT_DTYPE_F16}, {"half", CKPT_DTYPE_F16},
                {"fp16", CKPT_DTYPE_F16},      {"float32", CKPT_DTYPE_F32}, {"float", CKPT_DTYPE_F32},
                {"fp32", CKPT_DTYPE_F32},      {"float64", CKPT_DTYPE_F64}, {"double", CKPT_DTYPE_F64}};

        for (ckpt_dtype dtype = 1; dtype < CKPT_DTYPE_COUNT; dtype++)
                if (strcasecmp(name, ckpt_dtype_name(dtype)) == 0)
                        return dtype;
        for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
                if (strcasecmp(name, aliases[i].name) == 0)
                        return aliases[i].dtype;
        return CKPT_DTYPE_NONE;
}

static int apply_dtype(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        const ckpt_dtype dtype = dtype_of(value);

        if (ckpt_dtype_class_of(dtype) != CKPT_CLASS_FLOAT)
                return reject(error, row, "a floating-point type (BF16, F16, F32, F64, F8_E4M3, F8_E5M2)",
                              value);
        options->load.dtype = dtype;
        return 0;
}

/* Only the form is judged here: whether there is such a device is known to the library alone. */
static bool is_numbered_cuda(const char *value)
{
        const char prefix[] = "cuda:";
        const size_t skipped = strcspn(value, "0123456789"), digits = strspn(value + skipped, "0123456789");

        return strncmp(value, prefix, sizeof(prefix) - 1) == 0 && digits >= 1 && digits <= 4 &&
               strlen(value) == sizeof(prefix) - 1 + digits;
}

static int apply_device(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        if (strcmp(value, "cpu") != 0 && strcmp(value, "cuda") != 0 && !is_numbered_cuda(value))
                return reject(error, row, "cpu, cuda or cuda:N", value);
        options->load.device = value;
        return 0;
}

/* Its value is optional, so that the checks of the format can be asked for alone. */
static int apply_verify(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        options->verify = true;
        return value ? apply_string(options, row, value, error) : 0;
}

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
