#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: guide.sh SOURCE_ROOT BUILD_ROOT SANITIZER CC
#
# docs/writing-a-plugin.md, done as it says. In its Markdown, comments before a code block tell
# what the block is:
#
#   <!-- file: NAME -->            a file; one in C must compile without any warning
#   <!-- run -->                   commands that succeed, in one shell with those before
#   <!-- run says: WORDS -->       and print these words; <!-- says: WORDS --> more of them
#   <!-- run fails: WORDS -->      commands that fail with these words
#
# It works on what was built, installed into a scratch directory.
set -u

source=$1 build=$2 sanitizer=$3
shift 3
umask 022
guide=$source/docs/writing-a-plugin.md
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
blocks=$tmp/blocks work=$tmp/work
mkdir "$blocks" "$work" "$tmp/bin"
n=0

report() { # status, title, file with an explanation
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
        return
    fi
    echo "not ok $n - $2"
    sed 's/^/# /' "$3" | head -n 40
}

# Block N becomes N.text, its comments N.mark.
extract() {
    awk -v out="$blocks/" '
        function name() { return out sprintf("%03d", n) }
        /^<!-- (file|run|says)/ && !inside { marks = marks $0 "\n"; next }
        /^```/ && inside { inside = 0; close(name() ".text"); next }
        /^```/ && marks != "" {
            n++; inside = 1
            printf "%s", marks > (name() ".mark"); close(name() ".mark"); marks = ""
            printf "" > (name() ".text"); next
        }
        inside { print > (name() ".text") }' "$guide"
}

mark() { # what, block: the words after "what:", one line each
    sed -n "s/^<!-- \(run \)\{0,1\}$1: \(.*\) -->\$/\2/p" "$blocks/$2.mark"
}

do_file() { # block, name
    cp "$blocks/$1.text" "$work/$2"
    case $2 in
    *.c) cc -std=c11 -Wall -Wextra -Werror -pedantic -fPIC -I"$source/sdk" -c -o /dev/null "$work/$2" >"$tmp/out" 2>&1 ;;
    *) : >"$tmp/out" ;;
    esac
    report $? "$2 of the guide" "$tmp/out"
}

# Blocks share the directory and the variables that they export.
do_run() { # block
    title=$(head -n 1 "$blocks/$1.text")
    (
        cd "$work" || exit 1
        [ -f ../variables ] && . ../variables
        set -e
        . "$blocks/$1.text"
        export -p >../variables
    ) >"$tmp/out" 2>&1
    status=$?
    grep -q '^<!-- run fails' "$blocks/$1.mark" && status=$((status == 0))
    { mark says "$1"; mark fails "$1"; } >"$tmp/words"
    while IFS= read -r words; do
        grep -qF -e "$words" "$tmp/out" && continue
        echo "it does not say: $words" >>"$tmp/out"
        status=1
    done <"$tmp/words"
    report "$status" "the guide's commands: $title" "$tmp/out"
}

# The guide says cc. It gets the build's own compiler, and what is linked to a library with a
# sanitizer needs the same.
printf '#!/bin/sh\nPATH="%s" exec %s %s "$@"\n' "$PATH" "$*" \
    "$([ "$sanitizer" = none ] || echo "-fsanitize=$sanitizer")" >"$tmp/bin/cc"
chmod +x "$tmp/bin/cc"

if ! DESTDIR=$tmp/root meson install -C "$build" --no-rebuild >"$tmp/out" 2>&1; then
    report 1 "installing for the guide" "$tmp/out"
    echo "1..$n"
    exit
fi
pkgconfig=$(dirname "$(find "$tmp/root" -name ckpt-sdk.pc)")
library=$(dirname "$pkgconfig")
host=$(find "$tmp/root" -name ckpt-host -type f)
export PKG_CONFIG_PATH="$pkgconfig" PKG_CONFIG_SYSROOT_DIR="$tmp/root" LD_LIBRARY_PATH="$library"
export PATH="$tmp/bin:$(dirname "$host"):$PATH" CKPT="$source" CKPT_PLUGIN_PATH="$library/ckpt/plugins"

extract
for mark in "$blocks"/*.mark; do
    block=$(basename "$mark" .mark)
    file=$(mark file "$block")
    if [ -n "$file" ]; then
        do_file "$block" "$file"
    else
        do_run "$block"
    fi
done

[ "$n" -ge 10 ]
report $? "the guide has its files and commands" /dev/null
echo "1..$n"
