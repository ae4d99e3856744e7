/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torch files that must load, and as what: each is a pickle in words, in both containers, and the line that
 * torch_render must give. The lines are written by hand.
 */
#include "support/torch_reading.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* What every case ends in: opens a copy of exactly the file's size, and renders it. */
static void expect(const struct torch_file *file, const struct hf_torch_options *options,
                   const char *expected)
{
        struct hf_torch torch;
        struct hf_error error;
        const char *broken;
        char line[4096];

        ck_assert_msg(torch_open_bytes(file->bytes.at, file->bytes.size, options, &torch, &error) == 0,
                      "%s: %s", error.tensor, error.message);
        broken = torch_broken_promise(&torch, file->bytes.size);
        ck_assert_msg(!broken, "%s", broken);
        torch_render(&torch, file, line, sizeof(line));
        ck_assert_str_eq(line, expected);
        hf_torch_deinit(&torch);
        hf_torch_deinit(&torch);
}

static void expect_zip(const struct torch_parts *parts, const struct hf_torch_options *options,
                       const char *expected)
{
        struct torch_file file;

        torch_write_zip(parts, &file);
        expect(&file, options, expected);
        torch_file_free(&file);
}

static void expect_legacy(const struct torch_parts *parts, const struct hf_torch_options *options,
                          const char *expected)
{
        struct torch_file file;

        torch_write_legacy(parts, &file);
        expect(&file, options, expected);
        torch_file_free(&file);
}

#define V3(storage, shape, strides, dtype)                                                              \
        "@torch._utils:_rebuild_tensor_v3 ( " storage " 0 ( " shape " t ( " strides " t NEWFALSE " T_OD \
        "@torch:" dtype " t R "
#define W "'w' " T_VECTOR("<Float:0:6>", "6")

static const struct {
        const char *pickle, *storages, *expected;
} files[] = {
        /* shapes and strides */
        {T_STATE("'w' " T_TENSOR("<Float:0:6>", "0", "2 3", "3 1")), "0=6*4", "w F32 [2,3] 0+0:24"},
        {T_STATE("'w' " T_TENSOR("<Float:0:6>", "0", "3 2", "1 3")), "0=6*4", "w F32 [3,2]/[1,3] 0+0:24"},
        {T_STATE("'w' " T_TENSOR("<Half:0:3>", "0", "4 3", "0 1")), "0=3*2", "w F16 [4,3]/[0,1] 0+0:6"},
        {T_STATE("'w' " T_TENSOR("<Half:0:3>", "1", "9", "0")), "0=3*2", "w F16 [9]/[0] 0+2:4"},
        {T_STATE("'w' " T_TENSOR("<BFloat16:0:10>", "4", "2 3", "3 1")), "0=10*2", "w BF16 [2,3] 0+8:20"},
        {T_STATE("'w' " T_TENSOR("<Float:0:12>", "2", "2 2", "4 1")), "0=12*4", "w F32 [2,2]/[4,1] 0+8:32"},
        {T_STATE("'w' " T_TENSOR("<Float:0:12>", "1", "2 3", "6 2")), "0=12*4", "w F32 [2,3]/[6,2] 0+4:48"},
        {T_STATE("'w' " T_TENSOR("<Byte:0:24>", "0", "1 2 3 4", "24 1 8 2")), "0=24*1",
         "w U8 [1,2,3,4]/[24,1,8,2] 0+0:24"},
        /* windows that overlap, as unfold makes them */
        {T_STATE("'w' " T_TENSOR("<Byte:0:5>", "0", "3 3", "1 1")), "0=5*1", "w U8 [3,3]/[1,1] 0+0:5"},
        /* the stride of an axis of one element means nothing */
        {T_STATE("'w' " T_TENSOR("<Byte:0:3>", "0", "1 3 1", "900 1 77")), "0=3*1", "w U8 [1,3,1] 0+0:3"},
        {T_STATE("'w' " T_TENSOR("<Long:0:1>", "0", "", "")), "0=1*8", "w I64 [] 0+0:8"},
        {T_STATE("'w' " T_TENSOR("<Float:0:0>", "0", "0", "1")), "0=0*4", "w F32 [0] -"},
        {T_STATE("'w' " T_TENSOR("<Float:0:4>", "0", "2 0 3", "3 3 1")), "0=4*4", "w F32 [2,0,3] -"},
        /* storages that are shared */
        {T_STATE("'b' " T_TENSOR("<Float:0:6>", "3", "3", "1") "'a' " T_TENSOR("<Float:0:6>", "0", "4", "1")),
         "0=6*4", "b F32 [3] 0+12:24; a F32 [4] 0+0:16"},
        {T_STATE("'a' " T_VECTOR("<Float:x:2>", "2") "q0 'b' h0 'c' h0"), "x=2*4",
         "a F32 [2] x+0:8; b F32 [2] x+0:8; c F32 [2] x+0:8"},
        {T_STATE("'a' " T_V2 "( <Float:0:2> q9 0 ( 1 t ( 1 t NEWFALSE " T_OD "t R 'b' " T_V2
                 "( h9 1 ( 1 t ( 1 t NEWFALSE " T_OD "t R"),
         "0=2*4", "a F32 [1] 0+0:4; b F32 [1] 0+4:8"},
        {T_STATE("'a' " T_VECTOR("<Short:1:2>", "2") "'b' " T_VECTOR("<Int:0:1>", "1")), "1=2*2 0=1*4",
         "a I16 [2] 1+0:4; b I32 [1] 0+0:4"},
        /* one storage, counted in bytes or in uint8, which are the same */
        {T_STATE("'a' " T_VECTOR("<Byte:0:4>", "4") "'b' " V3("<Untyped:0:4>", "2", "1", "uint16") "'c' " V3(
                 "<Untyped:0:4>", "4", "1", "float8_e5m2")),
         "0=4*1", "a U8 [4] 0+0:4; b U16 [2] 0+0:4; c F8_E5M2 [4] 0+0:4"},
        /* a storage that no tensor uses */
        {T_STATE("'a' " T_VECTOR("<Char:0:2>", "2") "'s' <Char:1:3>"), "0=2*1 1=3*1", "/ +1: a I8 [2] 0+0:2"},
        /* the other functions */
        {T_STATE("'w' @torch._utils:_rebuild_tensor ( <Float:0:6> 1 ( 2 2 t ( 2 1 t t R"), "0=6*4",
         "w F32 [2,2] 0+4:20"},
        {T_STATE("'w' @torch._utils:_rebuild_parameter ( " T_VECTOR("<Float:0:6>", "6") "NEWTRUE " T_OD
                                                                                        "t R"),
         "0=6*4", "w F32 [6] 0+0:24"},
        {T_STATE("'w' @torch._utils:_rebuild_parameter_with_state ( " T_VECTOR(
                 "<Float:0:6>", "6") "NEWTRUE " T_OD "} 'x' 1 s t R"),
         "0=6*4", "w F32 [6] 0+0:24"},
        {T_STATE("'w' @torch._tensor:_rebuild_from_type_v2 ( @torch._utils:_rebuild_tensor_v2 @torch:Tensor "
                 "( <Float:0:6> 2 ( 2 t ( 2 t NEWFALSE " T_OD "t } 'x' 1 s t R"),
         "0=6*4", "w F32 [2]/[2] 0+8:20"},
        {T_STATE("'w' @torch._tensor:_rebuild_from_type_v2 ( @torch._utils:_rebuild_parameter "
                 "@torch.nn.parameter:Parameter ( " T_VECTOR("<Float:0:6>", "6") "NEWFALSE " T_OD "t } t R"),
         "0=6*4", "w F32 [6] 0+0:24"},
        {T_STATE("'w' " V3("<Untyped:0:8>", "2 2", "2 1", "uint16")), "0=8*1", "w U16 [2,2] 0+0:8"},
        {T_STATE("'w' @torch._utils:_rebuild_tensor_v3 ( <Untyped:0:12> 1 ( 2 t ( 1 t NEWFALSE " T_OD
                 "@torch:uint32 } t R"),
         "0=12*1", "w U32 [2] 0+4:12"},
        /* of four bits: two elements are a byte, and a dimension counts bytes */
        {T_STATE("'w' " V3("<Untyped:0:8>", "2 4", "4 1", "float4_e2m1fn_x2")), "0=8*1", "w F4 [2,8] 0+0:8"},
        /* an argument more than once was: metadata, which says nothing */
        {T_STATE("'w' " T_V2 "( <Float:0:6> 0 ( 6 t ( 1 t NEWFALSE " T_OD "} t R"), "0=6*4",
         "w F32 [6] 0+0:24"},
        /* a shape that is a torch.Size */
        {T_STATE("'w' " T_V2 "( <Float:0:6> 0 @torch:Size ( ( 2 3 t t R ( 3 1 t NEWFALSE " T_OD "t R"),
         "0=6*4", "w F32 [2,3] 0+0:24"},
        /* dictionaries */
        {"#8002 } .", NULL, ""},
        {"#8002 " T_OD ".", NULL, ""},
        {"#8002 " T_OD "q0 ( " W "u } '_metadata' " T_OD "'' } 'version' 1 s s s b .", "0=6*4",
         "w F32 [6] 0+0:24"},
        /* an OrderedDict as Python 2 wrote it */
        {"#8002 @collections:OrderedDict ( ] ( ] ( " W "e e t R .", "0=6*4", "w F32 [6] 0+0:24"},
        {"#8002 @collections:OrderedDict ) NEWOBJ " W "s .", "0=6*4", "w F32 [6] 0+0:24"},
        {"#8002 ( " W "d .", "0=6*4", "w F32 [6] 0+0:24"},
        {"#8002 } 'step' 3 s 'lr' BINFLOAT #3f50624dd2f1a9fc s " W
         "s 'l' ] ( 1 NONE e s 't' ) s 'b' NEWTRUE s .",
         "0=6*4", "/ +5: w F32 [6] 0+0:24"},
        {T_STATE(W "'c' @collections:Counter } ( 30 1 80 2 u TUPLE1 R"), "0=6*4", "/ +1: w F32 [6] 0+0:24"},
        {T_STATE(W "'d' @torch:device 'cpu' TUPLE1 R 's' EMPTY_SET ( 1 2 ADDITEMS 'f' ( 1 FROZENSET"),
         "0=6*4", "/ +3: w F32 [6] 0+0:24"},
        {T_STATE(W "'big' LONG1 #0a6cfc9c46f9206aa85019 'neg' LONG1 #01ff 'none' LONG1 #00"), "0=6*4",
         "/ +3: w F32 [6] 0+0:24"},
        {T_STATE("'../a b.\xC3\xA9' " T_VECTOR("<Float:0:1>", "1")), "0=1*4",
         "../a b.\\xC3\\xA9 F32 [1] 0+0:4"},
        /* where the state dictionary is */
        {T_STATE("'epoch' 3 'model' } ( " W "u 'optimizer' } ( 'x' 1 u"), "0=6*4", "model: w F32 [6] 0+0:24"},
        {T_STATE("'state_dict' " T_OD "( " W "'n' 1 u"), "0=6*4", "state_dict +1: w F32 [6] 0+0:24"},
        {T_STATE("'module' } ( " W "u"), "0=6*4", "module: w F32 [6] 0+0:24"},
        {T_STATE("'ema' } ( " W "u 'model' } ( 'x' 1 u"), "0=6*4", "ema: w F32 [6] 0+0:24"},
        /* the other opcodes that make these values */
        {"#8004 FRAME #0100000000000000 } MEMOIZE ( SHORT_BINUNICODE #0177 MEMOIZE SHORT_BINUNICODE #0c "
         "\"torch._utils\" MEMOIZE SHORT_BINUNICODE #12 \"_rebuild_tensor_v2\" MEMOIZE STACK_GLOBAL MEMOIZE "
         "( <Float:0:6> 0 6 TUPLE1 MEMOIZE 1 TUPLE1 NEWFALSE " T_OD "MEMOIZE t MEMOIZE R MEMOIZE "
         "BINUNICODE8 #010000000000000062 h8 u .",
         "0=6*4", "w F32 [6] 0+0:24; b F32 [6] 0+0:24"},
        {"#8004 } MEMOIZE 'a' MEMOIZE " T_VECTOR("<Float:0:6>", "6") "MEMOIZE s 'b' h2 s .", "0=6*4",
         "a F32 [6] 0+0:24; b F32 [6] 0+0:24"},
        {"#8005 } ( " W "'a' BYTEARRAY8 #02000000000000006162 'b' BINBYTES8 #0100000000000000ff 'c' "
         "SHORT_BINBYTES #00 'd' BINBYTES #0100000001 u .",
         "0=6*4", "/ +4: w F32 [6] 0+0:24"},
        {"#8002 } ( SHORT_BINSTRING #0177 " T_VECTOR("<Float:0:6>", "6") "BINSTRING #0100000078 1 u .",
         "0=6*4", "/ +1: w F32 [6] 0+0:24"},
        {"} ( 'w' " T_V2
         "( <Float:0:6> \"I1\\n\" ( \"I2\\n\" \"L2L\\n\" t ( \"L2\\n\" \"I1\\n\" t \"I00\\n\" " T_OD
         "t \"p7\\n\" R \"p300\\n\" 'a' \"I01\\n\" 'b' \"I-5\\n\" 'v' \"g300\\n\" u .",
         "0=6*4", "/ +2: w F32 [2,2] 0+4:20; v F32 [2,2] 0+4:20"},
        {"#8002 } 'w' " T_V2 "( <Float:0:6> BININT #01000000 ( BININT2 #0500 t ( LONG1 #0101 t NEWFALSE " T_OD
         "t R s .",
         "0=6*4", "w F32 [5] 0+4:24"},
        {"#8002 } 'w' " T_V2 "( <Float:0:6> LONG1 #00 ( LONG4 #020000000500 t ( 1 t NEWFALSE " T_OD "t R s .",
         "0=6*4", "w F32 [5] 0+0:20"},
        {"#8002 } 'x' 'y' POP NONE s 1 DUP POP POP ( 1 2 POP_MARK " W "s .", "0=6*4",
         "/ +1: w F32 [6] 0+0:24"},
        {"#8002 } ( u ( 'l' ( 1 2 l 'e' ] 1 a u " W "s .", "0=6*4", "/ +2: w F32 [6] 0+0:24"},
        {"#8002 } LONG_BINPUT #00010000 POP LONG_BINGET #00010000 " W "s .", "0=6*4", "w F32 [6] 0+0:24"},
};

START_TEST(test_files)
{
        const struct torch_parts parts = {.pickle = files[_i].pickle, .storages = files[_i].storages};

        expect_zip(&parts, NULL, files[_i].expected);
        expect_legacy(&parts, NULL, files[_i].expected);
}
END_TEST

/* The dtype of each class of storages, and dtypes that come with a storage without one. */
static const struct {
        const char *class, *dtype, *name;
        unsigned width;
} dtypes[] = {
        {"Double", NULL, "F64", 8},
        {"Float", NULL, "F32", 4},
        {"Half", NULL, "F16", 2},
        {"BFloat16", NULL, "BF16", 2},
        {"Long", NULL, "I64", 8},
        {"Int", NULL, "I32", 4},
        {"Short", NULL, "I16", 2},
        {"Char", NULL, "I8", 1},
        {"Byte", NULL, "U8", 1},
        {"Bool", NULL, "BOOL", 1},
        {"ComplexFloat", NULL, "C64", 8},
        {"Untyped", "uint16", "U16", 2},
        {"Untyped", "uint32", "U32", 4},
        {"Untyped", "uint64", "U64", 8},
        {"Untyped", "float8_e4m3fn", "F8_E4M3", 1},
        {"Untyped", "float8_e5m2", "F8_E5M2", 1},
        {"Untyped", "float8_e4m3fnuz", "F8_E4M3FNUZ", 1},
        {"Untyped", "float8_e5m2fnuz", "F8_E5M2FNUZ", 1},
        {"Untyped", "float8_e8m0fnu", "F8_E8M0", 1},
        {"Untyped", "float32", "F32", 4},
        {"Untyped", "bfloat16", "BF16", 2},
        {"Untyped", "bool", "BOOL", 1},
};

START_TEST(test_dtype)
{
        const char *dtype = dtypes[_i].dtype;
        const unsigned width = dtypes[_i].width;
        char pickle[600], storages[40], line[80];
        const struct torch_parts parts = {.pickle = pickle, .storages = storages};

        snprintf(pickle, sizeof(pickle),
                 "#8002 } 'w' @torch._utils:_rebuild_tensor_v%d ( <%s:0:%u> 1 ( 2 t ( 1 t NEWFALSE " T_OD
                 "%s%s t R s .",
                 dtype ? 3 : 2, dtypes[_i].class, dtype ? 3 * width : 3, dtype ? "@torch:" : "",
                 dtype ? dtype : "");
        snprintf(storages, sizeof(storages), "0=%u*%u", dtype ? 3 * width : 3, dtype ? 1 : width);
        snprintf(line, sizeof(line), "w %s [2] 0+%u:%u", dtypes[_i].name, width, 3 * width);
        expect_zip(&parts, NULL, line);
        expect_legacy(&parts, NULL, line);
}
END_TEST

#define NESTED                                                                              \
        T_STATE("'model' } ( 'w' " T_VECTOR("<Float:0:6>", "1") "'deep' } ( 'v' " T_VECTOR( \
                "<Float:0:6>", "2") "u u "                                                  \
                                    "'ema' } ( 'e' " T_VECTOR("<Float:0:6>",                \
                                                              "3") "u 't' " T_VECTOR("<Float:0:6>", "4"))

START_TEST(test_chosen)
{
        static const struct {
                const char *chosen, *expected;
        } choices[] = {
                {"/", "/ +2: t F32 [4] 0+0:16"},
                {"model", "model +1: w F32 [1] 0+0:4"},
                {"model/deep", "model/deep: v F32 [2] 0+0:8"},
                {"ema", "ema: e F32 [3] 0+0:12"},
        };
        const struct torch_parts parts = {.pickle = NESTED, .storages = "0=6*4"};

        for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
                const struct hf_torch_options options = {.state_dict = choices[i].chosen};

                expect_zip(&parts, &options, choices[i].expected);
                expect_legacy(&parts, &options, choices[i].expected);
        }
}
END_TEST

START_TEST(test_archive)
{
        const struct torch_parts good = {.pickle = T_STATE(W), .storages = "0=6*4"};
        struct torch_parts parts = good;

        /* Before torch 2.1 there was no such record; and zip may shrink what is no storage. */
        parts.byteorder = "";
        expect_zip(&parts, NULL, "w F32 [6] 0+0:24");
        parts.byteorder = "big";
        expect_zip(&parts, NULL, "w F32 [6] 0+0:24 big");
        parts = good;
        parts.deflate = "data.pkl";
        expect_zip(&parts, NULL, "w F32 [6] 0+0:24");
        expect_zip(&good, &(struct hf_torch_options){.verify = true}, "w F32 [6] 0+0:24");
        expect_legacy(&good, &(struct hf_torch_options){.verify = true}, "w F32 [6] 0+0:24");
}
END_TEST

/* A tensor whose storage is a part of another's, as the oldest files have it. */
START_TEST(test_legacy_view)
{
        static const char pickle[] =
                "#8002 } 'w' " T_V2
                "( ( 'storage' @torch:FloatStorage 'k' 'cpu' 6 ( 'view' 2 3 t t BINPERSID 1 "
                "( 2 t ( 1 t NEWFALSE " T_OD "t R s .";
        const struct torch_parts parts = {.pickle = pickle, .storages = "k=6*4"};

        expect_legacy(&parts, NULL, "w F32 [2] k+12:20");
}
END_TEST

START_TEST(test_result)
{
        const struct torch_parts parts = {.pickle = T_STATE("'epoch' 3 'x' 1 " W), .storages = "0=6*4"};
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;

        torch_write_zip(&parts, &file);
        ck_assert_int_eq(torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error), 0);
        ck_assert(!torch.legacy);
        ck_assert_uint_eq(torch.n_others, 2);
        ck_assert_str_eq(torch.first_other, "epoch");
        ck_assert_str_eq(torch.state_dict, "/");
        hf_torch_deinit(&torch);
        torch_file_free(&file);

        torch_write_legacy(&parts, &file);
        ck_assert_int_eq(torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error), 0);
        ck_assert(torch.legacy);
        hf_torch_deinit(&torch);
        hf_torch_deinit(NULL);
        torch_file_free(&file);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch");
        TCase *tests = tcase_create("loads");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_files, 0, sizeof(files) / sizeof(*files));
        tcase_add_loop_test(tests, test_dtype, 0, sizeof(dtypes) / sizeof(*dtypes));
        tcase_add_test(tests, test_chosen);
        tcase_add_test(tests, test_archive);
        tcase_add_test(tests, test_legacy_view);
        tcase_add_test(tests, test_result);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
