/* SPDX-License-Identifier: Apache-2.0 */
/* A small file of each container, cut at every byte and with every single bit flipped. */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two storages, a view with strides, a shared one, and a scalar. */
static const struct torch_parts small = {
        .pickle = "#8002 " T_OD "( 'conv.w' " T_TENSOR(
                "<Float:0:8>", "1", "2 3",
                "1 2") "q1 "
                       "'bias' " T_TENSOR("<Half:1:3>", "0", "3", "1") "'half' " T_TENSOR(
                               "<Float:0:8>", "4", "4",
                               "1") "'one' " T_TENSOR("<Half:1:3>", "2", "",
                                                      "") "'step' 7 u } '_metadata' " T_OD "s b .",
        .storages = "0=8*4 1=3*2",
};
static const char small_line[] = "/ +1: conv.w F32 [2,3]/[1,2] 0+4:28; bias F16 [3] 1+0:6; "
                                 "half F32 [4] 0+16:32; one F16 [] 1+4:6";

/* Opens a copy of exactly that size. NULL when it is refused, else the line of what came out. */
static const char *open_copy(const struct torch_file *file, size_t size, enum hf_torch_policy policy,
                             char *line, size_t line_size)
{
        const struct hf_torch_options options = {.policy = policy};
        unsigned char *copy = malloc(size ? size : 1);
        struct hf_torch torch;
        struct hf_error error;
        const char *broken;
        int r;

        memcpy(copy, file->bytes.at, size);
        r = torch_open_bytes(copy, size, &options, &torch, &error);
        if (r == 0) {
                broken = torch_broken_promise(&torch, size);
                ck_assert_msg(!broken, "%s", broken);
                torch_render(&torch, file, line, line_size);
                hf_torch_deinit(&torch);
        } else {
                ck_assert_int_ne(error.reason, HF_OK);
                ck_assert_int_ne(error.reason, HF_BAD_MEMORY);
                ck_assert_int_ne(error.reason, HF_BAD_READ);
                ck_assert_uint_gt(strlen(error.message), 10);
        }
        free(copy);
        return r == 0 ? line : NULL;
}

static void write_small(struct torch_file *file, bool legacy)
{
        char line[1024];

        (legacy ? torch_write_legacy : torch_write_zip)(&small, file);
        ck_assert_pstr_eq(open_copy(file, file->bytes.size, HF_TORCH_STRICT, line, sizeof(line)), small_line);
}

START_TEST(test_truncated)
{
        struct torch_file file;
        char line[1024];

        write_small(&file, _i);
        for (size_t size = 0; size < file.bytes.size; size++)
                ck_assert_msg(!open_copy(&file, size, HF_TORCH_STRICT, line, sizeof(line)),
                              "accepted when cut after %zu bytes: %s", size, line);
        torch_file_free(&file);
}
END_TEST

static void flip(struct torch_file *file, size_t bit)
{
        file->bytes.at[bit / 8] ^= (unsigned char)(1 << bit % 8);
}

/*
 * An archive knows the CRC of its pickle, and says everything else twice or lets nothing depend on it: what
 * still loads is the same.
 */
START_TEST(test_flips_zip)
{
        size_t survivors = 0;
        struct torch_file file;
        char line[4096];

        write_small(&file, false);
        for (size_t bit = 0; bit < file.bytes.size * 8; bit++) {
                flip(&file, bit);
                if (open_copy(&file, file.bytes.size, bit & 1 ? HF_TORCH_OPAQUE : HF_TORCH_STRICT, line,
                              sizeof(line))) {
                        ck_assert_msg(strcmp(line, small_line) == 0, "bit %zu of byte %zu: %s", bit % 8,
                                      bit / 8, line);
                        survivors++;
                }
                flip(&file, bit);
        }
        /* Those of the storages, of dates and of padding, at least. */
        ck_assert_uint_gt(survivors, (8 * 4 + 3 * 2) * 8);
        torch_file_free(&file);
}
END_TEST

/* A legacy file knows nothing of that kind: other tensors may come out, but never outside the file. */
START_TEST(test_flips_legacy)
{
        size_t survivors = 0;
        struct torch_file file;
        char line[4096];

        write_small(&file, true);
        for (size_t bit = 0; bit < file.bytes.size * 8; bit++) {
                flip(&file, bit);
                for (unsigned policy = 0; policy < 2; policy++)
                        if (open_copy(&file, file.bytes.size, policy ? HF_TORCH_OPAQUE : HF_TORCH_STRICT,
                                      line, sizeof(line)))
                                survivors++;
                flip(&file, bit);
        }
        ck_assert_uint_gt(survivors, 2 * (8 * 4 + 3 * 2) * 8);
        torch_file_free(&file);
}
END_TEST

/* Where `bytes` stand for the first time in the pickle. */
static size_t find(const struct torch_file *file, const char *bytes, size_t size)
{
        const unsigned char *at = memmem(file->bytes.at + file->pickle, file->pickle_size, bytes, size);

        ck_assert_ptr_nonnull(at);
        return (size_t)(at - file->bytes.at);
}

/* One byte of a legacy pickle is another: what loads must be what the bytes now say. */
static const struct {
        const char *before; /* of which the last byte is exchanged … */
        size_t size;
        unsigned char now;    /* … for this one */
        const char *expected; /* NULL: refused */
} altered[] = {
#define BYTES(text) text, sizeof(text) - 1
        /* the offset of conv.w, and its shape and strides behind it: BININT1 1, (2, 3), (1, 2) */
        {BYTES("NtQK\1"), 0,
         "/ +1: conv.w F32 [2,3]/[1,2] 0+0:24; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("NtQK\1"), 2,
         "/ +1: conv.w F32 [2,3]/[1,2] 0+8:32; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("NtQK\1"), 3, NULL},
        {BYTES("NtQK\1(K\2"), 3,
         "/ +1: conv.w F32 [3,3]/[1,2] 0+4:32; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("NtQK\1(K\2"), 4, NULL},
        {BYTES("NtQK\1(K\2"), 0,
         "/ +1: conv.w F32 [0,3] -; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("K\2K\3t(K\1"), 0,
         "/ +1: conv.w F32 [2,3]/[0,2] 0+4:24; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("K\2K\3t(K\1"), 3, NULL},
        {BYTES("K\2K\3t(K\1K\2"), 3, NULL},
        {BYTES("K\2K\3t(K\1K\2"), 0,
         "/ +1: conv.w F32 [2,3]/[1,0] 0+4:12; bias F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        /* its count */
        {BYTES("cpuK\10"), 9, NULL},
        {BYTES("cpuK\10"), 7, NULL},
        /* names */
        {BYTES("bias"), 'z',
         "/ +1: conv.w F32 [2,3]/[1,2] 0+4:28; biaz F16 [3] 1+0:6; half F32 [4] 0+16:32; one F16 [] 1+4:6"},
        {BYTES("bias"), 0, NULL},
        {BYTES("bias"), 0x80, NULL},
        /* the class of a storage */
        {BYTES("ctorch\nF"), 'f', NULL},
#undef BYTES
};

START_TEST(test_altered)
{
        struct torch_file file;
        char line[4096];
        const char *got;

        write_small(&file, true);
        file.bytes.at[find(&file, altered[_i].before, altered[_i].size) + altered[_i].size - 1] =
                altered[_i].now;
        got = open_copy(&file, file.bytes.size, HF_TORCH_STRICT, line, sizeof(line));
        ck_assert_pstr_eq(got, altered[_i].expected);
        torch_file_free(&file);
}
END_TEST

/* The number in front of a storage, the only one that says where the next begins. */
START_TEST(test_altered_count)
{
        struct torch_file file;
        char line[4096];

        for (unsigned byte = 0; byte < 8; byte++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        write_small(&file, true);
                        file.bytes.at[file.storages[0].begin - 8 + byte] ^= (unsigned char)(1 << bit);
                        ck_assert_ptr_null(
                                open_copy(&file, file.bytes.size, HF_TORCH_STRICT, line, sizeof(line)));
                        torch_file_free(&file);
                }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-damage");
        TCase *tests = tcase_create("damage");

        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, test_truncated, 0, 2);
        tcase_add_test(tests, test_flips_zip);
        tcase_add_test(tests, test_flips_legacy);
        tcase_add_loop_test(tests, test_altered, 0, sizeof(altered) / sizeof(*altered));
        tcase_add_test(tests, test_altered_count);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
