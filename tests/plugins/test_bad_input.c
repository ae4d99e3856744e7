/* SPDX-License-Identifier: Apache-2.0 */
#include "test_bad_input.h"

#include <stdlib.h>

bad_input bad;

static void forget(void)
{
        bad.model = ckpt_model_unref(bad.model);
        bad.load = ckpt_load_free(bad.load);
}

void attempt(const ckpt_load_options *options)
{
        forget();
        bad.load = run_load(bad.host, scratch_directory(), options, &bad.status, &bad.model);
        ck_assert((bad.status == CKPT_OK) == (bad.model != NULL));
}

void attempt_fails(ckpt_status wanted)
{
        attempt(NULL);
        expect_status(bad.load, bad.status, wanted);
}

static void set_up(void)
{
        scratch_new();
        bad.host = stock_host();
}

static void tear_down(void)
{
        forget();
        bad.host = ckpt_host_free(bad.host);
        scratch_remove();
}

TCase *bad_input_case(const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        return tcase;
}

int main(void)
{
        Suite *suite = suite_create("bad input");
        SRunner *runner;
        int failed;

        suite_add_tcase(suite, bad_config_case());
        suite_add_tcase(suite, bad_tensors_case());
        suite_add_tcase(suite, bad_files_case());
        suite_add_tcase(suite, bad_shards_case());
        suite_add_tcase(suite, bad_change_case());
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
