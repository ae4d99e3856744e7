/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host's options of how a load reads, its timeline, and what it says of phases and ways
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "support.h"
#include "support/timeline.h"

#define PLUGINS "--plugin-dir", test_place("CKPT_TEST_PLUGINS")

static json_t *load_json(const char *option, const char *value)
{
        struct process *p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--json", "--digest", option, value);
        json_t *root;

        ck_assert_msg(p->status == 0, "%s", p->err);
        root = process_json(p);
        process_free(p);
        return root;
}

static json_int_t number_of(const json_t *object, const char *key)
{
        const json_t *number = json_object_get(object, key);

        ck_assert_msg(json_is_integer(number), "'%s' is not there or no whole number", key);
        return json_integer_value(number);
}

static double real_of(const json_t *object, const char *key)
{
        const json_t *number = json_object_get(object, key);

        ck_assert_msg(json_is_real(number), "'%s' is not there or no real number", key);
        return json_real_value(number);
}

/* The rate is of these bytes in these seconds, and there is none without bytes. */
static const json_t *check_phase(const json_t *root, const char *name, json_int_t bytes)
{
        const json_t *phase = json_object_get(json_object_get(root, "phases"), name);
        const json_t *rate = json_object_get(phase, "gigabytes_per_second");
        const double seconds = real_of(phase, "seconds");

        ck_assert_double_ge(seconds, 0);
        ck_assert_int_eq(number_of(phase, "bytes"), bytes);
        if (bytes > 0)
                ck_assert_double_eq_tol(json_real_value(rate) * seconds * 1e9, (double)bytes, 1);
        else
                ck_assert(json_is_null(rate));
        ck_assert_uint_eq(json_object_size(phase), 5);
        return phase;
}

/* The totals, which were there before, tell the same. */
START_TEST(phases)
{
        static const char *const silent[] = {"config", "map", "plan"};
        json_t *root = load_json("--readers", "1");
        const json_t *totals = json_object_get(root, "totals");
        const json_t *ring = json_object_get(root, "ring");
        const json_int_t final = number_of(totals, "bytes_final");
        const json_t *phase;

        ck_assert_uint_eq(json_object_size(json_object_get(root, "phases")), 8);
        for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
                phase = check_phase(root, silent[i], 0);
                ck_assert_int_eq(number_of(phase, "copies"), 0);
                ck_assert_int_eq(number_of(phase, "launches"), 0);
        }
        check_phase(root, "weights", number_of(totals, "bytes_headers"));
        check_phase(root, "allocate", final);
        check_phase(root, "digest", final);
        check_phase(root, "ring", number_of(ring, "bytes"));
        phase = check_phase(root, "load", number_of(totals, "bytes_read"));
        ck_assert_int_eq(number_of(phase, "copies"), number_of(totals, "copies"));
        ck_assert_int_gt(number_of(phase, "launches"), 0);
        ck_assert_int_eq(number_of(phase, "launches"), number_of(totals, "kernels"));
        ck_assert_double_eq(real_of(phase, "seconds"), real_of(totals, "execute_seconds"));
        ck_assert_int_eq(number_of(ring, "readers"), 1);
        ck_assert_int_gt(number_of(totals, "bytes_headers"), 0);
        json_decref(root);
}
END_TEST

static int is_way(const char *word)
{
        return strcmp(word, "auto") == 0 || strcmp(word, "buffered") == 0 || strcmp(word, "direct") == 0 ||
               strcmp(word, "mapped") == 0;
}

/* Whichever way the bytes come, they are the same. */
START_TEST(ways)
{
        static const char *const words[] = {"auto", "buffered", "direct", "mapped"};
        json_t *root = load_json("--io", words[_i]), *other = load_json("--io", "buffered");
        const json_t *io = json_object_get(root, "io");
        const json_int_t bytes = number_of(io, "bytes_buffered") + number_of(io, "bytes_direct") +
                                 number_of(io, "bytes_mapped");

        ck_assert_str_eq(string_of(io, "requested"), words[_i]);
        ck_assert(is_way(string_of(io, "chosen")));
        ck_assert(is_way(string_of(io, "effective")));
        ck_assert_ptr_nonnull(string_of(io, "engine"));
        ck_assert_ptr_nonnull(string_of(io, "why"));
        ck_assert_int_ge(bytes, 0);
        ck_assert_int_eq(number_of(io, "bytes_to_device"), 0);
        ck_assert(json_equal(json_object_get(root, "parameters"), json_object_get(other, "parameters")));
        json_decref(root);
        json_decref(other);
}
END_TEST

START_TEST(way_for_people)
{
        struct process *p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--readers", "1");
        const char *line;

        ck_assert_int_eq(p->status, 0);
        line = strstr(p->out, "\nload  ");
        ck_assert_msg(line != NULL, "%s", p->out);
        ck_assert_ptr_nonnull(strstr(line, "288.4 kB in "));
        ck_assert_ptr_nonnull(strstr(line, " GB/s)"));
        ck_assert_ptr_nonnull(strstr(line, " 0 copies, "));
        ck_assert_ptr_nonnull(strstr(line, " 1 readers\n"));
        process_free(p);
}
END_TEST

/* The plan knows what staging memory it would take: spellings of one size give one plan, a smaller less. */
static json_int_t staging_of(const char *ring)
{
        struct process *p = RUN(PLUGINS, "plan", fixture("gemma3-bf16"), "--json", "--readers", "2",
                                "--device", "cpu", "--dtype", "fp32", "--ring", ring);
        json_t *root;
        json_int_t bytes;

        ck_assert_msg(p->status == 0, "%s", p->err);
        root = process_json(p);
        bytes = number_of(json_object_get(root, "totals"), "staging_bytes");
        json_decref(root);
        process_free(p);
        return bytes;
}

START_TEST(ring_sizes)
{
        static const char *const same[] = {"16384", "16K", "16k", "16KiB", "16kib"};
        const json_int_t small = staging_of(same[0]), large = staging_of("1G");

        for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++)
                ck_assert_int_eq(staging_of(same[i]), small);
        ck_assert_int_le(small, 16384);
        ck_assert_int_gt(large, small);
        ck_assert_int_eq(staging_of("1024MiB"), large);
        ck_assert_int_eq(staging_of("16777215T"), large);
}
END_TEST

static const struct {
        const char *option, *value, *wants;
} refused[] = {
        {"--ring", "0", "a size from 1 byte"},
        {"--ring", "-1", "a size from 1 byte"},
        {"--ring", "", "a size from 1 byte"},
        {"--ring", "M", "a size from 1 byte"},
        {"--ring", "5MB", "a size from 1 byte"},
        {"--ring", "5 M", "a size from 1 byte"},
        {"--ring", "5MiBs", "a size from 1 byte"},
        {"--ring", "1.5G", "a size from 1 byte"},
        {"--ring", "16777216T", "a size from 1 byte"},
        {"--ring", "18446744073709551616", "a size from 1 byte"},
        {"--io", "fast", "auto, buffered, direct or mapped"},
        {"--io", "", "auto, buffered, direct or mapped"},
        {"--readers", "0", "a whole number from 1"},
        {"--trace", "", "not empty"},
};

START_TEST(wrong_values)
{
        struct process *p = RUN("load", "x", refused[_i].option, refused[_i].value);

        ck_assert_int_eq(p->status, 2);
        ck_assert_msg(strstr(p->err, refused[_i].option) && strstr(p->err, refused[_i].wants), "%s", p->err);
        process_free(p);
}
END_TEST

/* An option that would do nothing is refused. */
START_TEST(wrong_commands)
{
        struct process *p = RUN("plan", "x", "--trace", "t.json");

        ck_assert_int_eq(p->status, 2);
        ck_assert_ptr_nonnull(strstr(p->err, "'plan' takes no option '--trace'"));
        process_free(p);
        p = RUN("resolve", "x", "--ring", "1M");
        ck_assert_int_eq(p->status, 2);
        process_free(p);
        p = RUN("load", "--help");
        ck_assert(strstr(p->out, "--ring BYTES") && strstr(p->out, "--io HOW") &&
                  strstr(p->out, "--readers N") && strstr(p->out, "--trace FILE"));
        process_free(p);
}
END_TEST

START_TEST(trace)
{
        struct process *p;
        json_t *root;

        make_directory();
        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--trace", in_directory("trace.json"));
        ck_assert_msg(p->status == 0, "%s", p->err);
        process_free(p);
        root = timeline_read(in_directory("trace.json"));
        ck_assert_uint_eq(timeline_count(root, 0, "load"), 1);
        ck_assert_int_gt(timeline_bytes(timeline_span(root, 0, "load", 0)), 0);
        json_decref(root);
        ck_assert_uint_eq(empty_directory(), 1);
        remove_directory();
}
END_TEST

/* Told once, and the load is a success. */
START_TEST(trace_fails)
{
        struct process *p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--quiet", "--json", "--trace",
                                "/nonexistent/trace.json");
        json_t *root = process_json(p);
        const json_t *diagnostic = json_array_get(json_object_get(root, "diagnostics"), 0);
        const char *told;

        ck_assert_int_eq(p->status, 0);
        ck_assert_str_eq(string_of(diagnostic, "severity"), "warning");
        ck_assert_ptr_nonnull(strstr(string_of(diagnostic, "message"), "/nonexistent/trace.json"));
        ck_assert(json_is_null(json_object_get(root, "error")));
        json_decref(root);
        process_free(p);

        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--trace", "/nonexistent/trace.json");
        ck_assert_int_eq(p->status, 0);
        told = strstr(p->err, "no timeline was written");
        ck_assert_msg(told != NULL, "%s", p->err);
        ck_assert_ptr_null(strstr(told + 1, "no timeline was written"));
        process_free(p);
}
END_TEST

static void add_cases(Suite *suite)
{
        TCase *tcase = tcase_create("cli-io");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, phases);
        tcase_add_loop_test(tcase, ways, 0, 4);
        tcase_add_test(tcase, way_for_people);
        tcase_add_test(tcase, ring_sizes);
        tcase_add_loop_test(tcase, wrong_values, 0, (int)(sizeof(refused) / sizeof(refused[0])));
        tcase_add_test(tcase, wrong_commands);
        tcase_add_test(tcase, trace);
        tcase_add_test(tcase, trace_fails);
        suite_add_tcase(suite, tcase);
}

int main(void)
{
        Suite *suite = suite_create("cli-io");
        SRunner *runner;
        int failed;

        add_cases(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
