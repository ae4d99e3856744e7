/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight loads at once on one host: six must be right although one is cancelled and one fails beside them.
 * Made for ThreadSanitizer; what threads find is kept and judged when they have ended.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ckpt/ckpt.h>

#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "unit/test_faults_reader.h"

#include <check.h>

#define ROUNDS 4

typedef struct worker {
        pthread_t thread;
        void (*job)(struct worker *worker);
        const char *fixture, *golden;
        ckpt_mapping mapping;
        ckpt_weights *weights; /* given to the load, or NULL */
        unsigned bad;          /* rounds that were not as they must be */
} worker;

static ckpt_host *host;
static pthread_barrier_t barrier;

static ckpt_load *new_load(const worker *w, ckpt_load_options *options)
{
        ckpt_load *load = NULL;
        char path[1024];

        options->mapping = w->mapping;
        options->readers = 2;
        options->digest = 1;
        if (ckpt_load_new(host, options, &load) != CKPT_OK)
                return NULL;
        snprintf(path, sizeof(path), "%s/%s", getenv("CKPT_TEST_FIXTURES"), w->fixture);
        if (ckpt_load_set_path(load, path) == CKPT_OK &&
            (!w->weights || ckpt_load_set_weights(load, w->weights) == CKPT_OK))
                return load;
        return ckpt_load_free(load);
}

static void succeed(worker *w)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_load *load = new_load(w, &options);
        ckpt_model *model = NULL;

        if (!load || ckpt_load_start(load) != CKPT_OK || ckpt_load_wait(load, &model) != CKPT_OK)
                w->bad++;
        ckpt_load_free(load);
        if (model && !matches_golden(model, w->fixture, w->golden))
                w->bad++;
        ckpt_model_unref(model);
}

static ckpt_status cancel_at_fifth(test_reader *reader, uint64_t call)
{
        if (call == 5)
                ckpt_load_cancel(reader->context);
        return CKPT_OK;
}

static void be_cancelled(worker *w)
{
        test_reader reader = TEST_READER_INIT;
        ckpt_model *model = NULL;
        ckpt_load *load = test_reader_load(host, &reader, NULL);

        reader.on_read = cancel_at_fifth;
        reader.context = load;
        if (ckpt_load_run(load, &model) != CKPT_E_CANCELLED || model)
                w->bad++;
        ckpt_load_free(load);
}

/* The one-call way, whose reasons go to the host that all share. */
static void fail_to_load(worker *w)
{
        ckpt_model *model = NULL;

        if (ckpt_load_dir(host, scratch_directory(), NULL, &model) != CKPT_E_MISSING || model)
                w->bad++;
}

static void *worker_main(void *argument)
{
        worker *w = argument;

        for (unsigned i = 0; i < ROUNDS; i++) {
                pthread_barrier_wait(&barrier);
                w->job(w);
        }
        return NULL;
}

static void run_all(worker *workers, unsigned count)
{
        ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, count), 0);
        for (unsigned i = 0; i < count; i++)
                ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
        for (unsigned i = 0; i < count; i++)
                pthread_join(workers[i].thread, NULL);
        pthread_barrier_destroy(&barrier);
        for (unsigned i = 0; i < count; i++)
                ck_assert_msg(workers[i].bad == 0, "worker %u was wrong %u times", i, workers[i].bad);
}

#define MAPPING(tp_, rank_)                                                                              \
        {                                                                                                \
                .struct_size = sizeof(ckpt_mapping), .tp_size = (tp_), .tp_rank = (rank_), .pp_size = 1, \
                .ep_size = 1                                                                             \
        }

START_TEST(eight_at_once)
{
        worker workers[8] = {
                {.job = succeed, .fixture = "gemma3-bf16", .golden = "tp1-rank0", .mapping = MAPPING(1, 0)},
                {.job = succeed, .fixture = "gemma3-bf16", .golden = "tp2-rank1", .mapping = MAPPING(2, 1)},
                {.job = be_cancelled},
                {.job = succeed,
                 .fixture = "gemma3-fp32-sharded",
                 .golden = "tp4-rank3",
                 .mapping = MAPPING(4, 3)},
                {.job = fail_to_load},
                {.job = succeed,
                 .fixture = "gemma3-vlm-old",
                 .golden = "tp2-rank0",
                 .mapping = MAPPING(2, 0)},
                {.job = succeed, .fixture = "llama", .golden = "tp2-rank1", .mapping = MAPPING(2, 1)},
                {.job = succeed, .fixture = "qwen2", .golden = "tp1-rank0", .mapping = MAPPING(1, 0)},
        };

        checkpoint_copy("gemma3-bf16");
        checkpoint_drop("model.layers.1.self_attn.k_proj.weight");
        run_all(workers, 8);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "model.layers.1.self_attn.k_proj.weight"));
}
END_TEST

/* One set of weights for the loads of four ranks: what a load consumes is its own knowledge. */
START_TEST(shared_weights)
{
        worker workers[4] = {
                {.job = succeed,
                 .fixture = "gemma3-bf16-sharded",
                 .golden = "tp4-rank0",
                 .mapping = MAPPING(4, 0)},
                {.job = succeed,
                 .fixture = "gemma3-bf16-sharded",
                 .golden = "tp4-rank1",
                 .mapping = MAPPING(4, 1)},
                {.job = succeed,
                 .fixture = "gemma3-bf16-sharded",
                 .golden = "tp2-rank1",
                 .mapping = MAPPING(2, 1)},
                {.job = succeed,
                 .fixture = "gemma3-bf16-sharded",
                 .golden = "tp1-rank0",
                 .mapping = MAPPING(1, 0)},
        };
        ckpt_weights *weights = NULL;
        ckpt_load *load = NULL;

        ck_assert_int_eq(ckpt_load_new(host, NULL, &load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(load, fixture_path("gemma3-bf16-sharded")), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_weights(load, &weights), CKPT_OK);
        ckpt_weights_ref(weights);
        ckpt_load_free(load);
        for (unsigned i = 0; i < 4; i++)
                workers[i].weights = weights;
        run_all(workers, 4);
        ckpt_weights_unref(weights);
}
END_TEST

/* Progress is asked for, and cancellation told, from other threads while a load runs. */
static void *watch(void *argument)
{
        ckpt_progress progress = {.stage = NULL};
        ckpt_load *load = argument;
        uint64_t before = 0;

        do {
                ckpt_load_get_progress(load, &progress);
                if (progress.bytes_read < before)
                        return load;
                before = progress.bytes_read;
        } while (strcmp(progress.stage, "done") != 0 && strcmp(progress.stage, "failed") != 0);
        (void)ckpt_load_diagnostic_count(load);
        return NULL;
}

START_TEST(watched_from_another_thread)
{
        for (unsigned i = 0; i < ROUNDS; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                ckpt_load *load = test_reader_load(host, &reader, NULL);
                void *wrong = NULL;
                pthread_t thread;

                ck_assert_int_eq(pthread_create(&thread, NULL, watch, load), 0);
                ck_assert_int_eq(ckpt_load_start(load), CKPT_OK);
                ck_assert_int_eq(ckpt_load_wait(load, &model), CKPT_OK);
                pthread_join(thread, &wrong);
                ck_assert_ptr_null(wrong);
                ckpt_model_unref(model);
                ckpt_load_free(load);
        }
}
END_TEST

static void set_up(void)
{
        scratch_new();
        host = stock_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("concurrent");
        TCase *tcase = tcase_create("concurrent");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, eight_at_once);
        tcase_add_test(tcase, shared_weights);
        tcase_add_test(tcase, watched_from_another_thread);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
