#!/usr/bin/env bash
# Builds the training engine and its driver without Python, for the compiler's processor:
#     native/tests/build.sh OUT [FLAG...]        CXX names the compiler; g++ unless given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
train=$here/../train
out=$1
shift
cxx=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As in native/CMakeLists.txt.
common=(-std=c++20 -O3 -Wall -Wextra -pthread "$@")
fused=(-fno-math-errno -fno-trapping-math -ffp-contract=fast)
case $("$cxx" -dumpmachine) in
x86_64*)
    define=-DPELLUCID_X86
    sets=(
        "sse4 -msse4.2" "avx2 -mavx2 -mfma"
        "avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512"
    )
    ;;
aarch64* | arm64*) define=-DPELLUCID_NEON sets=("neon") ;;
*)
    echo "the training engine is not written for $("$cxx" -dumpmachine)" >&2
    exit 1
    ;;
esac

objects=()
for source in "$train"/*.cpp "$here/driver.cpp"; do
    case $source in */isa_* | */binding.cpp | */describe.cpp) continue ;; esac
    object=$work/$(basename "$source" .cpp).o
    "$cxx" "${common[@]}" -ffp-contract=off "$define" -c "$source" -o "$object"
    objects+=("$object")
done
for set in "${sets[@]}"; do
    read -r name flags <<<"$set"
    # shellcheck disable=SC2086 # several flags
    "$cxx" "${common[@]}" "${fused[@]}" ${flags:-} "$define" -c "$train/isa_$name.cpp" -o "$work/$name.o"
    objects+=("$work/$name.o")
done
"$cxx" "${common[@]}" "${objects[@]}" ${LINK:-} -o "$out"
