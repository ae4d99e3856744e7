/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A model as a safetensors file, laid out as the format's reference library does it: types from wide to
 * narrow, names in order within a type, so that every tensor is aligned to its elements without padding.
 */

#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/outfile.h"
#include "core/base/text.h"
#include "core/model/model.h"

#define BUFFER_SIZE   (4u << 20)
#define HEADER_MAX    100000000u /* what readers accept */
#define METADATA_NAME "__metadata__"

typedef struct exporter {
        ckpt_session *session;
        const ckpt_model *model;
        const ckpt_param **params; /* in the file's order */
        uint64_t count, size;      /* payload */
        ckpt_text header;
        ckpt_outfile file;
        ckpt_stream *stream;
        uint8_t *buffer;
        uint64_t filled;
} exporter;

static void exporter_deinit(exporter *e)
{
        const ckpt_memory *memory = e->model ? e->model->memory : NULL;

        if (memory) {
                memory->backend->stream_free(e->stream);
                memory->backend->pinned_free(memory->device, e->buffer, BUFFER_SIZE);
        }
        ckpt_outfile_deinit(&e->file);
        ckpt_text_deinit(&e->header);
        free(e->params);
}

static int in_file_order(const void *a, const void *b)
{
        const ckpt_param *x = *(const ckpt_param *const *)a, *y = *(const ckpt_param *const *)b;

        /* The numbers of types ascend with their width, as in the reference. */
        if (x->dtype != y->dtype)
                return x->dtype > y->dtype ? -1 : 1;
        return strcmp(x->name, y->name);
}

static ckpt_status refuse(exporter *e, ckpt_status status, const ckpt_param *param, const char *why)
{
        const ckpt_where where = {.struct_size = sizeof(where), .parameter = param ? param->name : NULL};

        return ckpt_session_fail(e->session, status, &where, "the model cannot be exported: %s", why);
}

/* Those that are loaded; what a rule skips is left out. */
static ckpt_status collect(exporter *e)
{
        const uint64_t all = ckpt_model_count(e->model);

        if (!e->model || !e->model->memory)
                return refuse(e, CKPT_E_INVALID, NULL, "it was not loaded");
        e->params = calloc(all + 1, sizeof(ckpt_param *));
        if (!e->params)
                return CKPT_E_NOMEM;
        for (uint64_t i = 0; i < all; i++) {
                const ckpt_param *param = ckpt_model_param_at(e->model, i);

                if (param->skipped)
                        continue;
                if (!param->data && param->size > 0)
                        return refuse(e, CKPT_E_INVALID, param, "this parameter was not loaded");
                if (strcmp(param->name, METADATA_NAME) == 0)
                        return refuse(e, CKPT_E_UNSUPPORTED, param, "the format keeps this name for itself");
                if (__builtin_add_overflow(e->size, param->size, &e->size))
                        return refuse(e, CKPT_E_LIMIT, param, "its size overflows");
                e->params[e->count++] = param;
        }
        if (e->count > 0)
                qsort(e->params, e->count, sizeof(*e->params), in_file_order);
        return CKPT_OK;
}

static void describe(ckpt_text *header, const ckpt_param *param, uint64_t offset)
{
        ckpt_text_add(header, ",");
        ckpt_text_add_json(header, param->name);
        ckpt_text_add(header, ":{\"dtype\":\"%s\",\"shape\":[", ckpt_dtype_name(param->dtype));
        for (uint32_t i = 0; i < param->rank; i++)
                ckpt_text_add(header, "%s%lld", i > 0 ? "," : "", (long long)param->shape[i]);
        ckpt_text_add(header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
                      (unsigned long long)(offset + param->size));
}

static ckpt_status make_header(exporter *e)
{
        uint64_t offset = 0;

        ckpt_text_add(&e->header, "{\"" METADATA_NAME "\":{\"format\":\"pt\"}");
        for (uint64_t i = 0; i < e->count; i++) {
                describe(&e->header, e->params[i], offset);
                offset += e->params[i]->size;
        }
        ckpt_text_add(&e->header, "}");
        while (!e->header.failed && e->header.length % 8 != 0)
                ckpt_text_add(&e->header, " ");
        if (e->header.failed)
                return CKPT_E_NOMEM;
        if (e->header.length > HEADER_MAX)
                return refuse(e, CKPT_E_LIMIT, NULL,
                              "its names do not fit into the format's header of 100 MB");
        return CKPT_OK;
}

static ckpt_status fail_device(exporter *e, const ckpt_param *param, int32_t error)
{
        return refuse(e, CKPT_E_DEVICE, param, e->model->memory->backend->describe(error));
}

static ckpt_status open_buffer(exporter *e)
{
        const ckpt_memory *memory = e->model->memory;
        void *buffer = NULL;
        int32_t error = memory->backend->pinned_alloc(memory->device, BUFFER_SIZE, &buffer);

        e->buffer = buffer;
        if (error == 0)
                error = memory->backend->stream_new(memory->device, &e->stream);
        return error == 0 ? CKPT_OK : fail_device(e, NULL, error);
}

/* Also where the user's wish to stop is looked for: once per buffer. */
static ckpt_status flush(exporter *e)
{
        ckpt_status r = ckpt_session_check(e->session);

        if (r != CKPT_OK)
                return ckpt_session_fail(e->session, r, NULL, "the export was cancelled; %s is as it was",
                                         e->file.shown);
        r = ckpt_outfile_write(&e->file, e->buffer, e->filled);
        e->filled = 0;
        return r;
}

static ckpt_status add_host_bytes(exporter *e, const char *bytes, uint64_t size)
{
        ckpt_status r = CKPT_OK;

        while (r == CKPT_OK && size > 0) {
                const uint64_t room = BUFFER_SIZE - e->filled, n = size < room ? size : room;

                memcpy(e->buffer + e->filled, bytes, n);
                e->filled += n;
                bytes += n;
                size -= n;
                if (e->filled == BUFFER_SIZE)
                        r = flush(e);
        }
        return r;
}

static ckpt_status add_param(exporter *e, const ckpt_param *param)
{
        const ckpt_backend *backend = e->model->memory->backend;
        uint64_t done = 0;
        ckpt_status r = CKPT_OK;

        while (r == CKPT_OK && done < param->size) {
                const uint64_t room = BUFFER_SIZE - e->filled, left = param->size - done,
                               n = left < room ? left : room;
                int32_t error = backend->copy_to_host(e->stream, e->buffer + e->filled,
                                                      (const uint8_t *)param->data + done, n);

                e->filled += n;
                done += n;
                if (error == 0 && e->filled == BUFFER_SIZE)
                        error = backend->stream_synchronize(e->stream);
                if (error)
                        return fail_device(e, param, error);
                if (e->filled == BUFFER_SIZE)
                        r = flush(e);
        }
        return r;
}

static ckpt_status write_all(exporter *e)
{
        char length[8];
        ckpt_status r;

        for (uint32_t i = 0; i < sizeof(length); i++)
                length[i] = (char)(e->header.length >> 8 * i & 0xff);
        r = add_host_bytes(e, length, sizeof(length));
        if (r == CKPT_OK)
                r = add_host_bytes(e, ckpt_text_get(&e->header), e->header.length);
        for (uint64_t i = 0; r == CKPT_OK && i < e->count; i++)
                r = add_param(e, e->params[i]);
        if (r == CKPT_OK) {
                const int32_t error = e->model->memory->backend->stream_synchronize(e->stream);

                r = error ? fail_device(e, NULL, error) : flush(e);
        }
        return r == CKPT_OK ? ckpt_outfile_commit(&e->file) : r;
}

ckpt_status ckpt_model_export(ckpt_session *session, const ckpt_model *model, const char *path)
{
        _cleanup_(exporter_deinit) exporter e = {
                .session = session, .model = model, .file = CKPT_OUTFILE_INIT(&session->diagnostics)};
        uint64_t size;
        ckpt_status r;

        if (!path || !*path)
                return refuse(&e, CKPT_E_INVALID, NULL, "no file was named");
        r = collect(&e);
        if (r == CKPT_OK)
                r = make_header(&e);
        if (r == CKPT_OK && __builtin_add_overflow(e.size, 8 + e.header.length, &size))
                r = refuse(&e, CKPT_E_LIMIT, NULL, "its size overflows");
        if (r == CKPT_OK)
                r = open_buffer(&e);
        if (r == CKPT_OK)
                r = ckpt_outfile_open(&e.file, path, size);
        return r == CKPT_OK ? write_all(&e) : r;
}
