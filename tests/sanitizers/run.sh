#!/bin/sh
# Builds the library itself for a sanitizer and runs the C programs against it. docs/TESTING.md says what of it is
# instrumented. Stable Rust, clang and Python 3 are enough.
#
#   tests/sanitizers/run.sh address    all programs of tests/c, under AddressSanitizer; what is C in the library also stops
#                                      at what UndefinedBehaviorSanitizer finds
#   tests/sanitizers/run.sh thread     the same under ThreadSanitizer
#   tests/sanitizers/run.sh prove      breaks the order of the library's own atomic operations, one at a time: each has to
#                                      be reported
set -eu
cd "$(dirname "$0")/../.."

here=$PWD/tests/sanitizers
work=$PWD/build/sanitizers
sysroot=$(rustc --print sysroot)
host=$(rustc -vV | sed -n 's/^host: //p')
mode=$1
# c: what is compiled from C, which has no runtime of its own to report undefined behaviour with.
case $mode in
address) sanitizer=address short=asan c="-fsanitize=address,undefined -fsanitize-trap=undefined" ;;
thread | prove) sanitizer=thread short=tsan c=-fsanitize=thread ;;
*) exit 2 ;;
esac

case $host in
x86_64-*-linux-gnu) ;;
*)
    echo "SKIPPED  the library under a sanitizer: this is for x86-64 Linux, not $host"
    exit 0
    ;;
esac
names=$(echo "$host" | tr - _)
runtime=$(find "$sysroot/lib/rustlib/$host/lib" -name "librustc-*_rt.$short.a")
mkdir -p "$work"

# library <sources> <where to put it>
library() {
    python3 "$here/std.py" rustc "$work/sysroot-$sanitizer" "$sanitizer"
    if [ "$sanitizer" = thread ]; then
        clang -O1 -g -fPIC -c "$here/fences.c" -o "$work/fences.o"
        wrapped="-Wl,--wrap=__tsan_atomic32_fetch_sub,--wrap=__tsan_atomic64_fetch_sub,--wrap=__tsan_atomic_thread_fence"
        set -- "$1" "$2" -- "-Clink-arg=$work/fences.o" "-Clink-arg=$wrapped"
    fi
    built=$work/$sanitizer/$host/debug
    # Every folder's build leaves it at the same path, and cargo takes any for fresh.
    rm -f "$built/libsealwax.so" "$built/deps/libsealwax.so"
    from=$1 into=$2
    shift 2
    env "CC_$names=clang" "CFLAGS_$names=$c -fno-asynchronous-unwind-tables" CARGO_INCREMENTAL=0 \
        SANITIZER=$sanitizer SYSROOT=$work/sysroot-$sanitizer RUSTC_WRAPPER=$here/rustc.sh \
        cargo rustc --quiet --locked --manifest-path "$from/Cargo.toml" --lib --crate-type cdylib --target "$host" \
        --target-dir "$work/$sanitizer" "$@"
    for archive in "$built"/build/*/out/*.a; do
        if ! nm "$archive" 2>/dev/null | grep -q "__${short}_"; then
            echo "FAILED  not instrumented: $archive"
            exit 1
        fi
    done
    mkdir -p "$into"
    cp "$built/libsealwax.so" "$into/libsealwax.so"
    ln -sf libsealwax.so "$into/$(objdump -p "$into/libsealwax.so" | sed -n 's/^ *SONAME *//p')"
}

# program <sources> <library> <out>: the runtime is the compiler's own, for both languages.
program() {
    # shellcheck disable=SC2086
    clang -std=c99 -D_POSIX_C_SOURCE=200809L -g -O1 -Iinclude $c -fno-sanitize-link-runtime $1 -o "$3" \
        -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -Wl,--export-dynamic -L"$2" -lsealwax -Wl,-rpath,"$2" \
        -lpthread -ldl -lm -lrt
}

export TSAN_OPTIONS="halt_on_error=0 exitcode=66 history_size=4"
# Calls overwrite their stack, and look for it where the machine has it.
export ASAN_OPTIONS="detect_stack_use_after_return=0 strict_string_checks=1"
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
    case $sanitizer in
    address) wrong=overflow reports=heap-buffer-overflow ;;
    thread) wrong=race reports="data race" ;;
    esac
    program "$here/$wrong.c" "$work/lib-$sanitizer" "$work/$wrong"
    if "$work/$wrong" >"$work/$wrong.log" 2>&1 || ! grep -q "$reports" "$work/$wrong.log"; then
        echo "FAILED  $wrong.c was not reported"
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

library "$PWD" "$work/lib-$sanitizer"
listens
if [ "$mode" = prove ]; then
    mutant src/ffi/registry.rs 's/fetch_sub(1, Ordering::Release)/fetch_sub(1, Ordering::Relaxed)/'
    mutant src/ffi/registry.rs '/fence(Ordering::Acquire)/d'
    mutant src/ffi/registry.rs 's/head, new, Ordering::Release,/head, new, Ordering::Relaxed,/'
    exit
fi
run "$work/lib-$sanitizer"
