/* SPDX-License-Identifier: Apache-2.0 */
/* Every opcode of the protocols 0 to 5, as Python's pickletools names them. */
#include "pickle_writer.h"

#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name;
        unsigned char byte;
} opcodes[] = {
        {"INT", 'I'},
        {"BININT", 'J'},
        {"BININT1", 'K'},
        {"BININT2", 'M'},
        {"LONG", 'L'},
        {"LONG1", 0x8A},
        {"LONG4", 0x8B},
        {"STRING", 'S'},
        {"BINSTRING", 'T'},
        {"SHORT_BINSTRING", 'U'},
        {"BINBYTES", 'B'},
        {"SHORT_BINBYTES", 'C'},
        {"BINBYTES8", 0x8E},
        {"BYTEARRAY8", 0x96},
        {"NEXT_BUFFER", 0x97},
        {"READONLY_BUFFER", 0x98},
        {"NONE", 'N'},
        {"NEWTRUE", 0x88},
        {"NEWFALSE", 0x89},
        {"UNICODE", 'V'},
        {"SHORT_BINUNICODE", 0x8C},
        {"BINUNICODE", 'X'},
        {"BINUNICODE8", 0x8D},
        {"FLOAT", 'F'},
        {"BINFLOAT", 'G'},
        {"EMPTY_LIST", ']'},
        {"APPEND", 'a'},
        {"APPENDS", 'e'},
        {"LIST", 'l'},
        {"EMPTY_TUPLE", ')'},
        {"TUPLE", 't'},
        {"TUPLE1", 0x85},
        {"TUPLE2", 0x86},
        {"TUPLE3", 0x87},
        {"EMPTY_DICT", '}'},
        {"DICT", 'd'},
        {"SETITEM", 's'},
        {"SETITEMS", 'u'},
        {"EMPTY_SET", 0x8F},
        {"ADDITEMS", 0x90},
        {"FROZENSET", 0x91},
        {"POP", '0'},
        {"DUP", '2'},
        {"MARK", '('},
        {"POP_MARK", '1'},
        {"GET", 'g'},
        {"BINGET", 'h'},
        {"LONG_BINGET", 'j'},
        {"PUT", 'p'},
        {"BINPUT", 'q'},
        {"LONG_BINPUT", 'r'},
        {"MEMOIZE", 0x94},
        {"EXT1", 0x82},
        {"EXT2", 0x83},
        {"EXT4", 0x84},
        {"GLOBAL", 'c'},
        {"STACK_GLOBAL", 0x93},
        {"REDUCE", 'R'},
        {"BUILD", 'b'},
        {"INST", 'i'},
        {"OBJ", 'o'},
        {"NEWOBJ", 0x81},
        {"NEWOBJ_EX", 0x92},
        {"PROTO", 0x80},
        {"STOP", '.'},
        {"FRAME", 0x95},
        {"PERSID", 'P'},
        {"BINPERSID", 'Q'},
};

int pickle_opcode(const char *name)
{
        for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++)
                if (strcmp(opcodes[i].name, name) == 0)
                        return opcodes[i].byte;
        return -1;
}

const char *pickle_opcode_name(int byte)
{
        for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++)
                if (opcodes[i].byte == byte)
                        return opcodes[i].name;
        return NULL;
}
