#!/usr/bin/env bash
# Builds what is released of this commit from two clean clones in different places, and compares the bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/reproduce
for place in one another-place/two; do
    rm -rf "${work:?}/$place"
    git clone --quiet . "$work/$place"
    # Under another name, too, where the tools are not built once more.
    mkdir -p "$work/$place/target"
    [[ ! -d target/tools ]] || cp -r target/tools "$work/$place/target"
    make -C "$work/$place" dist
done
diff "$work/one/target/dist/SHA256SUMS" "$work/another-place/two/target/dist/SHA256SUMS"
echo "Both are the same bytes"
rm -rf "$work"
