/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing a model as a safetensors file
 *
 * To a temporary file beside the wanted one, which then takes its name: whoever looks finds the old file or the whole new one. The
 * layout is the reference writer's: tensors by falling size of their type, then by name; the header padded with spaces to 8.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/base/text.h"
#include "core/model/model.h"

/* Bytes written at a time, and brought from a device at a time. */
#define PIECE_BYTES (4u << 20)

struct exporting {
        ckpt_session *session;
        const ckpt_model *model;
        const char *path;
        char *temporary; /* NULL while there is no file */
        int fd;
        uint8_t *piece;
        const ckpt_param **params;
        uint64_t n_params;
};

static ckpt_status fail_errno(const struct exporting *exporting, const char *doing)
{
        const ckpt_where where = {.struct_size = sizeof(where), .object = exporting->path, .hint = ckpt_errno_hint(errno)};

        return ckpt_session_fail(exporting->session, ckpt_errno_status(errno), &where, "cannot %s: %s", doing,
                                 ckpt_errno_text(errno));
}

static void exporting_deinit(struct exporting *exporting)
{
        if (exporting->fd >= 0)
                close(exporting->fd);
        if (exporting->temporary)
                unlink(exporting->temporary);
        free(exporting->temporary);
        free(exporting->piece);
        free(exporting->params);
}

static ckpt_status write_all(const struct exporting *exporting, const void *bytes, uint64_t size)
{
        for (uint64_t at = 0; at < size;) {
                const uint64_t left = size - at;
                const ssize_t wrote = write(exporting->fd, (const uint8_t *)bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);

                if (wrote < 0 && errno != EINTR)
                        return fail_errno(exporting, "write");
                at += wrote > 0 ? (uint64_t)wrote : 0;
        }
        return CKPT_OK;
}

static int compare_params(const void *a, const void *b)
{
        const ckpt_param *x = *(const ckpt_param *const *)a, *y = *(const ckpt_param *const *)b;

        if (ckpt_dtype_bits(x->dtype) != ckpt_dtype_bits(y->dtype))
                return ckpt_dtype_bits(x->dtype) > ckpt_dtype_bits(y->dtype) ? -1 : 1;
        return strcmp(x->name, y->name);
}

static ckpt_status choose_params(struct exporting *exporting)
{
        const uint64_t count = exporting->model->params.count;

        exporting->params = calloc(count + 1, sizeof(ckpt_param *));
        exporting->piece = malloc(PIECE_BYTES);
        if (!exporting->params || !exporting->piece)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < count; i++) {
                const ckpt_param *param = &exporting->model->params.items[i]->public;

                if (!param->skipped && (param->data || param->size == 0))
                        exporting->params[exporting->n_params++] = param;
        }
        if (exporting->n_params > 0)
                qsort(exporting->params, exporting->n_params, sizeof(ckpt_param *), compare_params);
        return CKPT_OK;
}

static ckpt_status write_header(const struct exporting *exporting)
{
        _cleanup_(ckpt_text_deinit) ckpt_text text = CKPT_TEXT_INIT;
        uint64_t at = 0, size;
        ckpt_status r;

        ckpt_text_add(&text, "{\"__metadata__\":{\"format\":\"pt\"}");
        for (uint64_t i = 0; i < exporting->n_params; i++) {
                const ckpt_param *param = exporting->params[i];

                ckpt_text_add(&text, ",");
                ckpt_text_add_json(&text, param->name);
                ckpt_text_add(&text, ":{\"dtype\":\"%s\",\"shape\":[", ckpt_dtype_name(param->dtype));
                for (uint32_t axis = 0; axis < param->rank; axis++)
                        ckpt_text_add(&text, "%s%lld", axis > 0 ? "," : "", (long long)param->shape[axis]);
                ckpt_text_add(&text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                              (unsigned long long)(at + param->size));
                at += param->size;
        }
        ckpt_text_add(&text, "}");
        while (text.length % 8 != 0 && !text.failed)
                ckpt_text_add(&text, " ");
        if (text.failed)
                return CKPT_E_NOMEM;
        size = htole64(text.length);
        r = write_all(exporting, &size, sizeof(size));
        return r ? r : write_all(exporting, text.string, text.length);
}

static ckpt_status write_param(const struct exporting *exporting, const ckpt_param *param)
{
        ckpt_status r = CKPT_OK;

        for (uint64_t at = 0; at < param->size && r == CKPT_OK; at += PIECE_BYTES) {
                const uint64_t left = param->size - at, piece = left < PIECE_BYTES ? left : PIECE_BYTES;

                r = ckpt_session_check(exporting->session);
                if (r == CKPT_OK) {
                        r = ckpt_model_read(exporting->model, param, at, exporting->piece, piece);
                        if (r)
                                return ckpt_session_fail(exporting->session, r,
                                                         &(ckpt_where){.struct_size = sizeof(ckpt_where), .parameter = param->name},
                                                         "cannot be copied from %s", ckpt_model_device(exporting->model));
                        r = write_all(exporting, exporting->piece, piece);
                }
        }
        return r;
}

static ckpt_status finish(struct exporting *exporting)
{
        if (fsync(exporting->fd) < 0)
                return fail_errno(exporting, "write");
        if (rename(exporting->temporary, exporting->path) < 0)
                return fail_errno(exporting, "rename the finished file");
        free(exporting->temporary);
        exporting->temporary = NULL;
        return CKPT_OK;
}

/* Not mkstemp: the finished file shall have the mode that any new file has. */
static ckpt_status open_temporary(struct exporting *exporting)
{
        char *name = NULL;
        uint32_t suffix = 0;

        if (getrandom(&suffix, sizeof(suffix), 0) != sizeof(suffix))
                return fail_errno(exporting, "name a file beside it");
        if (asprintf(&name, "%s.%08x.tmp", exporting->path, suffix) < 0)
                return CKPT_E_NOMEM;
        exporting->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (exporting->fd < 0) {
                free(name);
                return fail_errno(exporting, "create a file beside it");
        }
        exporting->temporary = name;
        return CKPT_OK;
}

ckpt_status ckpt_model_export(ckpt_session *session, const ckpt_model *model, const char *path)
{
        _cleanup_(exporting_deinit) struct exporting exporting = {.session = session, .model = model, .path = path, .fd = -1};
        ckpt_status r = ckpt_session_check(session);

        if (r == CKPT_OK)
                r = choose_params(&exporting);
        if (r == CKPT_OK)
                r = open_temporary(&exporting);
        if (r == CKPT_OK)
                r = write_header(&exporting);
        for (uint64_t i = 0; i < exporting.n_params && r == CKPT_OK; i++)
                r = write_param(&exporting, exporting.params[i]);
        if (r == CKPT_OK)
                r = finish(&exporting);
        if (r == CKPT_E_CANCELLED)
                ckpt_session_fail(session, r, NULL, "the export was cancelled");
        return r;
}
