/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every opcode there is, by the names of CPython's Lib/pickletools.py. Refused are those that name code by
 * number (EXT…), run it in ways that torch.save never writes (INST, OBJ), want buffers from outside, or
 * belong to protocol 0, at which torch.save writes no storages.
 */
#include "machine.h"

const struct hf_opcode hf_opcodes[256] = {
        [0x80] = {"PROTO", HF_FORM_1, hf_run_proto},
        [0x95] = {"FRAME", HF_FORM_8, hf_run_frame},
        ['.'] = {"STOP", HF_FORM_NONE, hf_run_stop},

        ['('] = {"MARK", HF_FORM_NONE, hf_run_mark},
        ['0'] = {"POP", HF_FORM_NONE, hf_run_pop},
        ['1'] = {"POP_MARK", HF_FORM_NONE, hf_run_pop_mark},
        ['2'] = {"DUP", HF_FORM_NONE, hf_run_dup},

        ['N'] = {"NONE", HF_FORM_NONE, hf_run_none},
        [0x88] = {"NEWTRUE", HF_FORM_NONE, hf_run_true},
        [0x89] = {"NEWFALSE", HF_FORM_NONE, hf_run_false},
        ['I'] = {"INT", HF_FORM_LINE, hf_run_int},
        ['L'] = {"LONG", HF_FORM_LINE, hf_run_decimal},
        ['J'] = {"BININT", HF_FORM_4, hf_run_signed},
        ['K'] = {"BININT1", HF_FORM_1, hf_run_unsigned},
        ['M'] = {"BININT2", HF_FORM_2, hf_run_unsigned},
        [0x8a] = {"LONG1", HF_FORM_COUNTED_1, hf_run_long},
        [0x8b] = {"LONG4", HF_FORM_COUNTED_4, hf_run_long},
        ['G'] = {"BINFLOAT", HF_FORM_8, hf_run_float},

        ['X'] = {"BINUNICODE", HF_FORM_COUNTED_4, hf_run_text},
        [0x8c] = {"SHORT_BINUNICODE", HF_FORM_COUNTED_1, hf_run_text},
        [0x8d] = {"BINUNICODE8", HF_FORM_COUNTED_8, hf_run_text},
        ['T'] = {"BINSTRING", HF_FORM_COUNTED_4, hf_run_string},
        ['U'] = {"SHORT_BINSTRING", HF_FORM_COUNTED_1, hf_run_string},
        ['B'] = {"BINBYTES", HF_FORM_COUNTED_4, hf_run_bytes},
        ['C'] = {"SHORT_BINBYTES", HF_FORM_COUNTED_1, hf_run_bytes},
        [0x8e] = {"BINBYTES8", HF_FORM_COUNTED_8, hf_run_bytes},
        [0x96] = {"BYTEARRAY8", HF_FORM_COUNTED_8, hf_run_bytes},

        [')'] = {"EMPTY_TUPLE", HF_FORM_NONE, hf_run_empty_tuple},
        ['t'] = {"TUPLE", HF_FORM_NONE, hf_run_tuple},
        [0x85] = {"TUPLE1", HF_FORM_NONE, hf_run_tuple1},
        [0x86] = {"TUPLE2", HF_FORM_NONE, hf_run_tuple2},
        [0x87] = {"TUPLE3", HF_FORM_NONE, hf_run_tuple3},
        [']'] = {"EMPTY_LIST", HF_FORM_NONE, hf_run_empty_list},
        ['l'] = {"LIST", HF_FORM_NONE, hf_run_list},
        ['a'] = {"APPEND", HF_FORM_NONE, hf_run_append},
        ['e'] = {"APPENDS", HF_FORM_NONE, hf_run_appends},
        ['}'] = {"EMPTY_DICT", HF_FORM_NONE, hf_run_empty_dict},
        ['d'] = {"DICT", HF_FORM_NONE, hf_run_dict},
        ['s'] = {"SETITEM", HF_FORM_NONE, hf_run_set_item},
        ['u'] = {"SETITEMS", HF_FORM_NONE, hf_run_set_items},
        [0x8f] = {"EMPTY_SET", HF_FORM_NONE, hf_run_empty_set},
        [0x90] = {"ADDITEMS", HF_FORM_NONE, hf_run_add_items},
        [0x91] = {"FROZENSET", HF_FORM_NONE, hf_run_set},

        ['c'] = {"GLOBAL", HF_FORM_LINES, hf_run_global},
        [0x93] = {"STACK_GLOBAL", HF_FORM_NONE, hf_run_stack_global},
        ['R'] = {"REDUCE", HF_FORM_NONE, hf_run_reduce},
        [0x81] = {"NEWOBJ", HF_FORM_NONE, hf_run_new_object},
        [0x92] = {"NEWOBJ_EX", HF_FORM_NONE, hf_run_new_object_keywords},
        ['b'] = {"BUILD", HF_FORM_NONE, hf_run_build},
        ['Q'] = {"BINPERSID", HF_FORM_NONE, hf_run_persistent_id},

        ['p'] = {"PUT", HF_FORM_LINE, hf_run_put_decimal},
        ['q'] = {"BINPUT", HF_FORM_1, hf_run_put},
        ['r'] = {"LONG_BINPUT", HF_FORM_4, hf_run_put},
        [0x94] = {"MEMOIZE", HF_FORM_NONE, hf_run_memoize},
        ['g'] = {"GET", HF_FORM_LINE, hf_run_get_decimal},
        ['h'] = {"BINGET", HF_FORM_1, hf_run_get},
        ['j'] = {"LONG_BINGET", HF_FORM_4, hf_run_get},

        /* Refused. */
        ['F'] = {"FLOAT", HF_FORM_LINE, NULL},
        ['S'] = {"STRING", HF_FORM_LINE, NULL},
        ['V'] = {"UNICODE", HF_FORM_LINE, NULL},
        ['P'] = {"PERSID", HF_FORM_LINE, NULL},
        ['i'] = {"INST", HF_FORM_LINES, NULL},
        ['o'] = {"OBJ", HF_FORM_NONE, NULL},
        [0x82] = {"EXT1", HF_FORM_1, NULL},
        [0x83] = {"EXT2", HF_FORM_2, NULL},
        [0x84] = {"EXT4", HF_FORM_4, NULL},
        [0x97] = {"NEXT_BUFFER", HF_FORM_NONE, NULL},
        [0x98] = {"READONLY_BUFFER", HF_FORM_NONE, NULL},
};
