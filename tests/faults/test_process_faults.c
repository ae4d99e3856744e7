/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole processes of ckpt-host whose calls fail: none may die, none may say that all is well and print other
 * digests
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/process.h"
#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

static const char *const devices[] = {"cpu", "cuda:0"};

#define DEVICES 2

/* ---- one process ---- */

typedef struct outcome {
        int status; /* exit status, -1 for one that was killed */
        unsigned long long calls, faults;
        char *digests; /* every parameter's, as JSON; NULL where there are none */
        char *error;
} outcome;

static void set_fault(const char *fault)
{
        if (!fault) {
                unsetenv("LD_PRELOAD");
                return;
        }
        setenv("LD_PRELOAD", test_place("CKPT_TEST_FAULT_SHIM"), 1);
        setenv("CKPT_FAULT", fault, 1);
        setenv("CKPT_FAULT_REPORT", scratch_path("report"), 1);
}

static void read_report(outcome *o)
{
        FILE *file = fopen(scratch_path("report"), "re");

        ck_assert_msg(file != NULL, "the process did not come to its end");
        ck_assert_int_eq(fscanf(file, "%llu %llu", &o->calls, &o->faults), 2);
        fclose(file);
        unlink(scratch_path("report"));
}

/* A process that has no memory may not be able to print its object. */
static void read_output(outcome *o, const struct process *process)
{
        json_t *root = json_loads(process->out, JSON_REJECT_DUPLICATES, NULL);
        const json_t *parameters = json_object_get(root, "parameters");
        const char *error = json_string_value(json_object_get(root, "error"));

        if (json_array_size(parameters) > 0)
                o->digests = json_dumps(parameters, JSON_COMPACT);
        o->error = strdup(error ? error : process->err);
        if (root && !strstr(process->err, "the JSON object is incomplete"))
                ck_assert_int_eq(json_integer_value(json_object_get(root, "exit_status")), o->status);
        json_decref(root);
}

static outcome load(const char *device, const char *path, const char *fault)
{
        outcome o = {0};
        struct process *process;

        set_fault(fault);
        process = RUN("load", path, "--device", device, "--plugin-dir", test_place("CKPT_TEST_PLUGINS"),
                      "--json", "--quiet", "--digest", "--strict");
        set_fault(NULL);
        o.status = process->status;
        ck_assert_msg(o.status >= 0, "%s on %s: killed by a signal: %s", fault, device, process->err);
        ck_assert_msg(o.status < 125, "%s on %s: %s", fault, device, process->err);
        if (fault)
                read_report(&o);
        read_output(&o, process);
        process_free(process);
        return o;
}

static void outcome_deinit(outcome *o)
{
        free(o->digests);
        free(o->error);
}

/* ---- many ---- */

/* The fault's text has a %llu for the number of the call. */
typedef struct process_fault {
        const char *format;
        bool harmless;                   /* the load must succeed */
        bool needed;                     /* every process makes the call */
        unsigned long long factor, step; /* from one n to the next: n * factor / 4 + step */
} process_fault;

static const process_fault faults[] = {
        {"pread:%llu:EIO", false, true, 4, 5},
        {"pread:%llu:EINTR", true, true, 4, 7},
        {"pread:%llu:short", true, true, 4, 7},
        {"reads:p=0.3/%llu:short", true, true, 0, 0},
        {"reads:p=0.3/%llu:eintr", true, true, 0, 0},
        {"open:%llu:EMFILE", false, true, 4, 2},
        {"open:direct:EINVAL", true, false, 0, 0},
        {"stat:%llu:EACCES", false, true, 4, 4},
        {"mmap:%llu", false, false, 4, 1},
        {"pthread_create:%llu:EAGAIN", false, true, 4, 1},
        {"malloc:%llu", false, true, 5, 1},
        {"malloc:p=0.02/%llu", false, true, 0, 0},
};

/* Rounds of what never comes to an end by itself. */
#define SEEDS 3

static void check(const process_fault *fault, const char *text, const char *device, const outcome *o,
                  const outcome *good)
{
        ck_assert_msg(!(fault->harmless || o->faults == 0) || o->status == 0, "%s on %s: %s", text, device,
                      o->error);
        if (o->status == 0)
                ck_assert_msg(o->digests && strcmp(o->digests, good->digests) == 0, "%s on %s: other digests",
                              text, device);
        else
                ck_assert_msg(o->error[0] != '\0', "%s on %s: no reason", text, device);
}

START_TEST(calls_that_fail)
{
        const process_fault *fault = &faults[_i / DEVICES];
        const char *device = devices[_i % DEVICES], *path = fixture_path("gemma3-bf16-sharded");
        outcome good = load(device, path, NULL);
        unsigned long long n = 1, met = 0;
        bool more = true;

        ck_assert_msg(good.status == 0, "%s", good.error);
        for (unsigned round = 0; more; round++) {
                char text[64];
                outcome o;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(text, sizeof(text), fault->format, n);
#pragma GCC diagnostic pop
                o = load(device, path, text);
                check(fault, text, device, &o, &good);
                met += o.faults;
                more = fault->step > 0 ? o.faults > 0 : round + 1 < SEEDS;
                n = fault->step > 0 ? n * fault->factor / 4 + fault->step : n + 1;
                outcome_deinit(&o);
        }
        printf("# %s on %s: %llu faults\n", fault->format, device, met);
        fflush(stdout);
        ck_assert(met > 0 || !fault->needed);
        outcome_deinit(&good);
}
END_TEST

START_TEST(files_that_are_cut)
{
        const char *device = devices[_i];
        outcome good;

        checkpoint_copy("gemma3-bf16-sharded");
        good = load(device, scratch_directory(), "pread:100000:EIO");
        ck_assert_msg(good.status == 0, "%s", good.error);
        for (unsigned tenths = 1; tenths < 10; tenths += 4) {
                char text[700];
                outcome o;

                snprintf(text, sizeof(text), "pread:%llu:truncate=%s@50%%", good.calls * tenths / 10,
                         scratch_path("model-00004-of-00004.safetensors"));
                o = load(device, scratch_directory(), text);
                ck_assert_uint_eq(o.faults, 1);
                ck_assert_msg(o.status != 0 && strstr(o.error, "model-00004-of-00004.safetensors"), "%s: %s",
                              text, o.error);
                outcome_deinit(&o);
                checkpoint_copy("gemma3-bf16-sharded");
        }
        outcome_deinit(&good);
}
END_TEST

static bool is_sanitized(void)
{
        const char *sanitizer = getenv("CKPT_TEST_SANITIZER");

        return sanitizer && strcmp(sanitizer, "none") != 0;
}

static void set_up(void)
{
        setenv("CKPT_BACKEND_DIR", test_place("CKPT_TEST_FAKE_CUDA"), 1);
        scratch_new();
}

int main(void)
{
        const int count = (int)(sizeof(faults) / sizeof(*faults)) * DEVICES;
        Suite *suite;
        TCase *tcase;
        SRunner *runner;
        int failed;

        if (is_sanitized()) {
                printf("1..0 # SKIP a sanitizer's run time must be loaded before all else\n");
                return EXIT_SUCCESS;
        }
        suite = suite_create("process-faults");
        tcase = tcase_create("process");
        tcase_add_checked_fixture(tcase, set_up, scratch_remove);
        tcase_set_timeout(tcase, 100);
        tcase_add_loop_test(tcase, calls_that_fail, 0, count);
        tcase_add_loop_test(tcase, files_that_are_cut, 0, DEVICES);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
