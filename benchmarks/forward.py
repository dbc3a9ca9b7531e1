"""Answers by the compiled engine and by onnxruntime, in turns in one process: when a model file uses which.

A model file answers many pictures of one size by the compiled engine (src/pellucid/model/forward.py), few of them by
onnxruntime. Pictures are noise of the network's own size, weights are random: speed alone is measured.

    python benchmarks/forward.py                 results/forward.json and .md, under a minute
"""

from __future__ import annotations

import sys
import time

import numpy as np
from peers.pellucid_resnet import text
from turns import in_words, options, spread, surroundings, write

from pellucid.engines.initial import initial_weights
from pellucid.model import Card, ModelFile, Preprocessing
from pellucid.model.forward import forward_of
from pellucid.model.write import model_bytes
from pellucid.network import Network
from pellucid.network.zoo import build

COUNTS = (1, 32, 256, 1024)
SECONDS = 0.15  # of one measurement


def networks() -> dict[str, Network]:
    """What is measured, by name."""
    residual = Network.from_text(f"{text(16)}, softmax", (3, 32, 32))
    return {"bench-lenet, 28x28x1": build("bench-lenet"), "residual 16-32-64, 32x32x3": residual}


def opened(network: Network) -> ModelFile:
    """A model file of it, with random weights."""
    channels, height, width = network.input_shape
    network = network.with_weights(initial_weights(network, seed=0))
    preprocessing = Preprocessing(
        height=height, width=width, channels=channels, scale=(1 / 64,) * channels, shift=(-2.0,) * channels
    )
    names = tuple(str(i) for i in range(network.output_shape[0]))
    return ModelFile(
        model_bytes(network, Card(network=network.text, classes=names, preprocessing=preprocessing))
    )


def per_picture(answer, pixels: np.ndarray) -> float:
    """Microseconds a picture, over calls for a while."""
    calls, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < SECONDS:
        answer(pixels)
        calls += 1
    return spent / calls / len(pixels) * 1e6


def compare(name: str, network: Network, count: int, pairs: int) -> dict:
    """Both ways in turns, `pairs` times."""
    model = opened(network)
    forward = forward_of(model.network, model.card.preprocessing, 1.0, None)
    if forward is None:
        raise SystemExit("the compiled engine is not here")
    channels, height, width = network.input_shape
    pixels = np.random.default_rng(0).integers(0, 256, (count, height, width, channels), np.uint8)
    ways = {"compiled": forward, "onnxruntime": model._by_runtime}
    if np.abs(forward(pixels) - model._by_runtime(pixels)).max() > 1e-5:
        raise SystemExit(f"{name}: the two answer otherwise")
    runs = [{way: per_picture(answer, pixels) for way, answer in ways.items()} for _ in range(pairs)]
    return {
        "network": name,
        "pictures": count,
        **{way: spread([run[way] for run in runs]) for way in ways},
        "ratio": spread([run["onnxruntime"] / run["compiled"] for run in runs]),
    }


def markdown(result: dict) -> str:
    """The table for people."""
    lines = [
        "# Answers: microseconds a picture, by the compiled engine and by onnxruntime",
        "",
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}, {result['date']}. {result['pairs']} "
        "measurements of each, in turns in one process; medians, quartiles in brackets.",
        "",
        "| network | pictures at once | compiled | onnxruntime | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        figures = [in_words(row[way], ",.1f") for way in ("compiled", "onnxruntime")]
        lines.append(f"| {row['network']} | {row['pictures']:,} | {figures[0]} | {figures[1]} "
                     f"| **{row['ratio']['median']:.2f}** |")  # fmt: skip
    lines += [
        "",
        "Raw pixels of the network's own size to probabilities, with resizing's check and normalising.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    given = options(__doc__, "forward").parse_args()
    result = surroundings(given) | {"rows": []}
    for name, network in networks().items():
        for count in COUNTS:
            row = compare(name, network, count, given.pairs)
            result["rows"].append(row)
            print(f"  {name}, {count}: {row['ratio']['median']:.2f} x", file=sys.stderr)
    write(given, result, markdown(result))


if __name__ == "__main__":
    main()
