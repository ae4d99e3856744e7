/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson reads the digests, and only here: what it needs to parse is the output of this tool. The names
 * that are still expected after the comparison are those that the model lacks.
 */
#include "core/cli/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/cli/table.h"

enum {
        DIGEST_FILE_MAX = 256 << 20
};

CKPT_DEFINE_CLEANUP(FILE *, fclose);

void digest_to_hex(const uint8_t *digest, char *ret_hex)
{
        for (unsigned i = 0; i < 16; i++)
                snprintf(ret_hex + (size_t)2 * i, 3, "%02x", digest[i]);
}

static ckpt_status fail_file(ckpt_text *error, ckpt_status status, const char *path, const char *what)
{
        ckpt_text_add(error, "digests '");
        ckpt_text_add_escaped(error, path);
        ckpt_text_add(error, "': ");
        ckpt_text_add_escaped(error, what);
        return status;
}

/* The size is bounded before a parser sees the file; special files are refused, since they may never end. */
static ckpt_status parse_file(const char *path, json_t **ret_root, ckpt_text *error)
{
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        _cleanup_(ckpt_text_deinit) ckpt_text what = CKPT_TEXT_INIT;
        json_error_t where;
        struct stat st;

        if (!file || fstat(fileno(file), &st) < 0)
                return fail_file(error, errno == ENOENT ? CKPT_E_NOT_FOUND : CKPT_E_IO, path,
                                 strerror(errno));
        if (!S_ISREG(st.st_mode))
                return fail_file(error, CKPT_E_INVALID, path, "not a regular file");
        if (st.st_size > DIGEST_FILE_MAX)
                return fail_file(error, CKPT_E_LIMIT, path,
                                 "more than 256 MiB; is this the output of load --json --digest?");
        *ret_root = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
        if (*ret_root)
                return CKPT_OK;
        ckpt_text_add(&what, "line %d, column %d: %s; it should be the output of load --json --digest",
                      where.line, where.column, where.text);
        return fail_file(error, CKPT_E_CORRUPT, path, ckpt_text_get(&what));
}

/* An entry is {name, dtype, shape, digest}; one that was skipped has no digest and is passed over. */
static ckpt_status take_entry(json_t *expected, json_t *entry, const char *path, ckpt_text *error)
{
        _cleanup_(ckpt_text_deinit) ckpt_text what = CKPT_TEXT_INIT;
        const char *name = json_string_value(json_object_get(entry, "name"));

        if (json_is_string(json_object_get(entry, "skipped")))
                return CKPT_OK;
        if (!name || !json_is_string(json_object_get(entry, "dtype")) ||
            !json_is_array(json_object_get(entry, "shape")))
                return fail_file(error, CKPT_E_CORRUPT, path,
                                 "an entry of 'parameters' lacks name, dtype or shape");
        if (!json_is_string(json_object_get(entry, "digest")))
                ckpt_text_add(&what, "'%s' has no digest; make the file with load --json --digest", name);
        else if (json_object_get(expected, name))
                ckpt_text_add(&what, "'%s' stands there twice", name);
        if (what.length > 0)
                return fail_file(error, CKPT_E_CORRUPT, path, ckpt_text_get(&what));
        return json_object_set(expected, name, entry) < 0 ? CKPT_E_NOMEM : CKPT_OK;
}

ckpt_status verify_read(struct verify *verify, const char *path, ckpt_text *error)
{
        json_auto_t *root = NULL, *expected = json_object();
        json_t *list, *entry;
        size_t index;
        ckpt_status r;

        if (!expected)
                return CKPT_E_NOMEM;
        r = parse_file(path, &root, error);
        if (r < 0)
                return r;
        list = json_object_get(root, "parameters");
        if (!json_is_array(list))
                return fail_file(
                        error, CKPT_E_CORRUPT, path,
                        "there is no list 'parameters'; it should be the output of load --json --digest");
        json_array_foreach(list, index, entry)
        {
                r = take_entry(expected, entry, path, error);
                if (r < 0)
                        return r;
        }
        verify->expected = ckpt_steal(&expected);
        return CKPT_OK;
}

static ckpt_status add_difference(struct verify *verify, const char *name, const ckpt_text *text)
{
        struct difference difference = {strdup(name), strdup(ckpt_text_get(text))};

        if (difference.name && difference.text && !text->failed &&
            ckpt_array_push(&verify->differences, difference) == CKPT_OK)
                return CKPT_OK;
        free(difference.name);
        free(difference.text);
        return CKPT_E_NOMEM;
}

/* As text_add_shape would write it, so that the two can be compared and shown as they are. */
static void add_json_shape(ckpt_text *text, const json_t *shape)
{
        ckpt_text_add(text, "[");
        for (size_t i = 0; i < json_array_size(shape); i++)
                ckpt_text_add(text, "%s%" JSON_INTEGER_FORMAT, i ? ", " : "",
                              json_integer_value(json_array_get(shape, i)));
        ckpt_text_add(text, "]");
}

/* Says in *text what differs first: a digest means nothing where types or shapes do. */
static void compare_param(const json_t *entry, const ckpt_param *param, ckpt_text *text)
{
        _cleanup_(ckpt_text_deinit) ckpt_text wanted = CKPT_TEXT_INIT, found = CKPT_TEXT_INIT;
        const char *dtype = json_string_value(json_object_get(entry, "dtype"));
        const char *digest = json_string_value(json_object_get(entry, "digest"));
        char hex[33] = "none";

        add_json_shape(&wanted, json_object_get(entry, "shape"));
        text_add_shape(&found, param->shape, param->rank);
        if (param->has_digest)
                digest_to_hex(param->digest, hex);
        if (strcmp(dtype, ckpt_dtype_name(param->dtype)) != 0)
                ckpt_text_add(text, "dtype is %s, the digests say %s", ckpt_dtype_name(param->dtype), dtype);
        else if (wanted.failed || found.failed)
                text->failed = true;
        else if (strcmp(ckpt_text_get(&wanted), ckpt_text_get(&found)) != 0)
                ckpt_text_add(text, "shape is %s, the digests say %s", ckpt_text_get(&found),
                              ckpt_text_get(&wanted));
        else if (strcasecmp(digest, hex) != 0)
                ckpt_text_add(text, "digest is %s, the digests say %s", hex, digest);
}

static ckpt_status compare_one(struct verify *verify, const ckpt_param *param)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;
        const json_t *entry = json_object_get(verify->expected, param->name);

        if (entry)
                compare_param(entry, param, &text);
        else
                ckpt_text_add(&text, "not in the digests");
        verify->compared += entry != NULL;
        if (entry)
                json_object_del(verify->expected, param->name);
        return text.length > 0 || text.failed ? add_difference(verify, param->name, &text) : CKPT_OK;
}

ckpt_status verify_compare(struct verify *verify, const ckpt_model *model)
{
        _cleanup_(ckpt_text_deinit) ckpt_text missing = CKPT_TEXT_INIT;
        ckpt_status r = CKPT_OK;
        const char *name;
        json_t *entry;

        for (uint64_t i = 0; r == CKPT_OK && i < ckpt_model_count(model); i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);

                if (!param->skipped)
                        r = compare_one(verify, param);
        }
        ckpt_text_add(&missing, "in the digests, but not in the model");
        json_object_foreach(verify->expected, name, entry)
        {
                if (r == CKPT_OK)
                        r = add_difference(verify, name, &missing);
        }
        verify->done = true;
        return r;
}

void verify_deinit(struct verify *verify)
{
        json_decref(verify->expected);
        for (uint64_t i = 0; i < verify->differences.count; i++) {
                free(verify->differences.items[i].name);
                free(verify->differences.items[i].text);
        }
        ckpt_array_deinit(&verify->differences);
}
