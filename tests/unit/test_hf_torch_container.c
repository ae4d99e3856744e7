/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torch files that are wrong around their pickle: the members of the archive, the five pickles and the
 * storages of the legacy container, and files that are no torch files at all.
 */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define W T_STATE("'w' " T_VECTOR("<Float:0:6>", "6"))

static const struct torch_parts good = {.pickle = W, .storages = "0=6*4"};

START_TEST(test_members)
{
        struct torch_parts parts = good;

        parts.omit = "data.pkl";
        refuse_zip(&parts, NULL, HF_BAD_MEMBER, "data.pkl");
        parts.omit = "data/0";
        refuse_zip(&parts, NULL, HF_BAD_STORAGE, "storage 0");
        parts = good;
        parts.storages = "0=6*2";
        refuse_zip(&parts, NULL, HF_BAD_STORAGE, "12");
        parts = good;
        parts.deflate = "data/0";
        refuse_zip(&parts, NULL, HF_BAD_STORAGE, "compressed");
        parts = good;
        parts.byteorder = "middle";
        refuse_zip(&parts, NULL, HF_BAD_MEMBER, "byteorder");
        parts.byteorder = "little\n";
        refuse_zip(&parts, NULL, HF_BAD_MEMBER, "byteorder");
        parts.byteorder = "Big";
        refuse_zip(&parts, NULL, HF_BAD_MEMBER, "byteorder");
        parts.byteorder =
                "a byte order that is much longer than either of the two words that could stand here";
        refuse_zip(&parts, NULL, HF_BAD_LIMIT, "byteorder");
}
END_TEST

static const struct {
        const char *name;
        enum hf_reason reason;
        const char *word;
} added[] = {
        {"archive/data.pkl", HF_BAD_ZIP, "data.pkl"},
        {"archive/data/0", HF_BAD_ZIP, "data/0"},
        {"archive/byteorder", HF_BAD_ZIP, "byteorder"},
        {"other/data.pkl", HF_BAD_ZIP, "other"},
        {"data.pkl", HF_BAD_ZIP, "data.pkl"},
        {"archive/../data.pkl", HF_BAD_ZIP, ".."},
        {"/archive/data.pkl", HF_BAD_ZIP, "data.pkl"},
        {"archive\\data.pkl", HF_BAD_ZIP, "archive"},
        {"", HF_BAD_ZIP, "name"},
        {"archive/constants.pkl", HF_BAD_CONTAINER, "TorchScript"},
        {"archive/code/__torch__.py", HF_BAD_CONTAINER, "TorchScript"},
};

START_TEST(test_added)
{
        const struct zip_entry entry = {added[_i].name, "\x80\2}.", 4, 0, 0, 0};
        struct torch_parts parts = good;

        parts.added = &entry;
        refuse_zip(&parts, NULL, added[_i].reason, added[_i].word);
}
END_TEST

/* The bytes of data.pkl must be the ones that were written; those of storages when that is asked for. */
START_TEST(test_crc)
{
        const struct hf_torch_options verify = {.verify = true};
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;

        torch_write_zip(&good, &file);
        for (size_t i = 0; i < file.pickle_size; i++) {
                file.bytes.at[file.pickle + i] ^= 1;
                refuse_bytes(file.bytes.at, file.bytes.size, NULL, HF_BAD_CRC, "data.pkl");
                file.bytes.at[file.pickle + i] ^= 1;
        }
        file.bytes.at[file.storages[0].begin + 5] ^= 1;
        ck_assert_int_eq(torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error), 0);
        hf_torch_deinit(&torch);
        refuse_bytes(file.bytes.at, file.bytes.size, &verify, HF_BAD_CRC, "data/0");
        torch_file_free(&file);
}
END_TEST

/* A data.pkl that says that it is small, or large, and is the other. */
START_TEST(test_deflated)
{
        struct bytes pickle = {0}, packed = {0};
        struct zip_entry entry = {.name = "archive/data.pkl", .method = 8};
        struct torch_parts parts = good;

        parts.omit = "data.pkl";
        parts.added = &entry;
        pickle_assemble(&pickle, W, false);
        deflate_stored(&packed, pickle.at, pickle.size);
        entry.bytes = packed.at;
        entry.size = packed.size;
        entry.crc = bytes_crc(pickle.at, pickle.size);
        entry.unpacked = pickle.size;
        accept_zip(&parts, NULL, "w F32 [6] 0+0:24");
        entry.unpacked = pickle.size + 1;
        refuse_zip(&parts, NULL, HF_BAD_ZIP, "data.pkl");
        entry.unpacked = pickle.size - 1;
        refuse_zip(&parts, NULL, HF_BAD_ZIP, "data.pkl");
        entry.unpacked = pickle.size;
        entry.size = packed.size - 1;
        refuse_zip(&parts, NULL, HF_BAD_ZIP, "data.pkl");
        entry.size = packed.size;
        entry.crc ^= 0x80;
        refuse_zip(&parts, NULL, HF_BAD_CRC, "data.pkl");
        entry.crc ^= 0x80;
        packed.at[0] = 7; /* a kind of block that there is not */
        refuse_zip(&parts, NULL, HF_BAD_ZIP, "data.pkl");
        packed.at[0] = 1;
        bytes_add_text(&packed, "more");
        entry.bytes = packed.at;
        entry.size = packed.size;
        refuse_zip(&parts, NULL, HF_BAD_ZIP, "data.pkl");
        bytes_free(&pickle);
        bytes_free(&packed);
}
END_TEST

static const struct {
        struct torch_parts parts;
        enum hf_reason reason;
        const char *word;
} legacy[] = {
        {{.magic = "#8002 #8a0a6dfc9c46f9206aa85019 ."}, HF_BAD_CONTAINER, "torch"},
        {{.magic = "#8002 5 ."}, HF_BAD_CONTAINER, "torch"},
        {{.magic = "#8002 } ."}, HF_BAD_CONTAINER, "torch"},
        {{.version = "#8002 1002 ."}, HF_BAD_CONTAINER, "1001"},
        {{.version = "#8002 1000 ."}, HF_BAD_CONTAINER, "1001"},
        {{.version = "#8002 '1001' ."}, HF_BAD_CONTAINER, "version"},
        {{.version = "#8002 LONG1 #09e90300000000000001 ."}, HF_BAD_CONTAINER, "version"},
        {{.system = "#8002 } 'little_endian' NEWFALSE s ."}, HF_BAD_KIND, "endian"},
        {{.system = "#8002 NONE ."}, HF_BAD_PICKLE, "dictionary"},
        {{.system = "#8002 ] ."}, HF_BAD_PICKLE, "dictionary"},
        {{.system = "#8002 } 'little_endian' 'yes' s ."}, HF_BAD_KIND, "endian"},
        {{.system = "#8002 } 'little_endian' NEWTRUE s 'little_endian' NEWFALSE s ."}, HF_BAD_KIND, "endian"},
        {{.system = "#8002 @os:system 'id' TUPLE1 R ."}, HF_BAD_GLOBAL, "system"},
        {{.magic = "#8002 @os:system 'id' TUPLE1 R ."}, HF_BAD_GLOBAL, "system"},
        {{.keys = "#8002 @os:system 'id' TUPLE1 R ."}, HF_BAD_GLOBAL, "system"},
        {{.keys = "#8002 ] ."}, HF_BAD_STORAGE, "0"},
        {{.keys = "#8002 ] ( '1' e ."}, HF_BAD_STORAGE, "0"},
        {{.keys = "#8002 ] ( '0' '1' e ."}, HF_BAD_STORAGE, "1"},
        {{.keys = "#8002 ] ( '1' '0' e ."}, HF_BAD_STORAGE, "1"},
        {{.keys = "#8002 ] ( '0' '0' e ."}, HF_BAD_STORAGE, "twice"},
        {{.keys = "#8002 ] ( 0 e ."}, HF_BAD_PICKLE, "key"},
        {{.keys = "#8002 ] ( NONE e ."}, HF_BAD_PICKLE, "key"},
        {{.keys = "#8002 '0' ."}, HF_BAD_PICKLE, "list"},
        {{.keys = "#8002 } '0' 1 s ."}, HF_BAD_PICKLE, "list"},
        {{.keys = "#8002 NONE ."}, HF_BAD_PICKLE, "list"},
        /* each of the five has a memo of its own */
        {{.keys = "#8002 ] h0 a ."}, HF_BAD_PICKLE, "memo"},
        {{.keys = "#8002 h0 ."}, HF_BAD_PICKLE, "memo"},
        {{.version = "#8002 1001 q0 .", .system = "#8002 } 'protocol_version' h0 s ."},
         HF_BAD_PICKLE,
         "memo"},
        /* nothing is left for the next */
        {{.version = "#8002 ( 1001 ."}, HF_BAD_PICKLE, "stops"},
        {{.version = "#8002 1 1001 ."}, HF_BAD_PICKLE, "2 values"},
        {{.more = 1}, HF_BAD_STORAGE, "0"},
        {{.more = -1}, HF_BAD_STORAGE, "0"},
        {{.more = -7}, HF_BAD_STORAGE, "0"},
        {{.more = INT64_MAX - 6}, HF_BAD_STORAGE, "0"},
        {{.storages = "0=7*4"}, HF_BAD_STORAGE, "0"},
        {{.storages = "0=5*4"}, HF_BAD_STORAGE, "0"},
        {{.storages = "0=6*8"}, HF_BAD_STORAGE, "24"},
        {{.storages = "0=6*4 1=2*4", .keys = "#8002 ] ( '0' e ."}, HF_BAD_STORAGE, "16"},
        {{.storages = "0=6*2"}, HF_BAD_TRUNCATED, "0"},
        {{.storages = "0=6*4 1=2*4"}, HF_BAD_STORAGE, "1"},
};

START_TEST(test_legacy)
{
        struct torch_parts parts = legacy[_i].parts;

        parts.pickle = good.pickle;
        if (!parts.storages)
                parts.storages = good.storages;
        refuse_legacy(&parts, NULL, legacy[_i].reason, legacy[_i].word);
}
END_TEST

/* Two storages whose order in the file is the list's, not that of their mention nor of their names. */
START_TEST(test_legacy_order)
{
        const struct torch_parts parts = {
                .pickle = T_STATE("'a' " T_VECTOR("<Float:9:2>", "2") "'b' " T_VECTOR("<Half:10:3>", "3")),
                .storages = "10=3*2 9=2*4"};
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        char line[200];

        torch_write_legacy(&parts, &file);
        ck_assert_msg(torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error) == 0, "%s",
                      error.message);
        torch_render(&torch, &file, line, sizeof(line));
        ck_assert_str_eq(line, "a F32 [2] 9+0:8; b F16 [3] 10+0:6");
        hf_torch_deinit(&torch);

        bytes_add_text(&file.bytes, "x");
        refuse_bytes(file.bytes.at, file.bytes.size, NULL, HF_BAD_STORAGE, "1");
        torch_file_free(&file);
}
END_TEST

#define TEXT(text) text, sizeof(text) - 1

static const struct {
        const char *bytes;
        size_t size;
        enum hf_reason reason;
        const char *word;
} others[] = {
        {TEXT(""), HF_BAD_TOO_SMALL, "empty"},
        {TEXT("P"), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x80"), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x80\2"), HF_BAD_CONTAINER, "torch"},
        {TEXT("version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 5\n"),
         HF_BAD_GIT_LFS, "git lfs pull"},
        {TEXT("\x12\0\0\0\0\0\0\0{\"__metadata__\":{}}"), HF_BAD_CONTAINER, "safetensors"},
        /* a header whose length looks like the first opcode of a pickle */
        {TEXT("\x80\2\0\0\0\0\0\0{\"__metadata__\":{}}"), HF_BAD_CONTAINER, "torch"},
        {TEXT("PYTORCH1\0\0\0\0\0\0\0\0\0\0\0\0"), HF_BAD_CONTAINER, "PYTORCH1"},
        {TEXT("\x80\2}q\0."), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x80\4\x95\2\0\0\0\0\0\0\0}\x94."), HF_BAD_CONTAINER, "torch"},
        {TEXT("cos\nsystem\n(S'id'\ntR."), HF_BAD_CONTAINER, "torch"},
        {TEXT("{\"weights\": [1, 2, 3]}\n"), HF_BAD_CONTAINER, "torch"},
        {TEXT("<!DOCTYPE html><html><body>404 Not Found</body></html>\n"), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x7f"
              "ELF\2\1\1\0\0\0\0\0\0\0\0\0"),
         HF_BAD_CONTAINER, "torch"},
        {TEXT("GGUF\3\0\0\0\0\0\0\0\0\0\0\0"), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x1f\x8b\x08\0\0\0\0\0\0\3"), HF_BAD_CONTAINER, "torch"},
        {TEXT("\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0"), HF_BAD_CONTAINER, "torch"},
        {TEXT("PK\3\4"), HF_BAD_TRUNCATED, "cut short"},
        {TEXT("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), HF_BAD_ZIP, "torch"},
};

START_TEST(test_others)
{
        unsigned char *copy = malloc(others[_i].size ? others[_i].size : 1);

        memcpy(copy, others[_i].bytes, others[_i].size);
        refuse_bytes(copy, others[_i].size, NULL, others[_i].reason, others[_i].word);
        free(copy);
}
END_TEST

/* The format before the legacy one: a tar archive of "storages", "tensors" and "pickle". */
START_TEST(test_tar)
{
        struct bytes tar = {0};

        bytes_add_text(&tar, "storages");
        bytes_fill(&tar, 0, 100 - tar.size);
        bytes_add_text(&tar, "0000644");
        bytes_fill(&tar, 0, 257 - tar.size);
        bytes_add_text(&tar, "ustar");
        bytes_fill(&tar, 0, 2048 - tar.size);
        refuse_bytes(tar.at, tar.size, NULL, HF_BAD_CONTAINER, "tar");
        bytes_free(&tar);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-container");
        TCase *tests = tcase_create("container");

        tcase_add_test(tests, test_members);
        tcase_add_loop_test(tests, test_added, 0, sizeof(added) / sizeof(*added));
        tcase_add_test(tests, test_crc);
        tcase_add_test(tests, test_deflated);
        tcase_add_loop_test(tests, test_legacy, 0, sizeof(legacy) / sizeof(*legacy));
        tcase_add_test(tests, test_legacy_order);
        tcase_add_loop_test(tests, test_others, 0, sizeof(others) / sizeof(*others));
        tcase_add_test(tests, test_tar);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
