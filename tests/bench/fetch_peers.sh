#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the loaders that bench_device.py compares with, as wheels for Linux on x86-64 and CPython 3.12 (or
# the version given), to be carried to a machine that can fetch nothing. What they need beside torch, humanize
# and typer, has to be there.
#
#     tests/bench/fetch_peers.sh DIR [PYTHON_VERSION]
#
# Beside the wheels, in DIR/lib, come shared libraries that they open at run time and a bare machine may lack.
# Printed: sizes, and what each shared object needs beyond the C and C++ run time.

set -euo pipefail

wheels=(instanttensor==0.2.2 fastsafetensors==0.5.0 runai-model-streamer==0.17.0 xxhash==4.1.0)
# pip compares tags as they stand: each has to be named.
platforms=(manylinux2014_x86_64 manylinux_2_{17,24,27,28,30,31,34,35}_x86_64)
# Opened by name: fastsafetensors binds its threads to the device's memory node if it finds it.
libraries=(libnuma.so.1)
# What the process of a Python with torch has anyway.
run_time='lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so\.[0-9]+|ld-linux-x86-64\.so\.2'

[ $# -ge 1 ] || {
    echo "usage: $0 DIR [PYTHON_VERSION]" >&2
    exit 2
}
folder=$1
version=${2:-3.12}
python=$(command -v python3)
mkdir -p "$folder/lib"

"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version "$version" --implementation cp "${platforms[@]/#/--platform=}" \
    -d "$folder" "${wheels[@]}"

for library in "${libraries[@]}"; do
    path=$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ { print $NF; exit }')
    if [ -n "$path" ]; then
        install -m 755 "$path" "$folder/lib/$library"
    else
        echo "$0: $library is not on this machine; its user does without" >&2
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for wheel in "$folder"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$work/${wheel##*/}"
done
find "$work" "$folder/lib" -name '*.so*' -type f | while read -r object; do
    needed=$(readelf -d "$object" | awk -F '[][]' '/NEEDED/ { print $2 }' |
        grep -v -x -E "$run_time" | xargs || true)
    echo "${object##*/}: needs ${needed:-nothing more}"
done
du -ch --apparent-size "$folder"/*.whl "$folder"/lib/*
