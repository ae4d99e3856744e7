/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Devices by name, and the search for the CUDA library, with libraries that have no device behind them
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "core/host/plugin.h"
#include "plugins/plugins_support.h"
#include "support/scratch.h"

static ckpt_host_device opened;
static char name[32];

static ckpt_status open_named(const char *wanted)
{
        return ckpt_host_open_device(host, &session, wanted, &opened, name);
}

/* The scratch directory, with this module as its CUDA library. */
static void use_library(const char *module)
{
        copy_plugin(module, "ckpt-cuda");
        ck_assert_int_eq(ckpt_host_set_backend_dir(host, scratch_directory()), CKPT_OK);
}

START_TEST(cpu_is_always_there)
{
        ckpt_device *first;

        ck_assert_int_eq(open_named(NULL), CKPT_OK);
        ck_assert_ptr_eq(opened.backend, &ckpt_backend_cpu);
        ck_assert_str_eq(name, "cpu");
        ck_assert_int_eq(opened.ordinal, 0);
        first = opened.device;
        ck_assert_int_eq(open_named("cpu"), CKPT_OK);
        ck_assert_ptr_eq(opened.device, first);
        ck_assert_uint_eq(host->devices.count, 1);
}
END_TEST

START_TEST(unknown_device_is_refused)
{
        static const char *const names[] = {"",        "gpu",   "cuda:", "cuda:x",    "cuda:1x",
                                            "cuda:-1", "cuda1", "cpu:0", "cuda:99999"};

        ck_assert_int_eq(open_named(names[_i]), CKPT_E_INVALID);
        expect_reason(CKPT_E_INVALID, "it is cpu, cuda or cuda:N");
}
END_TEST

START_TEST(cuda_is_opened_once_per_ordinal)
{
        ckpt_device *first;

        use_library("backend_good");
        ck_assert_int_eq(open_named("cuda"), CKPT_OK);
        ck_assert_str_eq(name, "cuda:0");
        first = opened.device;
        ck_assert_int_eq(open_named("cuda:0"), CKPT_OK);
        ck_assert_ptr_eq(opened.device, first);
        ck_assert_int_eq(open_named("cuda:2"), CKPT_OK);
        ck_assert_ptr_ne(opened.device, first);
        ck_assert_int_eq(opened.ordinal, 2);
        ck_assert_str_eq(name, "cuda:2");
        ck_assert_str_eq(opened.backend->name, "cuda");
        ck_assert_uint_eq(host->devices.count, 2);
        expect_no_reason();
}
END_TEST

START_TEST(device_that_does_not_open_says_why)
{
        use_library("backend_good");
        ck_assert_int_eq(open_named("cuda:3"), CKPT_E_DEVICE);
        expect_reason(CKPT_E_DEVICE, "the device cuda:3 cannot be opened: there are three devices");
}
END_TEST

START_TEST(library_without_a_device_says_why)
{
        use_library("backend_none");
        ck_assert_int_eq(open_named("cuda"), CKPT_E_DEVICE);
        expect_reason(CKPT_E_DEVICE, "CUDA cannot be used on this machine: no device answers");
}
END_TEST

START_TEST(library_of_another_build_is_refused)
{
        char reason[64];

        snprintf(reason, sizeof(reason), "the CUDA library has version %u", CKPT_BACKEND_VERSION + 1);
        use_library("backend_old");
        ck_assert_int_eq(open_named("cuda"), CKPT_E_DEVICE);
        expect_reason(CKPT_E_DEVICE, reason);
}
END_TEST

START_TEST(library_is_judged_as_a_plugin_is)
{
        static const char *const words[] = {"does not define the symbol 'ckpt_backend_entry'",
                                            "not an ELF file", "writable by everybody"};

        use_library(_i == 2 ? "backend_good" : "toy");
        if (_i == 1)
                scratch_write_text("ckpt-cuda.so", "text");
        if (_i == 2)
                ck_assert_int_eq(chmod(scratch_path("ckpt-cuda.so"), 0666), 0);
        ck_assert_int_eq(open_named("cuda"), CKPT_E_DEVICE);
        expect_reason(CKPT_E_DEVICE, words[_i]);
        ck_assert_uint_eq(host->devices.count, 0);
}
END_TEST

START_TEST(missing_library_names_the_places)
{
        ck_assert_int_eq(setenv("CKPT_BACKEND_DIR", "/nowhere/by-environment", 1), 0);
        ck_assert_int_eq(ckpt_host_set_backend_dir(host, "/nowhere/by-call"), CKPT_OK);
        if (open_named("cuda") == CKPT_OK)
                return; /* it is installed on this machine */
        expect_reason(CKPT_E_DEVICE, "/nowhere/by-call, /nowhere/by-environment, ");
}
END_TEST

START_TEST(environment_names_a_place)
{
        copy_plugin("backend_good", "ckpt-cuda");
        ck_assert_int_eq(setenv("CKPT_BACKEND_DIR", scratch_directory(), 1), 0);
        ck_assert_int_eq(open_named("cuda:1"), CKPT_OK);
        ck_assert_int_eq(opened.ordinal, 1);
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("devices");
        TCase *const t = tcase_create("devices");

        tcase_add_checked_fixture(t, plugins_setup, plugins_teardown);
        tcase_add_test(t, cpu_is_always_there);
        tcase_add_loop_test(t, unknown_device_is_refused, 0, 9);
        tcase_add_test(t, cuda_is_opened_once_per_ordinal);
        tcase_add_test(t, device_that_does_not_open_says_why);
        tcase_add_test(t, library_without_a_device_says_why);
        tcase_add_test(t, library_of_another_build_is_refused);
        tcase_add_loop_test(t, library_is_judged_as_a_plugin_is, 0, 3);
        tcase_add_test(t, missing_library_names_the_places);
        tcase_add_test(t, environment_names_a_place);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *const runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
