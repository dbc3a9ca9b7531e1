"""pellucid on the residual network of resnet.py:  python -m peers.pellucid_resnet SIDE WIDTH [native | torch]"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

import numpy as np

from peers.measuring import best_batch, noise, rate_of, report
from pellucid import __version__
from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.network import Network

SIZES = (64, 128, 256)


def text(width: int) -> str:
    """Three stages of one block each, of width, 2 x width and 4 x width channels: ResNet-8 (He et al. 2016)."""
    layers = [f"conv {width} 3x3 pad 1 nobias", "batchnorm", "relu"]
    entry, norms = "relu1", 1
    for stage in range(3):
        channels, stride = width * 2**stage, " stride 2" if stage else ""
        layers += [f"conv {channels} 3x3{stride} pad 1 nobias", "batchnorm", "relu"]
        layers += [f"conv {channels} 3x3 pad 1 nobias", "batchnorm"]
        norms += 2
        if stage:
            layers += [f"conv {channels} 1x1{stride} nobias from {entry}", "batchnorm", f"add norm{norms}"]
            norms += 1
        else:
            layers += [f"add {entry}"]
        layers += ["relu"]
        entry = f"relu{3 + 2 * stage}"
    return ", ".join([*layers, "globalavgpool", "flatten", "dense 10"])


def main(side: int, width: int, engine: str) -> None:
    open_trainer = import_module(f"pellucid.engines.{engine}").open_trainer
    pictures, labels = noise(side)
    threads = len(os.sched_getaffinity(0))
    network = Network.from_text(text(width), (3, side, side))
    network = network.with_weights(initial_weights(network, seed=0))
    scale, shift = np.full(3, 1 / 64, np.float32), np.full(3, -2, np.float32)
    losses = [0.0]

    def make(size: int):
        recipe = Recipe(batch_size=size, threads=threads)
        trainer = open_trainer(network, pictures, labels, scale, shift, recipe)
        rows = np.random.default_rng(0).permutation(len(pictures)).reshape(-1, size)

        def step(number: int) -> int:
            now = rows[number % len(rows)][None]
            result = trainer.steps(Batches(now, np.full(1, 1e-3, np.float32)), number)
            losses.append(result.loss / result.count)
            return result.count

        return step

    make(SIZES[0])(0)
    ready = time.time()
    size, trials = best_batch(make, SIZES)
    rate = rate_of(make(size), warm=4)
    settings = {
        "pellucid": __version__, "engine": engine, "batch": size, "batch sizes tried": trials, "threads": threads,
        "optimiser": "adam, fused",
    }  # fmt: skip
    report(f"pellucid {engine}", settings, ready, rate, losses[-1])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "native")
