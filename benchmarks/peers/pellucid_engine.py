"""pellucid's own trainers, through the interface that its training loop uses. Batch 1024, Adam."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np

from peers.measuring import DEVIATION, MEAN, mnist, rate_of, report
from pellucid import __version__
from pellucid.engines.contract import Batches, Engine, Recipe, Trainer
from pellucid.engines.initial import initial_weights
from pellucid.network import zoo

BATCH, STEPS = 1024, 5  # steps told at a time


def measure(name: str, open_trainer: Engine, precision: str, own_settings: Callable[[Trainer], dict]) -> None:
    """Train bench-lenet for some seconds and report; `own_settings` are what else the engine chose."""
    threads = len(os.sched_getaffinity(0))
    pictures, labels = mnist()
    network = zoo.build("bench-lenet")
    network = network.with_weights(initial_weights(network, seed=0))
    recipe = Recipe(batch_size=BATCH, threads=threads, precision=precision)  # type: ignore[arg-type]
    scale, shift = np.array([1 / 255 / DEVIATION], np.float32), np.array([-MEAN / DEVIATION], np.float32)
    trainer = open_trainer(network, pictures[..., None], labels, scale, shift, recipe)
    rng = np.random.default_rng(0)
    per_epoch = len(pictures) // BATCH // STEPS * STEPS
    rows = np.empty((0, BATCH), np.int64)
    losses = [0.0]

    def step(number: int) -> int:
        nonlocal rows
        if not len(rows):
            rows = rng.permutation(len(pictures))[: per_epoch * BATCH].reshape(per_epoch, BATCH)
        now, rows = rows[:STEPS], rows[STEPS:]
        result = trainer.steps(Batches(now, np.full(len(now), 1e-3, np.float32)), number * STEPS)
        losses.append(result.loss / result.count)
        return result.count

    step(0)
    ready = time.time()
    rate = rate_of(step, warm=2)
    settings = {"pellucid": __version__, "batch": BATCH, "threads": threads, "optimiser": "adam, fused"}
    report(name, settings | own_settings(trainer), ready, rate, losses[-1], precision)
