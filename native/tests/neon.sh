#!/usr/bin/env bash
# The NEON code on a machine without it: cross-compiled, run by qemu, its losses and gradients held against this
# processor's own.     native/tests/neon.sh [DRIVER built for this processor]
# Debian: apt-get install g++-aarch64-linux-gnu qemu-user
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in aarch64-linux-gnu-g++ qemu-aarch64; do
    command -v "$tool" >/dev/null || {
        echo "$tool isn't here; try: apt-get install g++-aarch64-linux-gnu qemu-user" >&2
        exit 1
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
driver=${1:-$work/driver}
if [ $# = 0 ]; then
    "$here/build.sh" "$driver"
    "$driver"
fi
"$driver" write "$work/here"
CXX=aarch64-linux-gnu-g++ LINK=-static "$here/build.sh" "$work/driver-neon"
qemu-aarch64 "$work/driver-neon"
qemu-aarch64 "$work/driver-neon" against "$work/here"
