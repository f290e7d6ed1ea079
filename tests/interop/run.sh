#!/bin/sh
# An implementation of docs/PROTOCOL.md of its own, in Python with the cryptography package alone, against the vectors
# and against the library. SEALWAX_LIBRARY names the library; without it, it is built. Without the cryptography
# package, which pip fetches into build/interop, nothing is compared: that is said, and with SEALWAX_STRICT=1 it fails.
#
# usage: tests/interop/run.sh [file to append skips to]
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
skips=${1:-/dev/null}
venv="$root/build/interop"
# 43 is the first release with deterministic ECDSA, which the vectors need.
needed='cryptography>=43'
probe='import sys, cryptography; sys.exit(int(cryptography.__version__.split(".")[0]) < 43)'

python="$venv/bin/python"
if ! "$python" -c "$probe" >/dev/null 2>&1; then
    mkdir -p "$root/build"
    log="$root/build/interop.log"
    if ! { python3 -m venv --clear "$venv" && "$python" -m pip install --quiet --disable-pip-version-check "$needed"; } \
        >"$log" 2>&1; then
        if python3 -c "$probe" >/dev/null 2>&1; then
            python=python3
        else
            echo
            echo "================================================================================"
            echo "SKIPPED: the interoperability tests. There is no Python package $needed:"
            sed 's/^/    /' "$log" | tail -n 5
            echo "================================================================================"
            echo
            echo "interoperability tests: no Python package $needed" >>"$skips"
            [ "${SEALWAX_STRICT:-0}" != 1 ]
            exit
        fi
    fi
fi

if [ -z "${SEALWAX_LIBRARY:-}" ]; then
    (cd "$root" && cargo rustc --locked --release --lib --crate-type cdylib) || exit 1
    target=${CARGO_TARGET_DIR:-$root/target}
    for file in "$target/release/libsealwax.so" "$target/release/libsealwax.dylib"; do
        [ -f "$file" ] && SEALWAX_LIBRARY=$file
    done
fi
export SEALWAX_LIBRARY

PYTHONDONTWRITEBYTECODE=1 exec "$python" -W error -m unittest discover --start-directory "$here"
