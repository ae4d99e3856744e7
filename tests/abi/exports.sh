#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: exports.sh SANITIZER [plugin FILE LIBRARIES|backend FILE|library FILE]...
#
# Looks at the dynamic symbols and dependencies of what was built: a plugin exports
# ckpt_plugin_entry alone and needs nothing but libc and LIBRARIES (file names between spaces, or
# nothing), a backend exports ckpt_backend_entry alone, the library exports ckpt_* alone. A
# sanitizer brings symbols and libraries of its own, so there the dependencies are not judged.
set -u

sanitizer=$1
shift
n=0

report() { # condition's exit status, title, explanation
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        printf '%s\n' "$3" | sed 's/^/# /'
    fi
}

# Names that the file defines for others, one a line.
exports() {
    nm -D --defined-only "$1" | awk '{ sub(/@.*/, "", $NF); if ($(NF - 1) != "A") print $NF }' | sort -u
}

needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

only_symbol() { # kind, file, symbol
    got=$(exports "$2")
    test "$got" = "$3"
    report $? "$1 $(basename "$2") exports $3 alone" "it exports: $got"
}

only_needs() { # file, libraries beside libc
    title="plugin $(basename "$1") needs libc${2:+ and $2} alone"
    if [ "$sanitizer" != none ]; then
        n=$((n + 1))
        echo "ok $n - $title # SKIP built with a sanitizer"
        return
    fi
    got=$(needed "$1" | grep -v -e '^libc\.so\.6$' -e '^ld-linux')
    for library in $2; do
        got=$(printf '%s\n' "$got" | grep -v -x -F "$library")
    done
    test -z "$got"
    report $? "$title" "it needs: $got"
}

while [ $# -ge 2 ]; do
    case $1 in
    plugin)
        only_symbol plugin "$2" ckpt_plugin_entry
        only_needs "$2" "$3"
        shift
        ;;
    backend)
        only_symbol backend "$2" ckpt_backend_entry
        ;;
    library)
        got=$(exports "$2" | grep -v '^ckpt_')
        test -z "$got"
        report $? "$(basename "$2") exports ckpt_* alone" "it also exports: $got"
        ;;
    esac
    shift 2
done

echo "1..$n"
