"""A network in training on pictures of noise, by the clock."""

from __future__ import annotations

import time
from math import prod

import numpy as np

from pellucid.engines.contract import Batches, Recipe
from pellucid.engines.initial import initial_weights
from pellucid.engines.measuring.parts import Part, parts_of, seconds_of
from pellucid.engines.native import open_trainer
from pellucid.network import Network

LONG = 0.5  # seconds


class Timed:
    """The native engine's trainer of a network, whose steps are timed; `parts` are what a step consists of."""

    def __init__(self, network: Network, batch: int, threads: int):
        network = network.with_weights(initial_weights(network.without_weights(), seed=0))
        channels, *spatial = network.input_shape
        rng = np.random.default_rng(0)
        count = 2 * batch  # small enough for the cache: the engine is measured, not the pictures' way to it
        pixels = rng.integers(0, 256, (count, *spatial, channels), np.uint8)
        labels = rng.integers(0, prod(network.output_shape), count)
        scale, shift = np.full(channels, 1 / 64, np.float32), np.full(channels, -2, np.float32)
        self.trainer = open_trainer(
            network, pixels, labels, scale, shift, Recipe(batch_size=batch, threads=threads)
        )
        self.rows = rng.permutation(count).reshape(2, batch)
        self.batch, self.taken = batch, 0
        self.trainer.steps(*self._next())

    @property
    def parts(self) -> list[Part]:
        """What each of `fastest` is."""
        return parts_of(self.trainer.network, self.trainer.step_plan, self.batch)

    def fastest(self, seconds: float) -> list[float]:
        """Seconds a picture of each part and, last, of a whole step, all threads at work: of each the fastest of three
        steps at least, or of one that takes long. Other programs can only make a step slower."""
        end = time.perf_counter() + seconds
        found: list[list[float]] = []
        while not found or time.perf_counter() < end or (len(found) < 3 and found[0][-1] * self.batch < LONG):
            found.append(seconds_of(self.trainer.profile(*self._next())))
        return [min(values) for values in zip(*found, strict=True)]

    def rate(self, seconds: float) -> float:
        """Pictures a second over all steps."""
        begin, first = time.perf_counter(), self.taken
        while (spent := time.perf_counter() - begin) < seconds or self.taken == first:
            self.trainer.steps(*self._next())
        return (self.taken - first) * self.batch / spent

    def _next(self) -> tuple[Batches, int]:
        number = self.taken
        self.taken += 1
        return Batches(self.rows[number % 2][None], np.full(1, 1e-3, np.float32)), number
