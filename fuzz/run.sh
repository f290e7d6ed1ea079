#!/bin/sh
# Fuzzes targets, each for some seconds, two (JOBS) at a time; all of them if none is named. Stable Rust is enough.
#
#   TIME=15 fuzz/run.sh [target...]
#   FEATURES=aws-lc fuzz/run.sh sessions    stories run several times as fast
#   fuzz/run.sh --minimise [target...]      what is found goes into the corpus that is committed, and what adds nothing leaves it
#
# What is found on the way lies in build/fuzz/corpus, crashes in build/fuzz/crashes.
set -eu
cd "$(dirname "$0")/.."

minimise=
if [ "${1:-}" = --minimise ]; then
    minimise=1
    shift
fi
targets=${*:-$(cd fuzz/fuzz_targets && for file in *.rs; do echo "${file%.rs}"; done)}
folder=${CARGO_TARGET_DIR:-$PWD/target}
work=$PWD/build/fuzz
bins=
for target in $targets; do
    bins="$bins --bin $target"
    mkdir -p "$work/corpus/$target" "$work/crashes/$target" "fuzz/corpus/$target"
done

# What is not fuzzed is compiled as for the tests, and shared with them.
# shellcheck disable=SC2086
CARGO_INCREMENTAL=0 RUSTC_WRAPPER=$PWD/fuzz/rustc.sh cargo build --locked --manifest-path fuzz/Cargo.toml --target-dir "$folder" \
    --features "${FEATURES:-}" $bins

# Calls overwrite their stack, and look for it where the machine has it.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=0}"

one() {
    target=$1
    log=$work/$target.log
    if [ -n "$minimise" ]; then
        rm -rf "$work/minimal/$target"
        mkdir -p "$work/minimal/$target"
        set -- -set_cover_merge=1 -max_len=4096 "$work/minimal/$target" "fuzz/corpus/$target" "$work/corpus/$target"
    else
        set -- -max_total_time="${TIME:-15}" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
            -artifact_prefix="$work/crashes/$target/" "$work/corpus/$target" "fuzz/corpus/$target"
    fi
    if ! "$folder/debug/$target" "$@" >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "FAILED  $target: see $log"
        return 1
    fi
    if [ -n "$minimise" ]; then
        # Those that were crashes stay; of the rest, the smallest are enough for a repository.
        find "fuzz/corpus/$target" -type f ! -name 'regression-*' -delete
        (cd "$work/minimal/$target" && find . -type f -printf '%s %p\n' | sort -n | head -n 150 | cut -d ' ' -f 2) |
            while read -r file; do cp "$work/minimal/$target/$file" "fuzz/corpus/$target/"; done
        echo "$target: $(find "fuzz/corpus/$target" -type f | wc -l) inputs"
        return
    fi
    echo "$target: $(grep -E 'cov: ' "$log" | tail -n 1 | sed 's/.*cov: \([0-9]*\) ft: \([0-9]*\) corp: \([^ ]*\).*/\1 edges, \2 features, \3 inputs/'), $(sed -n 's/stat::number_of_executed_units: //p' "$log") runs"
}

failed=0
set -- $targets
while [ $# -gt 0 ]; do
    pids=
    while [ $# -gt 0 ] && [ "$(echo "$pids" | wc -w)" -lt "${JOBS:-2}" ]; do
        one "$1" &
        pids="$pids $!"
        shift
    done
    for pid in $pids; do wait "$pid" || failed=1; done
done
exit $failed
