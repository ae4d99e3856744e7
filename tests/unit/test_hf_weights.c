/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HF plugin's weight loader and its probe as a host sees them: through the tables of the built
 * plugin, over files in memory. Each refusal is asked for its status and for the object and tensor that
 * it names.
 */
#include "test_hf_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON(...) #__VA_ARGS__

/* A safetensors file of one byte per tensor, up to three; the length stands in front. */
struct shard {
        char bytes[1024];
        size_t size;
};

static struct shard make_shard(const char *const *names, size_t extra)
{
        struct shard shard;
        size_t length = 0, i;
        char *header = shard.bytes + 8;

        memset(&shard, 0, sizeof shard);
        for (i = 0; names[i]; i++)
                length += (size_t)sprintf(
                        header + length,
                        "%s\"%s\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}", i ? "," : "{",
                        names[i], i, i + 1);
        length += (size_t)sprintf(header + length, "}");
        shard.bytes[0] = (char)(length & 0xFF);
        shard.bytes[1] = (char)(length >> 8);
        shard.size = 8 + length + i + extra;
        return shard;
}

/* Weights: which files there are, which of them count, and what is made of them */

static const char *const tensors_of[][4] = {{"a", "b"}, {"c"}, {"a"}, {"d"}};

static const struct {
        const char *files[4]; /* the first has a and b, the second c, the third a, the fourth d */
        const char *index;    /* model.safetensors.index.json */
        const char *consolidated_index;
        bool consolidated;
        ckpt_status status;
        const char *names;                     /* of the tensors that come out */
        const char *object, *tensor, *message; /* of the diagnostic, or of the warning */
} cases[] = {
        {{"model.safetensors"}, NULL, NULL, false, 0, "a b", "", "", ""},
        {{"x1.safetensors", "x2.safetensors"}, NULL, NULL, false, 0, "a b c", "", "", ""},
        {{"x.safetensors", "consolidated.safetensors"}, NULL, NULL, false, 0, "a b", "", "", ""},
        {{"x.safetensors", "consolidated.safetensors"}, NULL, NULL, true, 0, "c", "", "", ""},
        {{"consolidated.00.safetensors"}, NULL, NULL, false, 0, "a b", "", "", ""},
        {{"x.safetensors"}, NULL, NULL, true, 0, "a b", "", "", ""},
        {{NULL}, NULL, NULL, false, CKPT_E_NOT_FOUND, "", "", "", "/checkpoint: looked for *.safetensors"},
        {{"s1.safetensors", NULL, "s3.safetensors"},
         NULL,
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "s3.safetensors",
         "a",
         "also in s1.safetensors"},
        {{"s1", "s2"},
         JSON({"weight_map" : {"c" : "s2", "a" : "s1", "b" : "s1"}}),
         NULL,
         false,
         0,
         "c a b",
         "",
         "",
         ""},
        {{"s1", "s2"},
         JSON({"metadata" : {"total_size" : 3}, "weight_map" : {"a" : "s1", "b" : "s1", "c" : "s2"}}),
         NULL,
         false,
         0,
         "a b c",
         "",
         "",
         ""},
        {{"s1", "s2"},
         JSON({"metadata" : {"total_size" : 4}, "weight_map" : {"a" : "s1", "b" : "s1", "c" : "s2"}}),
         NULL,
         false,
         0,
         "a b c",
         "",
         "",
         "have 4 bytes; they have 3"},
        {{"s1", NULL, NULL, "extra.safetensors"},
         JSON({"weight_map" : {"a" : "s1", "b" : "s1"}}),
         NULL,
         false,
         0,
         "a b",
         "",
         "",
         "extra.safetensors is not in"},
        {{"s1"},
         JSON({"weight_map" : {"a" : "s1", "b" : "s1", "c" : "s2"}}),
         NULL,
         false,
         CKPT_E_NOT_FOUND,
         "",
         "s2",
         "c",
         "a shard that is not there"},
        {{"s1", "s2"},
         JSON({"weight_map" : {"a" : "s2", "b" : "s1", "c" : "s2"}}),
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "s1",
         "a",
         "is in s2"},
        {{"s1", "s2"},
         JSON({"weight_map" : {"a" : "s1", "c" : "s2"}}),
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "s1",
         "b",
         "not in model.safetensors.index.json"},
        {{"s1", "s2"},
         JSON({"weight_map" : {"a" : "s1", "b" : "s1", "c" : "s2", "z" : "s2"}}),
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "s2",
         "z",
         "where it should be"},
        {{"s1", "s2", "s3"},
         JSON({"weight_map" : {"c" : "s2", "a" : "s3", "b" : "s1"}}),
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "s1",
         "a",
         "is in s3"},
        {{"s1"},
         JSON({"weight_map" : {"a" : "../s1"}}),
         NULL,
         false,
         CKPT_E_CORRUPT,
         "",
         "model.safetensors.index.json",
         "a",
         "plain file name"},
        {{"s1"}, "{", NULL, false, CKPT_E_CORRUPT, "", "model.safetensors.index.json", "", "not valid JSON"},
        {{"s1", "consolidated.safetensors"},
         JSON({"weight_map" : {"a" : "s1", "b" : "s1"}}),
         NULL,
         false,
         0,
         "a b",
         "",
         "",
         ""},
        {{"s1", "consolidated.safetensors"},
         JSON({"weight_map" : {"a" : "s1", "b" : "s1"}}),
         NULL,
         true,
         0,
         "c",
         "",
         "",
         ""},
        {{"s1", "consolidated.safetensors"},
         NULL,
         JSON({"weight_map" : {"c" : "consolidated.safetensors"}}),
         true,
         0,
         "c",
         "",
         "",
         ""},
};

static ckpt_status load_weights(ckpt_source *source, ckpt_weights_builder *builder,
                                struct host_report *report)
{
        ckpt_frame frame = {.api = &host_api, .data = report};
        ckpt_mapping mapping = CKPT_MAPPING_INIT;

        frame.base = frame.top = &frame;
        source->api = &host_api;
        builder->api = &host_api;
        builder->count = 0;
        return host_component(CKPT_KIND_WEIGHT_LOADER)
                ->as.weight_loader->load_weights(&frame, source, &mapping, builder);
}

START_TEST(test_weights)
{
        struct host_report report = {.use_consolidated = cases[_i].consolidated};
        ckpt_weights_builder builder;
        ckpt_source source = {0};
        struct shard shards[4];
        char names[128] = "";
        ckpt_status r;
        uint32_t i;

        for (i = 0; i < 4; i++) {
                shards[i] = make_shard(tensors_of[i], 0);
                if (cases[_i].files[i])
                        host_add_file(&source, cases[_i].files[i], shards[i].bytes, shards[i].size);
        }
        if (cases[_i].index)
                host_add_text(&source, "model.safetensors.index.json", cases[_i].index);
        if (cases[_i].consolidated_index)
                host_add_text(&source, "consolidated.safetensors.index.json", cases[_i].consolidated_index);

        r = load_weights(&source, &builder, &report);
        ck_assert_msg(r == cases[_i].status, "%d: %s", r, report.message);
        for (i = 0; i < builder.count; i++)
                sprintf(names + strlen(names), "%s%s", i ? " " : "", builder.entries[i].name);
        ck_assert_str_eq(names, cases[_i].names);
        ck_assert_str_eq(report.object, cases[_i].object);
        ck_assert_str_eq(report.tensor, cases[_i].tensor);
        ck_assert_int_eq(report.warnings, r == 0 && cases[_i].message[0] ? 1 : 0);
        ck_assert_ptr_nonnull(strstr(r == 0 ? report.log : report.message, cases[_i].message));
}
END_TEST

START_TEST(test_leaf)
{
        static const char header[] =
                "{\"t\":{\"dtype\":\"F8_E4M3\",\"shape\":[2,1,3],\"data_offsets\":[0,6]}}";
        struct host_report report = {0};
        ckpt_weights_builder builder;
        ckpt_source source = {0};
        char bytes[256] = {sizeof header - 1};

        memcpy(bytes + 8, header, sizeof header - 1);
        host_add_text(&source, "other", "x");
        host_add_file(&source, "one.safetensors", bytes, 8 + sizeof header - 1 + 6);
        ck_assert_int_eq(load_weights(&source, &builder, &report), 0);
        ck_assert_uint_eq(builder.count, 1);
        ck_assert_int_eq(builder.entries[0].leaf.kind, CKPT_LEAF_OBJECT);
        ck_assert_int_eq(builder.entries[0].leaf.dtype, CKPT_DTYPE_F8_E4M3);
        ck_assert_uint_eq(builder.entries[0].leaf.rank, 3);
        ck_assert_uint_eq(builder.entries[0].leaf.object, 1);
        ck_assert_uint_eq(builder.entries[0].leaf.offset, 8 + sizeof header - 1);
}
END_TEST

START_TEST(test_damaged_shards)
{
        struct host_report report = {0};
        ckpt_weights_builder builder;
        ckpt_source source = {0};
        struct shard cut = make_shard(tensors_of[0], 0), longer = make_shard(tensors_of[1], 3);

        host_add_file(&source, "cut.safetensors", cut.bytes, cut.size - 1);
        ck_assert_int_eq(load_weights(&source, &builder, &report), CKPT_E_CORRUPT);
        ck_assert_str_eq(report.object, "cut.safetensors");
        ck_assert_str_eq(report.tensor, "b");
        /* Both bad files are named. */
        host_add_file(&source, "longer.safetensors", longer.bytes, longer.size);
        report.failures = 0;
        ck_assert_int_eq(load_weights(&source, &builder, &report), CKPT_E_CORRUPT);
        ck_assert_int_eq(report.failures, 2);
        ck_assert_str_eq(report.object, "longer.safetensors");

        source.count = 0;
        host_add_file(&source, "longer.safetensors", longer.bytes, longer.size);
        report.allow_trailing = 1;
        ck_assert_int_eq(load_weights(&source, &builder, &report), 0);
        ck_assert_int_eq(report.warnings, 1);
}
END_TEST

/* Probing */

static int32_t probe(const char *a, const char *b)
{
        ckpt_frame frame = {.api = &host_api};
        ckpt_source source = {.api = &host_api};

        if (a)
                host_add_text(&source, a, "");
        if (b)
                host_add_text(&source, b, "");
        return host_component(CKPT_KIND_CHECKPOINT_LOADER)->as.checkpoint_loader->probe(&frame, &source);
}

START_TEST(test_probe)
{
        int32_t whole = probe("config.json", "model.safetensors");

        ck_assert_int_le(whole, 100);
        ck_assert_int_lt(probe(NULL, "model.safetensors"), whole);
        ck_assert_int_gt(probe(NULL, "model.safetensors"), 0);
        ck_assert_int_lt(probe("a.safetensors", "b.safetensors"), whole);
        ck_assert_int_gt(probe("config.json", NULL), 0);
        ck_assert_int_lt(probe("config.json", NULL), probe("config.json", "pytorch_model.bin"));
        ck_assert_int_lt(probe("config.json", "pytorch_model.bin"), whole);
        ck_assert_int_eq(probe("config.json", "a.pth"), probe("config.json", "pytorch_model.bin"));
        ck_assert_int_gt(probe("config.json", "a.pth"), probe(NULL, "model.safetensors"));
        ck_assert_int_eq(probe("config.json", "optimizer.bin"), probe("config.json", NULL));
        ck_assert_int_gt(probe(NULL, "a.pth"), 0);
        ck_assert_int_lt(probe(NULL, "a.pth"), probe(NULL, "model.safetensors"));
        ck_assert_int_eq(probe("params.json", "weights.bin"), 0);
        ck_assert_int_eq(probe(".safetensors", NULL), 0);
        ck_assert_int_eq(probe(NULL, NULL), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-weights");
        TCase *tests = tcase_create("loader");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_weights, 0, sizeof cases / sizeof *cases);
        tcase_add_test(tests, test_leaf);
        tcase_add_test(tests, test_damaged_shards);
        tcase_add_test(tests, test_probe);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
