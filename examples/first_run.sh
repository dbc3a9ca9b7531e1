#!/usr/bin/env bash
# The main job, as `make run` does it: train on the built-in MNIST, evaluate, predict a few test pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n$ %s\n' "$*" >&2 && "$@"; }

say pellucid train
model=$(ls -td runs/*/model.onnx | head -n 1)
say pellucid evaluate "$model"
say pellucid predict "$model" examples/digits/*.png
