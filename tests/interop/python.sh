#!/bin/sh
# Prints a Python that has the cryptography package, which pip fetches into build/interop where it is missing. Where it
# cannot be had, says so and fails.
#
# usage: tests/interop/python.sh
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
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
        if ! python3 -c "$probe" >/dev/null 2>&1; then
            echo "There is no Python package $needed:"
            sed 's/^/    /' "$log" | tail -n 5
            exit 1
        fi
        python=python3
    fi
fi
echo "$python"
