#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: headers.sh SDK_DIR CXX CC HEADER...
#
# Every public header compiles on its own, in each language an embedder may use, without a
# single warning. CXX may be empty; CC may be several words.
set -u

sdk=$1 cxx=$2 cc=$3
shift 3

strict="-pedantic -Wall -Wextra -Werror -fsyntax-only -I$sdk"
n=0

try() { # title, header, compiler and arguments
    title=$1 header=$2
    shift 2
    n=$((n + 1))
    if out=$(printf '#include <ckpt/%s>\n' "$header" | "$@" $strict - 2>&1); then
        echo "ok $n - ckpt/$header as $title"
    else
        echo "not ok $n - ckpt/$header as $title"
        printf '%s\n' "$out" | sed 's/^/# /' | head -40
    fi
}

for header in "$@"; do
    # shellcheck disable=SC2086
    try C11 "$header" $cc -std=c11 -x c
    # shellcheck disable=SC2086
    try C17 "$header" $cc -std=c17 -x c
    if [ -n "$cxx" ]; then
        try C++17 "$header" "$cxx" -std=c++17 -x c++
    else
        n=$((n + 1))
        echo "ok $n - ckpt/$header as C++17 # SKIP no C++ compiler"
    fi
done

echo "1..$n"
