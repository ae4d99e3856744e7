/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One checkpoint in which everything lies badly, by every way, for every rank, on the CPU and on the fake
 * CUDA runtime: always the same bytes
 */
#include <stdlib.h>

#include "paths/asked.h"
#include "paths/odd.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

static const char *const devices[] = {"cpu", "cuda:0"};

/* One rank of one, and the four of four. */
#define RANKS 5

static ckpt_host *host;

static void load_by(const way *w, const char *device, int32_t size, int32_t rank)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        ckpt_load *load;

        options.device = device;
        options.mapping.tp_size = size;
        options.mapping.tp_rank = rank;
        way_set(w, &options);
        way_prepare(w);
        load = odd_load(host, &options, &model);
        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        odd_expect(model, &options.mapping, w->name);
        /*
         * On other ranks most ranges are rows, and what is read of those brings their neighbours into the
         * cache.
         */
        way_check(w, load, size == 1);
        ckpt_load_free(load);
        ckpt_model_unref(model);
}

START_TEST(every_way)
{
        const int32_t rank = _i / 2 % RANKS;

        for (unsigned i = 0; i < WAYS; i++)
                load_by(&ways[i], devices[_i % 2], rank == 0 ? 1 : 4, rank == 0 ? 0 : rank - 1);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        odd_make();
        host = asked_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        odd_forget();
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("ways");
        TCase *tcase = tcase_create("ways");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, every_way, 0, 2 * RANKS);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
