#!/bin/sh
# Builds wheel and sdist as a user does, installs them into virtual environments of their own and runs the tests
# against what was installed; checks the types with mypy. Needs venv and a package index that pip can reach.
#
# usage: bindings/python/tests/wheel.sh [file to append skips to]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
package=$(dirname "$here")
root=$(cd "$package/../.." && pwd)
skips=${1:-/dev/null}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The library is the one that is installed, and pip does as it does for everybody.
unset SEALWAX_LIBRARY PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1
# Dependencies are compiled once; cargo tells the copies of the crate apart by their place.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"

skip() {
    echo "SKIPPED  $1"
    echo "$1" >>"$skips"
    exit 0
}

fail() {
    echo "FAILED   $1"
    exit 1
}

# check_installed <directory of a virtual environment>
check_installed() {
    # Elsewhere, so that the package of the source tree is not in sight.
    cd "$work"
    "$1/bin/python" - "$1" <<'PROGRAM' || fail "the package is not the one that was installed"
import pathlib, sys
import sealwax
import sealwax.chat.__main__
import sealwax.relay.server
from sealwax import _load
home = pathlib.Path(sys.argv[1]).resolve()
package = pathlib.Path(sealwax.__file__).resolve().parent
assert home in package.parents, package
assert pathlib.Path(_load.lib._name).parent == package, _load.lib._name
for name in ("py.typed", "LICENSE-MIT", "LICENSE-APACHE", "NOTICE"):
    assert (package / name).is_file(), name
PROGRAM
    "$1/bin/python" -W error -m unittest discover -s "$here"
}

"$python" -m venv "$work/tools" >"$work/log" 2>&1 ||
    skip "Python wheel, sdist and types: $python cannot make virtual environments (package python3-venv)"
"$work/tools/bin/pip" install -q "setuptools>=77" mypy "websockets>=15.0.1,<18" uvloop >"$work/log" 2>&1 ||
    skip "Python wheel, sdist and types: pip reaches no package index"

command -v openssl >/dev/null 2>&1 || {
    echo "SKIPPED  the relay over TLS: there is no openssl command to make a certificate with"
    echo "the relay over TLS: no openssl command" >>"$skips"
}

echo "-- types"
cd "$package"
"$work/tools/bin/mypy" --cache-dir "$work/mypy" --strict sealwax || fail "the types of the package"
MYPYPATH=.:examples "$work/tools/bin/mypy" --cache-dir "$work/mypy" --strict tests || fail "the types of the tests"

echo "-- wheel"
"$work/tools/bin/pip" wheel -q --no-deps -w "$work/dist" "$package" || fail "the wheel does not build"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
wheel=$(echo "$work/dist/sealwax-$version"-py3-none-*.whl)
[ -f "$wheel" ] || fail "the wheel has another name: $(ls "$work/dist")"
echo "$(basename "$wheel"), $(wc -c <"$wheel") bytes"
"$python" -m venv "$work/wheel"
"$work/wheel/bin/pip" install -q "$wheel[aio,relay]" numpy
check_installed "$work/wheel"

echo "-- sdist"
cd "$package"
"$work/tools/bin/python" -c "import setuptools.build_meta as backend, sys; backend.build_sdist(sys.argv[1])" \
    "$work/sdist" >"$work/log" 2>&1 || { cat "$work/log"; fail "the sdist does not build"; }
"$python" -m venv "$work/source"
"$work/source/bin/pip" install -q "$work/sdist/sealwax-$version.tar.gz[aio,relay]" || fail "the sdist does not install"
check_installed "$work/source"
