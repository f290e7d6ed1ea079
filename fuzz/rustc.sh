#!/bin/sh
# What cargo calls in place of rustc: the library and the targets get counters of their edges and the address sanitizer,
# which stable Rust has too and hides. What they depend on is compiled as it always is.
rustc=$1
shift
case " $* " in
*" --crate-name sealwax "* | *" --crate-name sealwax_fuzz "* | *" fuzz_targets/"*)
    RUSTC_BOOTSTRAP=1 exec "$rustc" "$@" --cfg fuzzing -Zsanitizer=address \
        -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
*) exec "$rustc" "$@" ;;
esac
