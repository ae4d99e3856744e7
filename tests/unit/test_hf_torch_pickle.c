/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles that are not well formed: opcodes, stack, marks, memo, arguments, text. */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F6     "<Float:0:6>"
#define VECTOR T_VECTOR(F6, "6")
#define W      "'w' " VECTOR

/* The opcodes that are read. */
static const char *const known[] = {
        "PROTO",
        "FRAME",
        "STOP",
        "MARK",
        "POP",
        "POP_MARK",
        "DUP",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "INT",
        "LONG",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINSTRING",
        "BINSTRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "EMPTY_LIST",
        "EMPTY_DICT",
        "EMPTY_TUPLE",
        "EMPTY_SET",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "LIST",
        "DICT",
        "APPEND",
        "APPENDS",
        "SETITEM",
        "SETITEMS",
        "ADDITEMS",
        "FROZENSET",
        "GLOBAL",
        "STACK_GLOBAL",
        "REDUCE",
        "NEWOBJ",
        "BUILD",
        "BINPERSID",
        "GET",
        "PUT",
        "BINGET",
        "LONG_BINGET",
        "BINPUT",
        "LONG_BINPUT",
        "MEMOIZE",
};

static bool is_known(int byte)
{
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (pickle_opcode(known[i]) == byte)
                        return true;
        return false;
}

/* An opcode behind values that serve it, with bytes behind it that serve most as arguments. */
static size_t write_opcode(struct bytes *pickle, int byte)
{
        size_t at;

        pickle_assemble(pickle, "#8002 @collections:OrderedDict ) }", false);
        at = pickle->size;
        bytes_add_number(pickle, (uint64_t)byte, 1);
        pickle_assemble(pickle, "\"1\\n1\\n\" #0000000000000000 } .", false);
        return at;
}

/* Only the opcodes of the list are looked at. */
START_TEST(test_opcode)
{
        const char *name = pickle_opcode_name(_i);
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle};
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        char word[8];
        size_t at;

        at = write_opcode(&pickle, _i);
        snprintf(word, sizeof(word), "0x%02x", (unsigned)_i);
        torch_write_zip(&parts, &file);
        if (!is_known(_i))
                refuse_bytes(file.bytes.at, file.bytes.size, NULL, HF_BAD_OPCODE, name ? name : word);
        else if (torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error) == 0)
                hf_torch_deinit(&torch);
        else /* what follows it may be none */
                ck_assert(error.reason != HF_BAD_OPCODE || error.offset > file.pickle + at);
        torch_file_free(&file);
        bytes_free(&pickle);
}
END_TEST

static const struct refused refused[] = {
        /* fewer values than the opcode takes */
        {"#8002 POP } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 DUP } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 POP_MARK } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 TUPLE1 } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 1 TUPLE2 } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 1 2 TUPLE3 } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 1 TUPLE } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 1 LIST } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 1 2 DICT .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 1 APPEND } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 APPEND } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 ] 1 2 APPENDS } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 ( 1 2 APPENDS } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } 1 SETITEM .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 SETITEM } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } 1 2 SETITEMS .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 ( 1 2 SETITEMS } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 ( 1 ADDITEMS } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 EMPTY_SET 1 ADDITEMS } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 1 FROZENSET } .", NULL, HF_BAD_PICKLE, "mark"},
        {"#8002 ) REDUCE } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 REDUCE } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 ) NEWOBJ } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } BUILD .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 BINPERSID } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8004 'os' STACK_GLOBAL } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 q0 } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 LONG_BINPUT #00000000 } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 \"p0\\n\" } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8004 MEMOIZE } .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 .", NULL, HF_BAD_PICKLE, "stops with"},
        {".", NULL, HF_BAD_PICKLE, "stops with"},
        /* a mark is a floor */
        {"#8002 } ( DUP .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } ( TUPLE1 .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } 1 ( 2 SETITEM .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } ( 1 2 SETITEM .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 ] ( 1 APPEND .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } ( q0 .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 @collections:OrderedDict ( ) REDUCE .", NULL, HF_BAD_PICKLE, "stack is empty"},
        {"#8002 } ( .", NULL, HF_BAD_PICKLE, "stops with"},
        {"#8002 ( } .", NULL, HF_BAD_PICKLE, "stops with"},
        /* keys without values */
        {"#8002 } ( 1 SETITEMS .", NULL, HF_BAD_PICKLE, "no value"},
        {"#8002 ( 'a' 1 'b' DICT .", NULL, HF_BAD_PICKLE, "no value"},
        /* values of the wrong kind */
        {"#8002 } 'w' " VECTOR "0 1 s s .", "0=6*4", HF_BAD_CALL, "in a tensor"},
        {"#8002 } 'w' " VECTOR "( 0 1 u s .", "0=6*4", HF_BAD_CALL, "in a tensor"},
        {"#8002 } 'l' ] 0 1 s s .", NULL, HF_BAD_CALL, "in a list"},
        {"#8002 } 't' ) 0 1 s s .", NULL, HF_BAD_CALL, "in a tuple"},
        {"#8002 } 's' <Float:0:6> 0 1 s s .", "0=6*4", HF_BAD_CALL, "in a storage"},
        {"#8002 } 1 a .", NULL, HF_BAD_CALL, "to a dict"},
        {"#8002 } ( 1 e .", NULL, HF_BAD_CALL, "to a dict"},
        {"#8002 } 't' " VECTOR "1 a s .", "0=6*4", HF_BAD_CALL, "to a tensor"},
        {"#8002 } 't' ) ( 1 e s .", NULL, HF_BAD_CALL, "to a tuple"},
        {"#8002 } 't' ] ( 1 ADDITEMS s .", NULL, HF_BAD_CALL, "to a list"},
        {"#8002 } 't' " VECTOR "} b s .", "0=6*4", HF_BAD_CALL, "change a tensor"},
        {"#8002 } 't' " VECTOR "( <Float:0:6> 0 ( 6 t ( 1 t t b s .", "0=6*4", HF_BAD_CALL,
         "change a tensor"},
        {"#8002 } 'x' ] } b s .", NULL, HF_BAD_CALL, "change a list"},
        {"#8002 } 'x' 5 } b s .", NULL, HF_BAD_CALL, "change an integer"},
        {"#8002 } 'x' <Float:0:6> } b s .", "0=6*4", HF_BAD_CALL, "change a storage"},
        {"#8002 } 'x' 'os.system' ) R s .", NULL, HF_BAD_CALL, "a text is called"},
        {"#8002 } 'x' NONE ) R s .", NULL, HF_BAD_CALL, "None is called"},
        {"#8002 } 'x' " VECTOR ") R s .", "0=6*4", HF_BAD_CALL, "a tensor is called"},
        {"#8002 } 'x' } ) R s .", NULL, HF_BAD_CALL, "a dictionary is called"},
        {"#8002 } 'x' 1 ) NEWOBJ s .", NULL, HF_BAD_CALL, "an integer is called"},
        {"#8004 } 'x' 1 'system' STACK_GLOBAL s .", NULL, HF_BAD_PICKLE, "two texts"},
        {"#8004 } 'x' 'os' NONE STACK_GLOBAL s .", NULL, HF_BAD_PICKLE, "two texts"},
        /* the memo */
        {"#8002 h0 .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } q0 h1 .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } LONG_BINGET #ffffffff .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"g0\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"g-1\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"gx\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"g\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"p-1\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"p1x\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"p18446744073709551616\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"p99999999999999999999999999\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } \"p4294967296\\n\" .", NULL, HF_BAD_PICKLE, "memo"},
        {"#8002 } LONG_BINPUT #ffffffff .", NULL, HF_BAD_LIMIT, "memo"},
        /* the end */
        {"#8002 } } .", NULL, HF_BAD_PICKLE, "2 values"},
        {"#8002 " T_OD "} .", NULL, HF_BAD_PICKLE, "2 values"},
        /* the beginning */
        {"#8006 } .", NULL, HF_BAD_PICKLE, "6"},
        {"#80ff } .", NULL, HF_BAD_PICKLE, "255"},
        /* a frame that would be longer than all that follows */
        {"#8004 FRAME #ff00000000000000 } .", NULL, HF_BAD_PICKLE, "frame"},
        {"#8004 FRAME #0000000000000080 } .", NULL, HF_BAD_PICKLE, "frame"},
        {"#8004 FRAME #ffffffffffffffff } .", NULL, HF_BAD_PICKLE, "frame"},
        /* numbers in text */
        {"#8002 } 'x' \"I\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        {"#8002 } 'x' \"Ix\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        {"#8002 } 'x' \"I1.5\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        {"#8002 } 'x' \"L\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        {"#8002 } 'x' \"L-\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        {"#8002 } 'x' \"L1LL\\n\" s .", NULL, HF_BAD_PICKLE, "digits"},
        /* lengths */
        {"#8002 } 'x' LONG4 #ffffffff s .", NULL, HF_BAD_PICKLE, "LONG4"},
        {"#8002 } 'x' LONG4 #00000080 s .", NULL, HF_BAD_PICKLE, "LONG4"},
        {"#8002 } 'x' BINSTRING #ffffffff s .", NULL, HF_BAD_PICKLE, "BINSTRING"},
        /* text that is none, where a name must be */
        {"#8002 } X #01000000ff " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8002 } X #02000000c0af " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8002 } X #03000000eda080 " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8002 } X #04000000f4908080 " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8002 } X #02000000e282 " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8004 } SHORT_BINUNICODE #01ff " VECTOR "s .", "0=6*4", HF_BAD_PICKLE, "UTF-8"},
        {"#8002 } SHORT_BINSTRING #01ff " VECTOR "s .", "0=6*4", HF_BAD_STATE_DICT, "bytes"},
};

START_TEST(test_refused)
{
        refuse_row(&refused[_i]);
}
END_TEST

/* Arguments that reach past the pickle's end, which in an archive is that of data.pkl … */
static const char *const cut[] = {
        "#8002 } J #000000",
        "#8002 } M #00",
        "#8002 } K",
        "#8002 } LONG1",
        "#8002 } LONG1 #ff00",
        "#8002 } LONG4 #010000",
        "#8002 } LONG4 #0a00000000",
        "#8002 } BINFLOAT #00000000000000",
        "#8002 } X #0a00000061",
        "#8002 } X #0a",
        "#8004 } SHORT_BINUNICODE",
        "#8004 } SHORT_BINUNICODE #0261",
        "#8004 } BINUNICODE8 #00000000",
        "#8004 } SHORT_BINBYTES #ff61",
        "#8002 } SHORT_BINSTRING #ff61",
        "#8002 } \"I1\"",
        "#8002 } \"L1L\"",
        "#8002 } \"p1\"",
        "#8002 } \"g1\"",
        "#8002 } \"ctorch\"",
        "#8002 } \"ctorch\\nfloat32\"",
        "#8002 } q",
        "#8002 } h",
        "#8002 } r #000000",
        "#8002 } j #000000",
        "#8004 FRAME #00000000",
        "#8002 }",
        "#8002",
        "#80",
        "",
};

/* … or past the end of any pickle. */
static const char *const too_long[] = {
        "#8002 } LONG4 #ffffff7f00",
        "#8002 } X #ffffffff61",
        "#8004 } BINUNICODE8 #ffffffffffffffff61",
        "#8004 } BINUNICODE8 #000000000000008061",
        "#8004 } BINBYTES8 #ffffffffffffffff61",
        "#8004 } BINBYTES #ffffffff61",
        "#8005 } BYTEARRAY8 #ffffffffffffffff61",
        "#8002 } BINSTRING #ffffff7f61",
};

START_TEST(test_cut)
{
        const struct torch_parts parts = {.pickle = cut[_i]};

        refuse_zip(&parts, NULL, HF_BAD_PICKLE, "end");
}
END_TEST

START_TEST(test_too_long)
{
        const struct torch_parts parts = {.pickle = too_long[_i]};

        refuse_zip(&parts, NULL, HF_BAD_PICKLE, "too long");
}
END_TEST

/* An archive's pickle ends where its member does; a second pickle behind it is one that others may read. */
START_TEST(test_after_stop)
{
        static const char *const after[] = {"#00", ".", "} .", "#8002 } .",
                                            "\"cos\\nsystem\\n\" 'id' TUPLE1 R ."};
        char pickle[600];
        const struct torch_parts parts = {.pickle = pickle, .storages = "0=6*4"};

        snprintf(pickle, sizeof(pickle), "%s %s", T_STATE(W), after[_i]);
        refuse_zip(&parts, NULL, HF_BAD_PICKLE, "goes on");
}
END_TEST

/* What holds itself: it must end, whatever comes out. */
static const char *const circles[] = {
        "#8002 } q0 'self' h0 s .",
        "#8002 } q0 'self' h0 s " W "s .",
        "#8002 } q0 'model' h0 s .",
        "#8002 } q0 'model' h0 s " W "s .",
        "#8002 } 'model' } q0 'model' h0 s s .",
        "#8002 } 'l' ] q0 h0 a s " W "s .",
        "#8002 } 'l' ] q0 ( h0 t a s " W "s .",
        "#8002 ] q0 h0 a .",
        "#8002 " T_OD "q0 h0 b .",
        "#8002 " T_OD "q0 } 'x' h0 s b .",
        "#8002 } q0 h0 1 s .",
        "#8002 } q0 'w' " T_V2 "( " F6 " 0 ( 6 t ( 1 t NEWFALSE h0 t R s .",
        "#8002 } 'w' @torch._tensor:_rebuild_from_type_v2 ( @torch._utils:_rebuild_tensor_v2 @torch:Tensor "
        "( " F6 " 0 ( 6 t ( 1 t NEWFALSE " T_OD "t } q5 'x' h5 s t R s .",
};

START_TEST(test_circle)
{
        static const char *const places[] = {NULL, "/", "model", "self", "model/model/model"};
        const struct torch_parts parts = {.pickle = circles[_i], .storages = "0=6*4"};
        struct torch_file file;

        torch_write_zip(&parts, &file);
        for (size_t i = 0; i < 2 * sizeof(places) / sizeof(*places); i++) {
                const struct hf_torch_options options = {.policy = i & 1 ? HF_TORCH_OPAQUE : HF_TORCH_STRICT,
                                                         .state_dict = places[i / 2]};
                struct hf_torch torch;
                struct hf_error error;

                if (torch_open_bytes(file.bytes.at, file.bytes.size, &options, &torch, &error) < 0) {
                        ck_assert_int_ne(error.reason, HF_OK);
                        continue;
                }
                ck_assert_ptr_null(torch_broken_promise(&torch, file.bytes.size));
                hf_torch_deinit(&torch);
        }
        torch_file_free(&file);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-pickle");
        TCase *tests = tcase_create("pickle");

        tcase_add_loop_test(tests, test_opcode, 0, 256);
        tcase_add_loop_test(tests, test_refused, 0, sizeof(refused) / sizeof(*refused));
        tcase_add_loop_test(tests, test_cut, 0, sizeof(cut) / sizeof(*cut));
        tcase_add_loop_test(tests, test_too_long, 0, sizeof(too_long) / sizeof(*too_long));
        tcase_add_loop_test(tests, test_after_stop, 0, 5);
        tcase_add_loop_test(tests, test_circle, 0, sizeof(circles) / sizeof(*circles));
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
