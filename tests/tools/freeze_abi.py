#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints tests/abi/freeze.c: the layout of every struct of the SDK as assertions.

Run by hand, before a release, from the root: tests/tools/freeze_abi.py >tests/abi/freeze.c
After a release its lines only grow: a line that changes is a broken ABI, not a stale file.
"""

import re
import subprocess
import tempfile
from pathlib import Path

SDK = Path('sdk')

HEAD = '''/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The frozen boundary: sizes, offsets and values that plugins and embedders were built with
 *
 * Made by tests/tools/freeze_abi.py. Lines are added; none is ever changed or taken out, but for the
 * sizes of structs that grew. Sizes and offsets are those of machines with 64-bit pointers.
 */

#include <ckpt/ckpt.h>

#define SAME(a, b) (UINTPTR_MAX != UINT64_MAX || (a) == (b))
#define SIZE(type, size) _Static_assert(SAME(sizeof(type), size), "the size of " #type)
#define AT(type, member, offset) _Static_assert(SAME(offsetof(type, member), offset), #type "." #member)
#define VALUE(name, value) _Static_assert((name) == (value), #name)
'''


def structs():
    """Names of the SDK's structs with a body, in order of the headers."""
    names = []
    for header in sorted(SDK.glob('ckpt/*.h')):
        names += re.findall(r'^(?:typedef )?struct (ckpt_\w+) \{', header.read_text(), re.M)
    return names


def layouts(names):
    with tempfile.NamedTemporaryFile('w', suffix='.c') as probe:
        probe.write('#include <ckpt/ckpt.h>\n')
        probe.writelines(f'unsigned s_{n} = sizeof(struct {n});\n' for n in names)
        probe.flush()
        dump = subprocess.run(['clang', '-std=c11', f'-I{SDK}', '-Xclang', '-fdump-record-layouts', '-fsyntax-only',
                               probe.name], check=True, capture_output=True, text=True).stdout
    for block in dump.split('*** Dumping AST Record Layout')[1:]:
        name = re.search(r'^ +0 \| struct (ckpt_\w+)$', block, re.M)
        if not name:
            continue
        members = re.findall(r'^ +(\d+) \|   (?! ).*?(\w+)$', block, re.M)
        yield name.group(1), members, re.search(r'sizeof=(\d+)', block).group(1)


def values():
    for header in sorted(SDK.glob('ckpt/*.h')):
        yield header.name, re.findall(r'^ +(CKPT_\w+) = (-?(?:0x)?[0-9a-fA-F]+)\b', header.read_text(), re.M)


def main():
    print(HEAD)
    names = structs()
    found = {name: (members, size) for name, members, size in layouts(names)}
    for name in names:
        members, size = found[name]
        print(f'SIZE(struct {name}, {size});')
        for offset, member in members:
            print(f'AT(struct {name}, {member}, {offset});')
        print()
    for header, constants in values():
        if constants:
            print(f'/* ckpt/{header} */')
            for name, value in constants:
                print(f'VALUE({name}, {value});')
            print()


if __name__ == '__main__':
    main()
