#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: torch_traced.sh SANITIZER CKPT_HOST PLUGIN_DIR WRITE_TORCH CONFIG
#
# Shows torch files with a payload to `ckpt-host inspect` under strace: it starts no process, opens no
# socket, opens nothing but itself, its libraries, its plugins and the checkpoint, writes nothing,
# and what the payload would have made is not there. Skipped where nothing can be traced.
set -u

sanitizer=$1 host=$2 plugins=$3 write_torch=$4 config=$5

skip() { # why
    echo "1..0 # SKIP $1"
    exit 0
}

[ "$sanitizer" = none ] || skip "a sanitizer opens files of its own"
command -v strace >/dev/null 2>&1 || skip "there is no strace"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
strace -f -o "$tmp/trace" true 2>/dev/null || skip "tracing is not permitted"

ckpt=$tmp/checkpoint marker=$tmp/marker n=0
mkdir "$ckpt" && cp "$config" "$ckpt/config.json" || exit 1

report() { # status, title, explanation
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        printf '%s\n' "$3" | head -n 20 | sed 's/^/# /'
    fi
}

traced() { # COMMAND...
    rm -f "$tmp/trace" "$marker"
    LD_LIBRARY_PATH='' strace -f -y -o "$tmp/trace" -e trace=%process,%network,%file "$@" \
        >"$tmp/out" 2>"$tmp/err"
}

# Processes beyond the first; threads are none.
processes() {
    grep -E '(execve|execveat|fork|vfork|clone|clone3)\(' "$tmp/trace" | grep -v CLONE_THREAD | tail -n +2
}

sockets() { grep -E ' (socket|socketpair|connect|bind|sendto|sendmsg)\(' "$tmp/trace"; }

writes() {
    grep -E -e 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC' \
        -e ' (creat|unlink|rename|mkdir|rmdir|link|symlink|truncate|chmod|chown|mknod)(at)?2?\(' \
        "$tmp/trace" | grep -v ' = -1 '
}

# What was opened, by the path that the kernel gives, and is none of what may be.
strangers() {
    sed -n 's/.* \(open\|openat\|openat2\)\((\| resumed>\).* = [0-9]*<\(.*\)>$/\3/p' "$tmp/trace" | sort -u |
        grep -v -x -F -e "$ckpt" -e "$plugins" -e /etc/ld.so.cache -e /dev/urandom |
        grep -v -e "^$ckpt/" -e "^$plugins/[^/]*\.so$" -e '/lib[^/]*\.so[.0-9]*$' \
            -e '^/proc/self/' -e '^/proc/[0-9]*/' -e '^/sys/devices/system/cpu'
}

check() { # title, what must be printed
    got=$(cat "$tmp/out" "$tmp/err")
    test "${got#*"$2"}" != "$got"
    report $? "$1: it says $2" "$got"
    for what in processes sockets writes strangers; do
        got=$($what)
        test -z "$got"
        report $? "$1: no $what" "$got"
    done
    test ! -e "$marker"
    report $? "$1: the payload did nothing" "$marker is there"
}

# What is looked for would be seen: a shell that does what the payload would.
traced sh -c ": >'$marker'; cat '$config'" || true
test -n "$(processes)" && test -n "$(writes)" && test -n "$(strangers)" && test -e "$marker"
report $? "the trace shows processes, writes and strangers" "$(cat "$tmp/trace")"

rebuild=@torch._utils:_rebuild_tensor_v2
tensor="'some.weight' $rebuild ( <Float:0:6> 0 ( 6 t ( 1 t NEWFALSE @collections:OrderedDict ) R t R"
for container in zip legacy; do
    for payload in "@os:system 'touch $marker' TUPLE1 R" "@posix:system 'touch $marker' TUPLE1 R" \
        "'os' 'system' STACK_GLOBAL 'touch $marker' TUPLE1 R" \
        "@builtins:exec 'open(\"$marker\",\"w\")' TUPLE1 R" \
        "@subprocess:Popen ( ] ( 'touch' '$marker' e t R"; do
        "$write_torch" $container "$ckpt/pytorch_model.bin" \
            "#8004 } ( $tensor 'x' $payload u ." "0=6*4" || exit 1
        name=${payload%% \'*}
        traced "$host" --plugin-dir "$plugins" inspect "$ckpt"
        test $? -ne 0
        report $? "$container, $name: inspect fails" "it did not"
        case $payload in
        *exec*) word=builtins.exec ;;
        *Popen*) word=subprocess.Popen ;;
        *posix*) word=posix.system ;;
        *) word=os.system ;;
        esac
        check "$container, $name" "$word"
        traced "$host" --plugin-dir "$plugins" --set weights.pickle_policy=opaque inspect "$ckpt"
        report $? "$container, $name, opaque: inspect reads it" "$(cat "$tmp/err")"
        check "$container, $name, opaque" some.weight
    done
done

echo "1..$n"
