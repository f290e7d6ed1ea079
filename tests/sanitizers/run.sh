#!/bin/sh
# Builds the library itself for ThreadSanitizer and runs the C programs against it. docs/TESTING.md says what of it is
# instrumented. Stable Rust, clang and Python 3 are enough.
#
#   tests/sanitizers/run.sh thread     all programs of tests/c
#   tests/sanitizers/run.sh prove      breaks the order of the library's own atomic operations, one at a time: each has to
#                                      be reported
set -eu
cd "$(dirname "$0")/../.."

here=$PWD/tests/sanitizers
work=$PWD/build/sanitizers
sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')
mode=$1
sanitizer=thread

case $host in
x86_64-*-linux-gnu) ;;
*)
    echo "SKIPPED  the library under ThreadSanitizer: this is for x86-64 Linux, not $host"
    exit 0
    ;;
esac
runtime=$(find "$sysroot/lib/rustlib/$host/lib" -name "librustc-*_rt.tsan.a")
mkdir -p "$work"

# library <sources> <where to put it>
library() {
    python3 "$here/std.py" rustc "$work/sysroot"
    clang -O1 -g -fPIC -c "$here/fences.c" -o "$work/fences.o"
    wrapped="-Wl,--wrap=__tsan_atomic32_fetch_sub,--wrap=__tsan_atomic64_fetch_sub,--wrap=__tsan_atomic_thread_fence"
    built=$work/$sanitizer/$host/debug
    # Every folder's build leaves it at the same path, and cargo takes any for fresh.
    rm -f "$built/libsealwax.so" "$built/deps/libsealwax.so"
    SANITIZER=$sanitizer SYSROOT=$work/sysroot RUSTC_WRAPPER=$here/rustc.sh \
        TARGET_CC=clang AWS_LC_SYS_CFLAGS="-fsanitize=$sanitizer -fno-asynchronous-unwind-tables" \
        TARGET_CFLAGS="-fsanitize=$sanitizer -fno-asynchronous-unwind-tables" CARGO_INCREMENTAL=0 \
        cargo rustc --quiet --locked --manifest-path "$1/Cargo.toml" --lib --crate-type cdylib --target "$host" \
        --target-dir "$work/$sanitizer" -- "-Clink-arg=$work/fences.o" "-Clink-arg=$wrapped"
    mkdir -p "$2"
    cp "$built/libsealwax.so" "$2/libsealwax.so"
    ln -sf libsealwax.so "$2/$(objdump -p "$2/libsealwax.so" | sed -n 's/^ *SONAME *//p')"
}

# program <sources> <library> <out>: the runtime is the compiler's own, for both languages.
program() {
    # shellcheck disable=SC2086
    clang -std=c99 -D_POSIX_C_SOURCE=200809L -g -O1 -Iinclude "-fsanitize=$sanitizer" -fno-sanitize-link-runtime $1 -o "$3" \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -Wl,--export-dynamic -L"$2" -lsealwax -Wl,-rpath,"$2" \
        -lpthread -ldl -lm -lrt
}

export TSAN_OPTIONS="halt_on_error=0 exitcode=66 history_size=4"
SEALWAX_ROUNDS=${SEALWAX_ROUNDS:-100}
export SEALWAX_ROUNDS

# run <library>: every program; how many failed is its status
run() {
    failed=0
    for sources in tests/c/*.c tests/c/*/; do
        name=$(basename "$sources" .c)
        [ -d "$sources" ] && sources="$sources*.c"
        program "$sources" "$1" "$work/program"
        if timeout 900 "$work/program" >"$work/$name.log" 2>&1; then
            echo "passed  $name ($(tail -n 1 "$work/$name.log"))"
        else
            failed=$((failed + 1))
            echo "FAILED  $name: $work/$name.log"
            grep -h SUMMARY "$work/$name.log" | sort | uniq -c || tail -n 5 "$work/$name.log"
        fi
    done
    return $failed
}

# The sanitizer says what is wrong, or all that follows proves nothing.
listens() {
    clang -g "-fsanitize=thread" -fno-sanitize-link-runtime "$here/race.c" -o "$work/race" -Wl,--whole-archive "$runtime" \
        -Wl,--no-whole-archive -lpthread -ldl -lm -lrt
    if "$work/race" >"$work/race.log" 2>&1; then
        echo "FAILED  a race was not reported"
        exit 1
    fi
}

# mutant <file> <line that sed changes>
mutant() {
    rm -rf "$work/mutant"
    mkdir -p "$work/mutant"
    cp -r src .cargo Cargo.toml Cargo.lock build.rs cbindgen.toml include tests fuzz "$work/mutant/"
    sed -i "$2" "$work/mutant/$1"
    if cmp -s "$1" "$work/mutant/$1"; then
        echo "FAILED  $1 has no such line: $2"
        exit 1
    fi
    library "$work/mutant" "$work/lib-mutant"
    reported=
    for sources in tests/c/handles.c tests/c/town.c "tests/c/misuse/*.c"; do
        program "$sources" "$work/lib-mutant" "$work/program"
        if ! timeout 900 "$work/program" >"$work/mutant.log" 2>&1 && grep -q "data race" "$work/mutant.log"; then
            reported=$sources
            break
        fi
    done
    [ -n "$reported" ] || { echo "FAILED  not reported: $1 $2"; exit 1; }
    echo "reported by $reported: $1 $2"
}

listens
if [ "$mode" = prove ]; then
    mutant src/ffi/registry.rs 's/fetch_sub(1, Ordering::Release)/fetch_sub(1, Ordering::Relaxed)/'
    mutant src/ffi/registry.rs '/fence(Ordering::Acquire)/d'
    mutant src/ffi/registry.rs 's/head, new, Ordering::Release,/head, new, Ordering::Relaxed,/'
    exit
fi
library "$PWD" "$work/lib-$sanitizer"
run "$work/lib-$sanitizer"
