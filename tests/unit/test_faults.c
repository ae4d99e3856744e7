/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/test_faults.h"

#include <stdlib.h>

ckpt_host *faults_host;
resources faults_before;

void faults_host_still_works(void)
{
        ckpt_model *model = NULL;
        ckpt_status r = CKPT_OK;
        ckpt_load *load = run_load(faults_host, fixture_path("gemma3-bf16"), NULL, &r, &model);

        expect_status(load, r, CKPT_OK);
        expect_golden(model, "gemma3-bf16", "tp1-rank0");
        ckpt_model_unref(model);
        ckpt_load_free(load);
}

void faults_warm_up(void)
{
        for (unsigned i = 0; i < 4; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                ckpt_load *load = test_reader_load(faults_host, &reader, NULL);

                ck_assert_int_eq(ckpt_load_start(load), CKPT_OK);
                ck_assert_int_eq(ckpt_load_wait(load, &model), CKPT_OK);
                ckpt_model_unref(model);
                ckpt_load_free(load);
                faults_host_still_works();
        }
        faults_before = resources_now();
}

void faults_nothing_left(void)
{
        resources_expect_same(&faults_before, SLACK);
}

static void set_up(void)
{
        scratch_new();
        faults_host = stock_host();
}

static void tear_down(void)
{
        faults_host = ckpt_host_free(faults_host);
        scratch_remove();
}

static void add_case(Suite *suite, TCase *tcase)
{
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
}

int main(void)
{
        Suite *suite = suite_create("faults");
        SRunner *runner;
        int failed;

        add_case(suite, faults_cancel_case());
        add_case(suite, faults_export_case());
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
