/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HF plugin's weight loader makes of torch files: leaves, options, log lines, and the statuses of
 * what it refuses
 */
#include "test_hf_files.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR T_VECTOR("<Float:0:2>", "2")
#define ONE    "0=2*4"

/* Loads one file, x.bin. */
static ckpt_status load(const struct torch_parts *parts, bool legacy, struct host_report *report,
                        ckpt_weights_builder *builder, char names[128])
{
        struct hf_files files = {0};
        ckpt_status r;

        hf_files_add_torch(&files, "x.bin", parts, legacy);
        r = hf_files_load(&files, report, builder, names);
        hf_files_deinit(&files);
        return r;
}

/* A transposed matrix that begins behind the first element. */
START_TEST(test_leaf)
{
        struct torch_parts parts = {
                .pickle = T_STATE("'t' " T_TENSOR("<Short:0:9>", "1", "2 3",
                                                  "1 2") "'u' " T_VECTOR("<Short:0:9>", "9")),
                .storages = "0=9*2",
                .byteorder = _i ? "big" : "little",
        };
        struct host_report report = {0};
        ckpt_weights_builder builder;
        struct torch_file file;
        char names[128];

        torch_write_zip(&parts, &file);
        ck_assert_msg(load(&parts, false, &report, &builder, names) == 0, "%s", report.message);
        ck_assert_str_eq(names, "t u");
        ck_assert_int_eq(builder.entries[0].leaf.kind, CKPT_LEAF_OBJECT);
        ck_assert_int_eq(builder.entries[0].leaf.dtype, CKPT_DTYPE_I16);
        ck_assert_uint_eq(builder.entries[0].leaf.rank, 2);
        ck_assert_int_eq(builder.entries[0].leaf.shape[0], 2);
        ck_assert_int_eq(builder.entries[0].leaf.shape[1], 3);
        ck_assert_ptr_nonnull(builder.entries[0].leaf.strides);
        ck_assert_int_eq(builder.entries[0].leaf.strides[0], 1);
        ck_assert_int_eq(builder.entries[0].leaf.strides[1], 2);
        ck_assert_uint_eq(builder.entries[0].leaf.object, 0);
        ck_assert_uint_eq(builder.entries[0].leaf.offset, file.storages[0].begin + 2);
        ck_assert_uint_eq(builder.entries[0].leaf.flags, _i ? CKPT_LEAF_BIG_ENDIAN : 0);
        ck_assert_uint_eq(builder.entries[1].leaf.offset, file.storages[0].begin);
        torch_file_free(&file);
}
END_TEST

/* A tensor that has two names may count once or twice in an index. */
START_TEST(test_total)
{
        static const char *const indexes[] = {
                "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"x.bin\",\"b\":\"x.bin\"}}",
                "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"a\":\"x.bin\",\"b\":\"x.bin\"}}",
                "{\"metadata\":{\"total_size\":12},\"weight_map\":{\"a\":\"x.bin\",\"b\":\"x.bin\"}}",
        };
        const struct torch_parts parts = {.pickle = T_STATE("'a' " VECTOR "'b' " VECTOR), .storages = ONE};
        struct host_report report = {0};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128];

        hf_files_add_torch(&files, "x.bin", &parts, false);
        hf_files_add_text(&files, "pytorch_model.bin.index.json", indexes[_i]);
        ck_assert_int_eq(hf_files_load(&files, &report, &builder, names), 0);
        ck_assert_str_eq(names, "a b");
        ck_assert_int_eq(report.warnings, _i == 2);
        if (_i == 2)
                ck_assert_ptr_nonnull(strstr(report.log, "have 12 bytes; they have 16"));
        hf_files_deinit(&files);
}
END_TEST

/* Where the weights are, and what lies beside them. */
START_TEST(test_state_dict)
{
        static const struct {
                const char *pickle, *option;
                ckpt_status status;
                const char *names, *words; /* of the log, or of the failure */
                int warnings;
        } cases[] = {
                {T_STATE("'a' " VECTOR), NULL, 0, "a", "", 0},
                {T_STATE("'a' " VECTOR), "", 0, "a", "", 0},
                {T_STATE("'epoch' 3 'model' } 'a' " VECTOR "s"), NULL, 0, "a",
                 "x.bin: the weights are taken from its entry model", 0},
                {T_STATE("'m' } 'a' " VECTOR "s 'n' } 'b' " VECTOR "s"), "n", 0, "b", "entry n", 0},
                {T_STATE("'model' } 'a' " VECTOR "s 'ema' } 'b' " VECTOR "s"), NULL, CKPT_E_INVALID, "",
                 "state_dict", 0},
                {T_STATE("'model' } 'a' " VECTOR "s 'ema' } 'b' " VECTOR "s"), "ema", 0, "b", "entry ema", 0},
                {T_STATE("'a' " VECTOR "'model' } 'b' " VECTOR "s"), NULL, CKPT_E_INVALID, "", "top level",
                 0},
                {T_STATE("'a' " VECTOR), "model", CKPT_E_INVALID, "", "model", 0},
                {T_STATE("'a' " VECTOR "'step' 7 'lr' 8"), NULL, 0, "a",
                 "x.bin: 2 entries of the state dictionary are no tensors and are not read, the first: step",
                 1},
        };
        struct torch_parts parts = {.pickle = cases[_i].pickle, .storages = ONE};
        struct host_report report = {.state_dict = cases[_i].option};
        ckpt_weights_builder builder;
        char names[128];
        ckpt_status r = load(&parts, false, &report, &builder, names);

        ck_assert_msg(r == cases[_i].status, "%d: %s", r, report.message);
        ck_assert_str_eq(names, cases[_i].names);
        ck_assert_int_eq(report.warnings, cases[_i].warnings);
        ck_assert_msg(strstr(r == 0 ? report.lines : report.message, cases[_i].words) != NULL, "%s%s",
                      report.lines, report.message);
        if (r == 0 && !cases[_i].words[0])
                ck_assert_str_eq(report.lines, "");
}
END_TEST

/* Each kind of refusal has its status, names the file, and is recorded once. */
START_TEST(test_status)
{
        static const struct {
                const char *pickle, *words;
                ckpt_status status;
        } cases[] = {
                {T_STATE("'a' " VECTOR "'b' @os:system ( 'id' t R"), "os.system", CKPT_E_UNSUPPORTED},
                {"#8002 #8201 .", "EXT1", CKPT_E_UNSUPPORTED},
                {T_STATE("'a' @torch._utils:_rebuild_sparse_tensor ( 1 2 t R"), "sparse", CKPT_E_UNSUPPORTED},
                {T_STATE("'a' 1"), "", CKPT_E_INVALID},
                {"#8002 } ( u", "", CKPT_E_CORRUPT},
                {T_STATE("'a' " T_VECTOR("<Float:0:2>", "3")), "storage", CKPT_E_CORRUPT},
        };
        struct torch_parts parts = {.pickle = cases[_i].pickle, .storages = ONE};
        struct host_report report = {0};
        ckpt_weights_builder builder;
        char names[128];
        ckpt_status r = load(&parts, false, &report, &builder, names);

        ck_assert_msg(r == cases[_i].status, "%d: %s", r, report.message);
        ck_assert_int_eq(report.failures, 1);
        ck_assert_str_eq(report.object, "x.bin");
        ck_assert_msg(strstr(report.message, cases[_i].words) != NULL, "%s", report.message);
}
END_TEST

START_TEST(test_policy)
{
        static const struct {
                const char *policy;
                ckpt_status status;
                const char *names, *message;
        } cases[] = {
                {NULL, CKPT_E_UNSUPPORTED, "", "argparse.Namespace"},
                {"strict", CKPT_E_UNSUPPORTED, "", "argparse.Namespace"},
                {"opaque", 0, "a", ""},
                {"none", CKPT_E_INVALID, "",
                 "'weights.pickle_policy' is 'none'; it must be strict or opaque"},
                {"", CKPT_E_INVALID, "", "must be strict or opaque"},
        };
        struct torch_parts parts = {.pickle = T_STATE("'args' @argparse:Namespace ) R 'a' " VECTOR),
                                    .storages = ONE};
        struct host_report report = {.pickle_policy = cases[_i].policy};
        ckpt_weights_builder builder;
        char names[128];
        ckpt_status r = load(&parts, false, &report, &builder, names);

        ck_assert_msg(r == cases[_i].status, "%d: %s", r, report.message);
        ck_assert_str_eq(names, cases[_i].names);
        ck_assert_msg(strstr(report.message, cases[_i].message) != NULL, "%s", report.message);
}
END_TEST

/* Checksums are compared where they are asked for; where there are none, the log says so. */
START_TEST(test_verify)
{
        const struct torch_parts parts = {.pickle = T_STATE("'a' " VECTOR), .storages = ONE};
        struct host_report quiet = {0}, report = {.verify = true};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        struct torch_file file;
        char names[128];

        hf_files_add_torch(&files, "x.bin", &parts, false);
        ck_assert_int_eq(hf_files_load(&files, &report, &builder, names), 0);
        ck_assert_str_eq(report.lines, "");
        torch_write_zip(&parts, &file);
        files.bytes[0].at[file.storages[0].begin] ^= 1;
        ck_assert_int_eq(hf_files_load(&files, &quiet, &builder, names), 0);
        ck_assert_int_eq(hf_files_load(&files, &report, &builder, names), CKPT_E_CORRUPT);
        ck_assert_int_eq(report.failures, 1);
        ck_assert_str_eq(report.object, "x.bin");
        ck_assert_ptr_nonnull(strstr(report.message, "CRC"));
        torch_file_free(&file);
        hf_files_deinit(&files);
}
END_TEST

START_TEST(test_nothing_to_verify)
{
        static const char *const lists[] = {"x.bin=~a y.bin=b", "x.safetensors=a y.safetensors=b"};
        static const char *const words[] = {"x.bin: torch's legacy format has no checksums",
                                            "safetensors files have no checksums"};
        struct host_report quiet = {0}, report = {.verify = true};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128];
        const char *line;

        hf_files_add(&files, lists[_i]);
        ck_assert_int_eq(hf_files_load(&files, &quiet, &builder, names), 0);
        ck_assert_str_eq(quiet.lines, "");
        ck_assert_int_eq(hf_files_load(&files, &report, &builder, names), 0);
        ck_assert_str_eq(names, "a b");
        line = strstr(report.lines, words[_i]);
        ck_assert_msg(line != NULL, "%s", report.lines);
        ck_assert_ptr_null(strstr(line + 1, "no checksums: "));
        ck_assert_int_eq(report.warnings, 0);
        hf_files_deinit(&files);
}
END_TEST

/* A read that the system refuses is reported by who was refused, whichever it is, and by nobody else. */
START_TEST(test_read_fails)
{
        static const char *const lists[] = {"x.bin=a", "x.bin=~a", "x.safetensors=a"};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        uint32_t failing;
        char names[128];
        ckpt_status r;

        hf_files_add(&files, lists[_i]);
        for (failing = 1;; failing++) {
                struct host_report report = {.failing_read = failing, .verify = true};

                r = hf_files_load(&files, &report, &builder, names);
                if (report.reads < failing)
                        break;
                ck_assert_int_eq(r, CKPT_E_IO);
                ck_assert_int_eq(report.failures, 1);
                ck_assert_str_eq(report.message, "the system refused");
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_gt(failing, 2);
        hf_files_deinit(&files);
}
END_TEST

/* Two files that are wrong are two reasons. */
START_TEST(test_all_are_tried)
{
        struct host_report report = {0};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128];

        hf_files_add(&files, "w.bin x.bin=a y.bin=!b z.bin=c");
        ck_assert_int_lt(hf_files_load(&files, &report, &builder, names), 0);
        ck_assert_int_eq(report.failures, 2);
        ck_assert_str_eq(report.object, "y.bin");
        hf_files_deinit(&files);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-weights");
        TCase *tests = tcase_create("loader");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_leaf, 0, 2);
        tcase_add_loop_test(tests, test_total, 0, 3);
        tcase_add_loop_test(tests, test_state_dict, 0, 9);
        tcase_add_loop_test(tests, test_status, 0, 6);
        tcase_add_loop_test(tests, test_policy, 0, 5);
        tcase_add_test(tests, test_verify);
        tcase_add_loop_test(tests, test_nothing_to_verify, 0, 2);
        tcase_add_loop_test(tests, test_read_fails, 0, 3);
        tcase_add_test(tests, test_all_are_tried);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
