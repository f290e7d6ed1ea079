#!/bin/sh
# What cargo calls in place of rustc: what is built for the target is instrumented for the sanitizer in SANITIZER, which
# stable Rust has too and hides; build scripts and macros are not.
export RUSTC_BOOTSTRAP=1
rustc=$1
shift
case " $* " in
*" --target "*)
    exec "$rustc" "$@" "-Zsanitizer=$SANITIZER" -Cunsafe-allow-abi-mismatch=sanitizer --sysroot "$SYSROOT"
    ;;
*) exec "$rustc" "$@" ;;
esac
