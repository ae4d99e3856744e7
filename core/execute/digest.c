/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Digests of what was made: XXH3-128 over the final bytes of each parameter, wherever they are
 */

#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "core/base/cleanup.h"
#include "core/execute/execute.h"
#include "core/execute/workers.h"

/* Bytes brought back from a device at a time. */
#define PIECE_BYTES (4u << 20)

struct digesting {
        ckpt_session *session;
        ckpt_model *model;
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;
        atomic_ullong next;
        atomic_bool stop;
};

/* One worker's stream and memory, where the bytes are not the host's. */
struct window {
        ckpt_stream *stream;
        uint8_t *memory;
};

static ckpt_status device_failed(struct digesting *digesting, int32_t error, const char *doing)
{
        return ckpt_session_fail(digesting->session, CKPT_E_DEVICE, NULL, "%s: %s failed: %s",
                                 digesting->backend->name, doing, digesting->backend->describe(error));
}

static ckpt_status hash_from_device(struct digesting *digesting, struct window *window, const uint8_t *data,
                                    uint64_t size, XXH3_state_t *state)
{
        for (uint64_t at = 0; at < size; at += PIECE_BYTES) {
                const uint64_t piece = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
                int32_t error =
                        digesting->backend->copy_to_host(window->stream, window->memory, data + at, piece);

                if (!error)
                        error = digesting->backend->stream_synchronize(window->stream);
                if (error)
                        return device_failed(digesting, error, "copying from the device");
                XXH3_128bits_update(state, window->memory, piece);
        }
        return CKPT_OK;
}

static ckpt_status digest_param(struct digesting *digesting, struct window *window, ckpt_param *param)
{
        XXH3_state_t *state = XXH3_createState();
        ckpt_status r = CKPT_OK;
        XXH128_canonical_t canonical;

        if (!state)
                return CKPT_E_NOMEM;
        XXH3_128bits_reset(state);
        for (uint64_t at = 0; digesting->host_memory && at < param->size && r == CKPT_OK; at += PIECE_BYTES) {
                const uint64_t piece = param->size - at < PIECE_BYTES ? param->size - at : PIECE_BYTES;

                XXH3_128bits_update(state, (const uint8_t *)param->data + at, piece);
                r = ckpt_session_check(digesting->session);
        }
        if (!digesting->host_memory)
                r = hash_from_device(digesting, window, param->data, param->size, state);
        if (r == CKPT_OK) {
                XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
                memcpy(param->digest, canonical.digest, sizeof(param->digest));
                param->has_digest = 1;
        }
        XXH3_freeState(state);
        return r;
}

static ckpt_status window_init(struct digesting *digesting, struct window *window)
{
        void *memory = NULL;
        int32_t error;

        *window = (struct window){.stream = NULL};
        if (digesting->host_memory)
                return CKPT_OK;
        error = digesting->backend->stream_new(digesting->device, &window->stream);
        if (!error)
                error = digesting->backend->pinned_alloc(digesting->device, PIECE_BYTES, &memory);
        window->memory = error ? NULL : memory;
        return error ? device_failed(digesting, error, "preparing digests") : CKPT_OK;
}

static void window_deinit(struct digesting *digesting, struct window *window)
{
        if (window->stream)
                digesting->backend->stream_free(window->stream);
        if (window->memory)
                digesting->backend->pinned_free(digesting->device, window->memory, PIECE_BYTES);
}

static ckpt_status digest_worker(void *context, uint32_t index)
{
        struct digesting *digesting = context;
        struct window window;
        ckpt_status r = window_init(digesting, &window);

        (void)index;
        while (r == CKPT_OK && !atomic_load(&digesting->stop)) {
                const uint64_t at = atomic_fetch_add(&digesting->next, 1);
                ckpt_param *param;

                if (at >= digesting->model->params.count)
                        break;
                param = &digesting->model->params.items[at]->public;
                r = ckpt_session_check(digesting->session);
                if (r == CKPT_OK && !param->skipped && (param->data || param->size == 0))
                        r = digest_param(digesting, &window, param);
        }
        window_deinit(digesting, &window);
        return r;
}

ckpt_status ckpt_digest_model(ckpt_session *session, ckpt_model *model, const ckpt_backend *backend,
                              ckpt_device *device, bool host_memory, uint32_t readers)
{
        struct digesting digesting = {
                .session = session,
                .model = model,
                .backend = backend,
                .device = device,
                .host_memory = host_memory,
        };

        return ckpt_workers_run(session, readers, digest_worker, &digesting, &digesting.stop, NULL, NULL);
}
