/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being told that a parameter is ready: once for each, when its bytes are there, with an event that was
 * passed
 */
#include <stdlib.h>
#include <string.h>

#include "paths/runtime.h"
#include "paths/test_engine.h"
#include "support/loading.h"

static const ckpt_mapping mapping = CKPT_MAPPING_INIT;

enum {
        PARAMS_MAX = 64
};

/* What the callback saw; it is the library's thread that calls, so it only notes. */
typedef struct seen {
        int device;
        cudaStream_t stream;
        unsigned calls, ready[PARAMS_MAX];
        unsigned unknown, wrong_bytes, wrong_event, not_passed, behind;
} seen;

static uint64_t index_of(const ckpt_param *param)
{
        uint64_t i = 0;

        while (i < ckpt_model_count(engine_model) && ckpt_model_param_at(engine_model, i) != param)
                i++;
        return i;
}

static void on_ready(void *context, const ckpt_param *param, void *event)
{
        seen *s = context;
        const uint64_t index = index_of(param);
        void *bytes = malloc(param->size + 1);
        ckpt_progress progress;

        s->calls++;
        ckpt_load_get_progress(engine_load, &progress);
        s->behind += progress.params_ready < s->calls;
        if (index >= PARAMS_MAX || index >= ckpt_model_count(engine_model) || !bytes) {
                s->unknown++;
                free(bytes);
                return;
        }
        s->ready[index]++;
        /* What has no bytes was never written to. */
        s->wrong_event += (event != NULL) != (s->device == ENGINE_CUDA && param->size > 0);
        s->not_passed += event && runtime()->event_query(event) != cudaSuccess;
        if (s->device == ENGINE_CUDA)
                s->wrong_bytes += runtime_read(s->stream, bytes, param->data, param->size) != 0;
        else
                memcpy(bytes, param->data, param->size);
        s->wrong_bytes += !odd_is_right(param, bytes, &mapping);
        free(bytes);
}

START_TEST(ready_when_it_is)
{
        static const uint64_t staging[] = {0, 1 << 20, 1};
        seen s = {.device = _i % ENGINE_DEVICES};
        ckpt_load_options options = engine_options(s.device);

        s.stream = runtime_stream();
        options.ready = on_ready;
        options.context = &s;
        options.readers = 3;
        options.staging_bytes = staging[_i / ENGINE_DEVICES];
        engine_begin(&options);
        engine_arena_bytes();
        runtime()->control->set_delay(MILLISECOND / 10);
        expect_status(engine_load, ckpt_load_run(engine_load, NULL), CKPT_OK);
        runtime()->control->set_delay(0);
        ck_assert_uint_eq(s.calls, ckpt_model_count(engine_model));
        for (uint64_t i = 0; i < ckpt_model_count(engine_model); i++)
                ck_assert_msg(s.ready[i] == 1, "%s was ready %u times",
                              ckpt_model_param_at(engine_model, i)->name, s.ready[i]);
        ck_assert_msg(
                s.unknown + s.wrong_bytes + s.wrong_event + s.not_passed + s.behind == 0,
                "%u unknown, %u with wrong bytes, %u with a wrong event, %u before their event, %u before "
                "they were counted",
                s.unknown, s.wrong_bytes, s.wrong_event, s.not_passed, s.behind);
        engine_finish();
        ck_assert_int_eq(runtime()->stream_free(s.stream), cudaSuccess);
}
END_TEST

void engine_add_ready(TCase *tests)
{
        tcase_add_loop_test(tests, ready_when_it_is, 0, 3 * ENGINE_DEVICES);
}
