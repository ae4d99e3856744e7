# SPDX-License-Identifier: Apache-2.0
#
# Shell functions that quickstart and test share. Source it with the repository as the current
# directory. It installs Debian packages that are missing and never touches CUDA: nvcc is used
# where it is, or the build goes without.

umask 022 # plugin directories that others can write are refused

say() { printf '%s\n' "$*"; }
heading() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# nvcc is often installed beside PATH.
if ! have nvcc && [ -x /usr/local/cuda/bin/nvcc ]; then
    PATH=$PATH:/usr/local/cuda/bin
    export PATH
fi

# meson asks dpkg-dev where libraries are installed here.
BUILD_PACKAGES="gcc libc6-dev dpkg-dev meson ninja-build pkg-config libjansson-dev libxxhash-dev libpcre2-dev zlib1g-dev liburing-dev"
TEST_PACKAGES="check g++ binutils util-linux strace clang clang-format"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "needs root to run: $* (there is no sudo here)"
    fi
}

is_installed() { dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

missing_packages() { # PACKAGE...
    for package in "$@"; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

run_logged() { # LOG COMMAND...: quiet when it works, the log's end when it does not
    log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 && return 0
    say "failed: $*" >&2
    tail -n 60 "$log" >&2
    return 1
}

APT_UPDATED=
install_packages() { # PACKAGE...
    wanted=$(missing_packages "$@")
    [ -n "$wanted" ] || return 0
    say "installing: $wanted"
    log=${TMPDIR:-/tmp}/ckpt-apt.$$.log
    # A noninteractive apt asks nothing; a stale list would name packages that are gone.
    if [ -z "$APT_UPDATED" ]; then
        run_logged "$log" as_root apt-get update || die "apt-get update failed"
        APT_UPDATED=yes
    fi
    # shellcheck disable=SC2086
    run_logged "$log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $wanted || die "could not install: $wanted"
    rm -f "$log"
}

# Without apt the tools must be there already; meson names the libraries it misses.
need_tools() { # COMMAND...
    for tool in "$@"; do
        have "$tool" || die "$tool is missing, and there is no apt-get here to install it with"
    done
}

install_build_tools() {
    if have apt-get; then
        # shellcheck disable=SC2086
        install_packages $BUILD_PACKAGES
    else
        need_tools cc meson ninja pkg-config
    fi
}

# clang's sanitizer run time is a package of its own, named after clang's version.
install_test_tools() {
    if have apt-get; then
        # shellcheck disable=SC2086
        install_packages $BUILD_PACKAGES $TEST_PACKAGES
        version=$(clang -dumpversion | cut -d. -f1)
        install_packages "libclang-rt-$version-dev"
    else
        need_tools cc c++ meson ninja pkg-config clang nm readelf
    fi
}

# Makes a build directory ready; one that this meson or this place cannot use is made anew.
configure() { # DIRECTORY MESON_OPTION...
    dir=$1
    shift
    if [ -f "$dir/build.ninja" ] &&
        meson setup --reconfigure "$@" "$dir" . >"$dir/configure.log" 2>&1; then
        return 0
    fi
    mkdir -p "$dir"
    if [ -f "$dir/meson-private/coredata.dat" ]; then
        meson setup --wipe "$@" "$dir" . >"$dir.configure.log" 2>&1 && rm -f "$dir.configure.log" && return 0
        rm -rf "$dir"
        mkdir -p "$dir"
    fi
    log=$dir.configure.log
    if ! meson setup "$@" "$dir" . >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "meson setup $dir failed"
    fi
    mv "$log" "$dir/configure.log"
}

compile() { # DIRECTORY
    ninja -C "$1" >"$1/compile.log" 2>&1 && return 0
    # What went wrong, without the lines about what went well.
    grep -v '^\[[0-9]*/[0-9]*\]' "$1/compile.log" | head -n 80 >&2
    return 1
}

# meson's own summary, and nothing else of its output.
print_summary() { # DIRECTORY
    sed -n '/^  What is built/,/^$/p' "$1/configure.log"
}
