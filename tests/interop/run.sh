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

python=$("$here/python.sh") || {
    echo
    echo "================================================================================"
    echo "SKIPPED: the interoperability tests. $python"
    echo "================================================================================"
    echo
    echo "interoperability tests: no Python package cryptography" >>"$skips"
    [ "${SEALWAX_STRICT:-0}" != 1 ]
    exit
}

if [ -z "${SEALWAX_LIBRARY:-}" ]; then
    (cd "$root" && cargo rustc --locked --release --lib --crate-type cdylib) || exit 1
    target=${CARGO_TARGET_DIR:-$root/target}
    for file in "$target/release/libsealwax.so" "$target/release/libsealwax.dylib"; do
        [ -f "$file" ] && SEALWAX_LIBRARY=$file
    done
fi
export SEALWAX_LIBRARY

PYTHONDONTWRITEBYTECODE=1 exec "$python" -W error -m unittest discover --start-directory "$here"
