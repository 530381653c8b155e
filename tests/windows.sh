#!/usr/bin/env bash
# windows.sh PROGRAM [TEST...]: runs the end-to-end tests against a program for Windows, under Wine. What is skipped, and
# why, is in tests/fixtures/windows/skipped.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
wine=/usr/lib/wine
[[ -f $1 ]] || { echo "There is no program $1: make windows" >&2; exit 1; }
tests/need.sh wine64 "test -x $wine/wine64"
tests/need.sh gcc-mingw-w64-x86-64 'command -v x86_64-w64-mingw32-gcc'

export WINEPREFIX=$PWD/target/wine/prefix WINEDEBUG=-all LC_ALL=C.UTF-8
mkdir -p target/wine "target/wine/a folder"
cp "$1" "target/wine/a folder/agentmap.exe"
# Windows has this library since version 7, and Wine only since version 9.
x86_64-w64-mingw32-gcc -shared -O1 -o "target/wine/a folder/bcryptprimitives.dll" -x c - -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, size); }
C
[[ -e $WINEPREFIX/system.reg ]] || "$wine/wine64" wineboot --init
# Not each start begins a Windows of its own.
"$wine/wineserver64" --persistent
trap '"$wine/wineserver64" --kill || true' EXIT

export AGENTMAP_TEST_RUNNER=$wine/wine64 AGENTMAP_TEST_PROGRAM="$PWD/target/wine/a folder/agentmap.exe"
skipped=()
while read -r name; do
    [[ -z $name || $name == '#'* ]] || skipped+=(--skip "$name")
done < tests/fixtures/windows/skipped.txt
cargo test --locked --no-fail-fast --test crash --test hook --test watch -- "${skipped[@]}" "${@:2}"
