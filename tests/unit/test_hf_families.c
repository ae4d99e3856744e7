/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a checkpoint is read from: families and their order, indexes, companions, missing shards, and
 * names that promise another format
 */
#include "test_hf_files.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define JSON(...) #__VA_ARGS__
#define INDEX     "pytorch_model.bin.index.json"
#define NUMBER(n) "pytorch_model-0000" #n "-of-00003.bin"

struct choice {
        const char *files; /* as hf_files_add has them */
        const char *index; /* pytorch_model.bin.index.json */
        bool consolidated;
        const char *names; /* of the tensors that come out */
        const char *log;   /* words of a line */
        int warnings;
};

static const struct choice choices[] = {
        /* The order of the families. */
        {"model.safetensors=a pytorch_model.bin=b x.pth=c", NULL, false, "a", "", 0},
        {"pytorch_model.bin=b x.pth=c", NULL, false, "b", "", 0},
        {"x.pth=c other", NULL, false, "c", "", 0},
        {"x.safetensors=a", JSON({"weight_map" : {"b" : "y.bin"}}), false, "a", "", 0},
        {"optimizer.bin=b x.pth=c", NULL, false, "c", "", 0},

        /* .bin: the index, the one file, all of them. */
        {"s1.bin=ab s2.bin=c", JSON({"weight_map" : {"c" : "s2.bin", "a" : "s1.bin", "b" : "s1.bin"}}), false,
         "c a b", "", 0},
        {"s1.bin=ab other.bin=z", JSON({"weight_map" : {"a" : "s1.bin", "b" : "s1.bin"}}), false, "a b",
         "other.bin is not in " INDEX, 1},
        {"s1.bin=a optimizer.bin=z", JSON({"weight_map" : {"a" : "s1.bin"}}), false, "a",
         "optimizer.bin is a trainer's", 0},
        {"s1.bin=ab",
         JSON({"metadata" : {"total_size" : 4}, "weight_map" : {"a" : "s1.bin", "b" : "s1.bin"}}), false,
         "a b", "", 0},
        {"s1.bin=ab",
         JSON({"metadata" : {"total_size" : 5}, "weight_map" : {"a" : "s1.bin", "b" : "s1.bin"}}), false,
         "a b", "have 5 bytes; they have 4", 1},
        {"pytorch_model.bin=a", JSON({"weight_map" : {"b" : "s.bin", "c" : "s.bin"}}), false, NULL, "", 0},
        {"pytorch_model.bin=a adapter_model.bin=b", NULL, false, "a",
         "adapter_model.bin is not read, since pytorch_model.bin is there", 1},
        {"pytorch_model.bin=a training_args.bin", NULL, false, "a", "training_args.bin is a trainer's", 0},
        {"x.bin=a y.bin=b", NULL, false, "a b", "", 0},
        {"x.bin=~a y.bin=b", NULL, false, "a b", "", 0},
        {"x.bin=a optimizer.bin scheduler.bin scaler.bin training_args.bin", NULL, false, "a",
         "scheduler.bin is a trainer's", 0},
        {"x.bin=a optimizer2.bin=b", NULL, false, "a b", "", 0},
        {NUMBER(1) "=a " NUMBER(2) "=b " NUMBER(3) "=c", NULL, false, "a b c", "", 0},
        /* Not numbers, or not like these. */
        {"x-00002-of-0003.bin=a", NULL, false, "a", "", 0},
        {"x-0000a-of-00003.bin=a x-00002-of-0000a.bin=b", NULL, false, "a b", "", 0},
        {"x-of-00003.bin=a y_00001_of_00003.bin=b", NULL, false, "a b", "", 0},

        /* .pth: Meta's originals and others. */
        {"consolidated.00.pth=a x.pth=b", NULL, false, "b", "", 0},
        {"consolidated.00.pth=a x.pth=b", NULL, true, "a", "", 0},
        {"consolidated.00.pth=a params.json", NULL, false, "a", "only consolidated files", 0},
        {"x.pth=b params.json", NULL, true, "b", "no consolidated files", 0},
        {"x.pth=b optimizer.pth scheduler.pth rng_state.pth rng_state_0.pth rng_state_11.pth scaler.pth "
         "training_args.pth",
         NULL, false, "b", "rng_state_11.pth is a trainer's", 0},

        /* One file that was named itself. */
        {"pytorch_model-00002-of-00003.safetensors=a", NULL, false, "a", "", 0},
        {NUMBER(2) "=a", NULL, false, "a", "", 0},
        {"optimizer.bin=a", NULL, false, "a", "", 0},
        {"rng_state.pth=~a", NULL, false, "a", "", 0},
        {"consolidated.01.pth=a", NULL, false, "a", "", 0},
};

START_TEST(test_choice)
{
        const struct choice *choice = &choices[_i];
        struct host_report report = {.use_consolidated = choice->consolidated};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128];
        ckpt_status r;

        hf_files_add(&files, choice->files);
        if (choice->index)
                hf_files_add_text(&files, INDEX, choice->index);
        r = hf_files_load(&files, &report, &builder, names);
        ck_assert_msg(r == (choice->names ? 0 : CKPT_E_NOT_FOUND), "%s: %d: %s", choice->files, r,
                      report.message);
        if (choice->names)
                ck_assert_str_eq(names, choice->names);
        ck_assert_msg(strstr(report.lines, choice->log) != NULL, "%s: %s", choice->files, report.lines);
        ck_assert_int_eq(report.warnings, choice->warnings);
        hf_files_deinit(&files);
}
END_TEST

struct refusal {
        const char *files;
        const char *index;
        ckpt_status status;
        const char *object, *tensor, *message, *hint;
};

static const struct refusal refusals[] = {
        {"config.json", NULL, CKPT_E_NOT_FOUND, "", "",
         "/checkpoint: looked for *.safetensors and model.safetensors.index.json, *.bin and " INDEX ", *.pth",
         "download is complete"},
        {"config.json optimizer.bin=a rng_state.pth=b", NULL, CKPT_E_NOT_FOUND, "", "", "looked for", ""},
        {"config.json model.pt=a", NULL, CKPT_E_NOT_FOUND, "", "", "looked for", ""},

        /* Indexes. */
        {"s1.bin=a", JSON({"weight_map" : {"a" : "s1.bin", "b" : "s2.bin"}}), CKPT_E_NOT_FOUND, "s2.bin", "b",
         INDEX " names a shard that is not there", "fetch the missing file"},
        {"s1.bin=ab", JSON({"weight_map" : {"a" : "s1.bin"}}), CKPT_E_CORRUPT, "s1.bin", "b", "not in " INDEX,
         ""},
        {"s1.bin=a s2.bin=b", JSON({"weight_map" : {"a" : "s2.bin", "b" : "s2.bin"}}), CKPT_E_CORRUPT,
         "s2.bin", "a", "where it should be", ""},
        {"s1.bin=a", "{", CKPT_E_CORRUPT, INDEX, "", "not valid JSON", ""},
        {"x.bin=a y.bin=ba", NULL, CKPT_E_CORRUPT, "y.bin", "a", "also in x.bin", "fetch the checkpoint"},

        /* Numbers. */
        {NUMBER(1) "=a " NUMBER(3) "=c", NULL, CKPT_E_NOT_FOUND, NUMBER(2), "",
         "not there, though " NUMBER(1) " is one of 3", "fetch the missing file"},
        {NUMBER(2) "=b " NUMBER(3) "=c", NULL, CKPT_E_NOT_FOUND, NUMBER(1), "", "not there", ""},
        {NUMBER(3) "=b config.json", NULL, CKPT_E_NOT_FOUND, NUMBER(1), "", "not there", ""},
        {NUMBER(1) "=a " NUMBER(2) "=b", NULL, CKPT_E_NOT_FOUND, NUMBER(3), "", "not there", ""},
        {"x-00001-of-00002.pth=a y.pth=b", NULL, CKPT_E_NOT_FOUND, "x-00002-of-00002.pth", "", "not there",
         ""},

        /* Slices, of which all names are the same. */
        {"consolidated.00.pth=ab consolidated.01.pth=ab consolidated.02.pth=ab", NULL, CKPT_E_UNSUPPORTED,
         "consolidated.01.pth", "a", "also in consolidated.00.pth", "tensor-parallel slices"},

        /* Names that promise something else. */
        {"model.safetensors=!a", NULL, CKPT_E_UNSUPPORTED, "model.safetensors", "", "this is a zip archive",
         "ends in .bin"},
        {"x.bin=!a", NULL, CKPT_E_UNSUPPORTED, "x.bin", "", "this is a safetensors file",
         "ends in .safetensors"},
        {"x.pth=!a", NULL, CKPT_E_UNSUPPORTED, "x.pth", "", "this is a safetensors file",
         "ends in .safetensors"},
};

START_TEST(test_refusal)
{
        const struct refusal *refusal = &refusals[_i];
        struct host_report report = {0};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128];
        ckpt_status r;

        hf_files_add(&files, refusal->files);
        if (refusal->index)
                hf_files_add_text(&files, INDEX, refusal->index);
        r = hf_files_load(&files, &report, &builder, names);
        ck_assert_msg(r == refusal->status, "%s: %d: %s", refusal->files, r, report.message);
        ck_assert_int_eq(report.failures, 1);
        ck_assert_str_eq(names, "");
        ck_assert_str_eq(report.object, refusal->object);
        ck_assert_str_eq(report.tensor, refusal->tensor);
        ck_assert_msg(strstr(report.message, refusal->message) != NULL, "%s", report.message);
        ck_assert_msg(strstr(report.hint, refusal->hint) != NULL, "%s", report.hint);
        hf_files_deinit(&files);
}
END_TEST

/* A pickle under the other name, and a damaged header whose length begins as one does. */
START_TEST(test_pickle_or_length)
{
        static const char *const heads[] = {"\200\002\212\nl\374\234F\371 j\250P\031.",
                                            "\200\002\0\0\0\0\0\0x"};
        static const size_t sizes[] = {15, 9};
        static const char *const messages[] = {"this is a pickle", "not valid JSON"};
        static const ckpt_status statuses[] = {CKPT_E_UNSUPPORTED, CKPT_E_CORRUPT};
        struct host_report report = {0};
        ckpt_weights_builder builder;
        struct hf_files files = {0};
        char names[128], bytes[1024] = "";

        memcpy(bytes, heads[_i], sizes[_i]);
        host_add_file(&files.source, "model.safetensors", bytes, sizeof bytes);
        ck_assert_int_eq(hf_files_load(&files, &report, &builder, names), statuses[_i]);
        ck_assert_msg(strstr(report.message, messages[_i]) != NULL, "%s", report.message);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-families");
        TCase *tests = tcase_create("families");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_choice, 0, sizeof choices / sizeof *choices);
        tcase_add_loop_test(tests, test_refusal, 0, sizeof refusals / sizeof *refusals);
        tcase_add_loop_test(tests, test_pickle_or_length, 0, 2);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
