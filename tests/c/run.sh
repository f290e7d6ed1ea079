#!/bin/sh
# Compiles and runs every program of this directory, each a file or a directory of files, against the library in $1
# (as `make lib` leaves it): with gcc and clang, as C99 and as C++17, plain and with AddressSanitizer and
# UndefinedBehaviorSanitizer, and once under valgrind. What is missing on this machine is skipped and said; one C
# compiler is all it takes. With SEALWAX_ONCE set, each program runs once, under the sanitizers: for a library that
# differs from one already tested in what it computes with.
#
# usage: tests/c/run.sh <directory of libsealwax> [file to append skips to]
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=$(cd "$1" && pwd) || exit 2
skips=${2:-/dev/null}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Programs that look at their memory want to see it without the caches of the C library's allocator.
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0

warnings="-Wall -Wextra -Wpedantic -Werror"
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
passed=0
failed=0

skip() {
    echo "SKIPPED  $1"
    echo "$1" >>"$skips"
}

# attempt <what> <command...>
attempt() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED   $what"
        sed 's/^/    /' "$work/log"
    fi
}

echo 'int main(void) { return 0; }' >"$work/probe.c"

# can <compiler and flags...>: whether it makes a program that runs here
can() {
    "$@" "$work/probe.c" -o "$work/probe" >/dev/null 2>&1 && "$work/probe" >/dev/null 2>&1
}

programs="$here/*.c $here/*/"

# build_and_run <what> <program> <wrapper or ""> <compiler and flags...>
build_and_run() {
    what=$1
    sources=$2
    [ -d "$sources" ] && sources="$sources*.c"
    wrapper=$3
    shift 3
    program="$work/program"
    rm -f "$program"
    # shellcheck disable=SC2086 # flags are words
    "$@" $warnings -g -I"$root/include" $sources -o "$program" -L"$library" -lsealwax -Wl,-rpath,"$library" \
        -lpthread >"$work/log" 2>&1 || {
        failed=$((failed + 1))
        echo "FAILED   $what: does not compile"
        sed 's/^/    /' "$work/log"
        return
    }
    # shellcheck disable=SC2086
    attempt "$what" $wrapper "$program"
}

compilers=
for compiler in gcc clang; do
    if command -v "$compiler" >/dev/null 2>&1; then
        compilers="$compilers $compiler"
    else
        skip "C programs with $compiler: not installed"
    fi
done
if [ -z "$compilers" ]; then
    command -v cc >/dev/null 2>&1 || { echo "no C compiler" >&2; exit 2; }
    compilers=cc
fi
compilers=${compilers# }

# once <program>: with the first compiler
once() {
    # shellcheck disable=SC2086
    can "${compilers%% *}" $sanitizers || sanitizers=
    # shellcheck disable=SC2086
    build_and_run "$(basename "$1" .c)" "$1" "" "${compilers%% *}" -std=c99 -D_POSIX_C_SOURCE=200809L $sanitizers
}

if [ -n "${SEALWAX_ONCE:-}" ]; then
    SEALWAX_ROUNDS=20
    export SEALWAX_ROUNDS
    for source in $programs; do
        once "$source"
    done
    echo "C programs, each once: $passed passed, $failed failed"
    [ $failed -eq 0 ]
    exit
fi

for compiler in $compilers; do
    # The header alone, in every version of the languages that this compiler knows.
    for standard in c99 c11 c17 c2x c23 c++11 c++17 c++20 c++23; do
        case $standard in
            c++*) language=c++ ;;
            *) language=c ;;
        esac
        if "$compiler" -x "$language" "-std=$standard" -fsyntax-only "$work/probe.c" >/dev/null 2>&1; then
            # shellcheck disable=SC2086
            attempt "header, $compiler $standard" "$compiler" -x "$language" "-std=$standard" $warnings \
                -I"$root/include" -fsyntax-only "$here/header_alone.c"
        fi
    done

    case $compiler in
        gcc) cxx=g++ ;;
        clang) cxx=clang++ ;;
        *) cxx=c++ ;;
    esac
    cpp=yes
    can "$cxx" -x c++ -std=c++17 || cpp=no
    [ $cpp = yes ] || skip "C++ programs with $cxx: it cannot make one"
    sanitize=yes
    # shellcheck disable=SC2086
    can "$compiler" $sanitizers || sanitize=no
    [ $sanitize = yes ] || skip "AddressSanitizer and UndefinedBehaviorSanitizer with $compiler: no runtime"

    for source in $programs; do
        name=$(basename "$source" .c)
        # Programs that repeat themselves do so for long once, with the first compiler.
        SEALWAX_ROUNDS=20
        [ "$compiler" = "${compilers%% *}" ] && SEALWAX_ROUNDS=1000
        export SEALWAX_ROUNDS
        build_and_run "$name, $compiler C99" "$source" "" "$compiler" -std=c99 -D_POSIX_C_SOURCE=200809L
        if [ $sanitize = yes ]; then
            # shellcheck disable=SC2086
            build_and_run "$name, $compiler C99, sanitizers" "$source" "" \
                "$compiler" -std=c99 -D_POSIX_C_SOURCE=200809L $sanitizers
        fi
        [ $cpp = yes ] || continue
        SEALWAX_ROUNDS=20
        build_and_run "$name, $cxx C++17" "$source" "" "$cxx" -x c++ -std=c++17
        if [ $sanitize = yes ]; then
            # shellcheck disable=SC2086
            build_and_run "$name, $cxx C++17, sanitizers" "$source" "" \
                "$cxx" -x c++ -std=c++17 $sanitizers
        fi
    done
done

if command -v valgrind >/dev/null 2>&1; then
    compiler=${compilers%% *}
    SEALWAX_ROUNDS=5
    export SEALWAX_ROUNDS
    # Without a fair scheduler a thread that waits for others to stop may wait for a very long time.
    for source in $programs; do
        build_and_run "$(basename "$source" .c), valgrind" "$source" \
            "valgrind --quiet --fair-sched=try --leak-check=full --error-exitcode=9" \
            "$compiler" -std=c99 -D_POSIX_C_SOURCE=200809L
    done
else
    skip "C programs under valgrind: not installed"
fi

echo "C programs: $passed passed, $failed failed"
[ $failed -eq 0 ]
