/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the value of an option may be. A refusal names the option, says what it wants and shows what it got.
 */
#include "options_value.h"

#include <errno.h>
#include <limits.h>
#include <strings.h>

const char *io_name(ckpt_io io)
{
        static const char *const names[] = {"auto", "buffered", "direct", "mapped"};

        return io >= CKPT_IO_AUTO && io <= CKPT_IO_MAPPED ? names[io] : "?";
}

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

int apply_flag(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        (void)value;
        (void)error;
        *(bool *)member_of(options, row) = true;
        return 0;
}

/* Flags of the library's own struct are 32 bits wide, as everything that crosses its boundary. */
int apply_flag32(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        int32_t *flag = member_of(options, row);

        (void)value;
        (void)error;
        *flag = 1;
        return 0;
}

int apply_string(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        const char **string = member_of(options, row);

        if (*value == '\0') {
                ckpt_text_add(error, "option '--%s' needs a value that is not empty", row->name);
                return -1;
        }
        *string = value;
        return 0;
}

int apply_list(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
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
int apply_pair(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
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

int apply_number(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
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

int apply_dtype(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
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

int apply_device(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        if (strcmp(value, "cpu") != 0 && strcmp(value, "cuda") != 0 && !is_numbered_cuda(value))
                return reject(error, row, "cpu, cuda or cuda:N", value);
        options->load.device = value;
        return 0;
}

/* Binary multiples alone: what 1 MB is, people do not agree on. */
static int size_shift(const char *suffix)
{
        static const char letters[] = "KMGT";
        const char *letter = *suffix ? strchr(letters, *suffix & ~0x20) : NULL;

        if (*suffix == '\0')
                return 0;
        if (!letter || (suffix[1] != '\0' && strcasecmp(suffix + 1, "iB") != 0))
                return -1;
        return 10 * (int)(letter - letters + 1);
}

int apply_size(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        uint64_t *size = member_of(options, row);
        char *end = value;
        unsigned long long number;
        int shift;

        errno = 0;
        number = strtoull(value, &end, 10);
        shift = size_shift(end);
        if (errno != 0 || *value < '0' || *value > '9' || shift < 0 || number > UINT64_MAX >> shift ||
            number << shift < (unsigned)row->minimum)
                return reject(error, row, "a size from 1 byte, as 1048576, 1M or 64MiB", value);
        *size = number << shift;
        return 0;
}

int apply_io(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        for (ckpt_io io = CKPT_IO_AUTO; io <= CKPT_IO_MAPPED; io++)
                if (strcmp(value, io_name(io)) == 0) {
                        options->load.io = io;
                        return 0;
                }
        return reject(error, row, "auto, buffered, direct or mapped", value);
}

/* Its value is optional, so that the checks of the format can be asked for alone. */
int apply_verify(struct options *options, const struct option_row *row, char *value, ckpt_text *error)
{
        options->verify = true;
        return value ? apply_string(options, row, value, error) : 0;
}
