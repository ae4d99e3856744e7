/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards that are missing, cut short or malformed, and indexes that lie
 */
#include "test_bad_input.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARD_1 "model-00001-of-00004.safetensors"
#define SHARD_2 "model-00002-of-00004.safetensors"
#define SHARD_3 "model-00003-of-00004.safetensors"
#define K_PROJ  "model.layers.0.self_attn.k_proj.weight"

START_TEST(no_weights)
{
        checkpoint_copy("gemma3-bf16");
        unlink(scratch_path(SINGLE));
        attempt_fails(CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, "weight loader", "*.safetensors", scratch_directory(),
                      "download is complete", NULL);
}
END_TEST

START_TEST(a_suffix_lies)
{
        checkpoint_copy("gemma3-bf16");
        ck_assert_int_eq(rename(scratch_path(SINGLE), scratch_path("pytorch_model.bin")), 0);
        attempt_fails(CKPT_E_UNSUPPORTED);
        expect_reason(bad.load, CKPT_E_UNSUPPORTED, "pytorch_model.bin", "this is a safetensors file",
                      "ends in .safetensors", NULL);
}
END_TEST

START_TEST(a_shard_is_missing)
{
        checkpoint_copy("gemma3-bf16-sharded");
        unlink(scratch_path(SHARD_3));
        attempt_fails(CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, INDEX, SHARD_3, "not there", "fetch the missing file",
                      NULL);
}
END_TEST

/* The hub's cache has links; one whose target was not fetched is a missing shard. */
START_TEST(a_link_leads_nowhere)
{
        checkpoint_copy("gemma3-bf16-sharded");
        unlink(scratch_path(SHARD_2));
        ck_assert_int_eq(symlink("blobs/absent", scratch_path(SHARD_2)), 0);
        attempt_fails(CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, SHARD_2, NULL);
}
END_TEST

START_TEST(links_are_followed)
{
        checkpoint_copy("gemma3-bf16-sharded");
        ck_assert_int_eq(mkdir(scratch_path("blobs"), 0700), 0);
        ck_assert_int_eq(rename(scratch_path(SHARD_2), scratch_path("blobs/123")), 0);
        ck_assert_int_eq(symlink("blobs/123", scratch_path(SHARD_2)), 0);
        attempt(NULL);
        expect_status(bad.load, bad.status, CKPT_OK);
        expect_golden(bad.model, "gemma3-bf16-sharded", "tp1-rank0");
}
END_TEST

START_TEST(the_index_says_elsewhere)
{
        checkpoint_copy("gemma3-bf16-sharded");
        checkpoint_set_index(K_PROJ, SHARD_2);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SHARD_1, K_PROJ, "the index says that the tensor is in",
                      SHARD_2, "fetch the checkpoint again", NULL);
}
END_TEST

START_TEST(the_index_knows_a_tensor_that_is_nowhere)
{
        checkpoint_copy("gemma3-bf16-sharded");
        checkpoint_set_index("model.layers.0.ghost.weight", SHARD_2);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SHARD_2, "model.layers.0.ghost.weight", "not in this file",
                      INDEX, NULL);
}
END_TEST

START_TEST(the_index_does_not_know_a_tensor)
{
        checkpoint_copy("gemma3-bf16-sharded");
        checkpoint_set_index(K_PROJ, NULL);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SHARD_1, K_PROJ, "not in", INDEX, NULL);
}
END_TEST

START_TEST(a_tensor_is_in_two_shards)
{
        static const int64_t shape[] = {64, 64};
        tensor_file tensors;

        checkpoint_copy("gemma3-bf16-sharded");
        tensors = tensor_file_read(SHARD_3);
        tensor_file_add(&tensors, K_PROJ, "BF16", shape, 2, 64 * 64 * 2);
        tensor_file_write(&tensors, SHARD_3);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SHARD_3, K_PROJ, SHARD_1, NULL);

        unlink(scratch_path(INDEX));
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SHARD_3, K_PROJ, "also in", SHARD_1, NULL);
}
END_TEST

START_TEST(the_index_leaves_the_directory)
{
        static const char *const names[] = {"../model.safetensors", ("sub/" SHARD_1), "/etc/passwd", "..",
                                            ""};

        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                checkpoint_copy("gemma3-bf16-sharded");
                checkpoint_set_index(K_PROJ, names[i]);
                attempt_fails(CKPT_E_CORRUPT);
                expect_reason(bad.load, CKPT_E_CORRUPT, INDEX, K_PROJ, "not a plain file name",
                              "beside the index", NULL);
        }
}
END_TEST

START_TEST(the_index_is_no_index)
{
        static const char *const texts[] = {"",
                                            "{",
                                            "{}",
                                            "[]",
                                            "{\"weight_map\": []}",
                                            "{\"weight_map\": {\"a\": 1}}",
                                            "{\"weight_map\": {\"a\": \"" SHARD_1 "\", \"a\": \"" SHARD_2
                                            "\"}}"};

        checkpoint_copy("gemma3-bf16-sharded");
        for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                scratch_write_text(INDEX, texts[i]);
                attempt_fails(CKPT_E_CORRUPT);
                expect_reason(bad.load, CKPT_E_CORRUPT, INDEX, NULL);
        }
}
END_TEST

START_TEST(cut_short)
{
        uint64_t size;

        checkpoint_copy("gemma3-bf16");
        size = checkpoint_size(SINGLE);

        checkpoint_truncate(SINGLE, size - 1);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "model.norm.weight", "cut short", "fetch it again",
                      NULL);
        checkpoint_truncate(SINGLE, size / 2);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "cut short", NULL);
        checkpoint_truncate(SINGLE, 1000);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "the file ends after 1000", "cut short", NULL);
        checkpoint_truncate(SINGLE, 5);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "fewer than the 8", NULL);
        checkpoint_truncate(SINGLE, 0);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "0 bytes", NULL);
}
END_TEST

/* Downloads that were padded, or went on. */
START_TEST(too_long)
{
        uint64_t size;

        checkpoint_copy("gemma3-bf16");
        size = checkpoint_size(SINGLE);
        checkpoint_truncate(SINGLE, size + 100);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, SINGLE, "100 bytes follow the last tensor", NULL);
}
END_TEST

/* A few of the grammar's cases, to see that its verdicts reach the user. */
START_TEST(malformed_headers)
{
        static const struct {
                const char *header, *words[2];
        } cases[] = {
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                 "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                 {"'a'", "same name"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                 {"bytes 0 to 8", "belong to no tensor"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                 "\"b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[4,16]}}",
                 {"'b'", "inside"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
                 {"'a'", "needs 12 bytes"}},
                {"{\"a\":{\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]}}", {"'a'", "F33"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,16]}}",
                 {"'a'", "64 bits"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}", {"'a'", "shape"}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,32]}}", {"'a'", NULL}},
                {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}", {"'a'", "no data_offsets"}},
                {"[]", {"not an object", NULL}},
        };

        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                checkpoint_copy("gemma3-bf16");
                checkpoint_write_raw(SINGLE, cases[i].header, 16);
                attempt(NULL);
                ck_assert_msg(bad.status == CKPT_E_CORRUPT || bad.status == CKPT_E_UNSUPPORTED,
                              "case %u ended with %s", i, ckpt_status_name(bad.status));
                expect_reason(bad.load, bad.status, SINGLE, "@0x", cases[i].words[0], cases[i].words[1],
                              NULL);
        }
}
END_TEST

START_TEST(a_header_of_absurd_length)
{
        static const unsigned char bytes[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

        checkpoint_copy("gemma3-bf16");
        scratch_write(SINGLE, bytes, sizeof(bytes));
        attempt(NULL);
        ck_assert_int_lt(bad.status, 0);
        expect_reason(bad.load, bad.status, SINGLE, "9223372036854775807", "over the limit", NULL);
}
END_TEST

/* Names from outside reach the terminal escaped. */
START_TEST(a_name_with_escapes)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_write_raw(
                SINGLE,
                "{\"evil\\u001b[31m\\nname\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,16]}}", 16);
        attempt_fails(CKPT_E_CORRUPT);
        expect_reason(bad.load, CKPT_E_CORRUPT, "evil", NULL);
        ck_assert_uint_eq(count_reasons(bad.load, "\x1b"), 0);
        ck_assert_uint_eq(count_reasons(bad.load, "\n"), 0);
}
END_TEST

START_TEST(a_large_file_pointer)
{
        checkpoint_copy("gemma3-bf16");
        scratch_write_text(SINGLE, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
        attempt(NULL);
        ck_assert_int_lt(bad.status, 0);
        expect_reason(bad.load, bad.status, SINGLE, "Git-LFS pointer", "git lfs pull", NULL);
}
END_TEST

TCase *bad_files_case(void)
{
        TCase *tcase = bad_input_case("files");

        tcase_add_test(tcase, no_weights);
        tcase_add_test(tcase, a_suffix_lies);
        tcase_add_test(tcase, a_shard_is_missing);
        tcase_add_test(tcase, a_link_leads_nowhere);
        tcase_add_test(tcase, links_are_followed);
        tcase_add_test(tcase, the_index_says_elsewhere);
        tcase_add_test(tcase, the_index_knows_a_tensor_that_is_nowhere);
        tcase_add_test(tcase, the_index_does_not_know_a_tensor);
        tcase_add_test(tcase, a_tensor_is_in_two_shards);
        tcase_add_test(tcase, the_index_leaves_the_directory);
        tcase_add_test(tcase, the_index_is_no_index);
        tcase_add_test(tcase, cut_short);
        tcase_add_test(tcase, too_long);
        tcase_add_test(tcase, malformed_headers);
        tcase_add_test(tcase, a_header_of_absurd_length);
        tcase_add_test(tcase, a_name_with_escapes);
        tcase_add_test(tcase, a_large_file_pointer);
        return tcase;
}
