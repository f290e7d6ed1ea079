#!/bin/sh
# Looks through the memory of a process that uses the library which SEALWAX_LIBRARY names: for keys and plaintexts that
# must be gone. Needs Linux, whose /proc shows the memory of a child; a C compiler; and the Python package cryptography,
# for the other implementation of the protocol (tests/interop), which knows the keys. What is missing is said, and with
# SEALWAX_STRICT=1 it fails.
#
# usage: SEALWAX_LIBRARY=... tests/memory/run.sh [file to append skips to]
set -u

here=$(cd "$(dirname "$0")" && pwd)
skips=${1:-/dev/null}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
    echo
    echo "================================================================================"
    echo "SKIPPED: the search of memory. $1"
    echo "================================================================================"
    echo
    echo "search of memory for keys and plaintexts: $2" >>"$skips"
    [ "${SEALWAX_STRICT:-0}" != 1 ]
    exit
}

[ "$(uname -s)" = Linux ] || skip "It needs Linux." "not Linux"
[ "$(getconf LONG_BIT)" = 64 ] || skip "It needs 64 bits." "not 64 bits"
[ -r /proc/self/mem ] || skip "There is no /proc/self/mem." "no /proc"
python=$("$here/../interop/python.sh") || skip "$python" "no Python package cryptography"
SEALWAX_SUBJECT="$work/subject"
# -rdynamic: its allocator and its getrandom take the place of the C library's for the library, too.
${CC:-cc} -std=gnu99 -Wall -Wextra -Werror -O1 -g "$here/subject.c" -o "$SEALWAX_SUBJECT" -rdynamic -ldl -lpthread ||
    exit 1
"$python" -c 'import subprocess
with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
    open(f"/proc/{child.pid}/mem", "rb").close()' 2>/dev/null ||
    skip "The memory of a child cannot be read." "no right to read the memory of a child"

export SEALWAX_SUBJECT PYTHONPATH="$here/../interop" PYTHONDONTWRITEBYTECODE=1
"$python" -W error -m unittest discover --start-directory "$here"
