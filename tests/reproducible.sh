#!/usr/bin/env bash
# Builds the release twice, from clones in folders of different names and with package caches of their own, and says
# whether the bytes are the same. Takes two full builds; the packages are fetched twice.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sums=()
for name in one elsewhere/and/deeper; do
    mkdir -p "$work/$name"
    place="$work/$name/sealwax"
    git clone -q "$root" "$place"
    env -u CARGO_TARGET_DIR -u RUSTFLAGS CARGO_HOME="$place/build/packages" make -s -C "$place" release
    sums+=("$(cd "$place/build/release" && cat SHA256SUMS)")
    if strings "$place"/build/release/libsealwax.* | grep -F -e "$work" -e "$HOME"; then
        echo "the library says where it was built"
        exit 1
    fi
    rm -rf "$place/build/release/target" "$place/build/packages"
done

if [ "${sums[0]}" != "${sums[1]}" ]; then
    echo "two builds of the same sources differ"
    exit 1
fi
echo "ok  two builds in different places are the same, byte for byte"
