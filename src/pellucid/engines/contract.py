"""What training asks of an engine: plain numbers in, plain arrays out, no word of any framework.

Everything random about the data (order, augmentation) is decided by training, as a pure function of
(seed, epoch, index), and arrives here as arrays. So an engine can't change what is drawn, whatever its threads do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.network import Network

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Recipe:
    """How to take a step: what an engine needs beside the network and the data."""

    batch_size: int = 256
    optimiser: Literal["adam", "adamw", "sgd", "muon"] = "adam"
    momentum: float = 0.9  # SGD's and Muon's (Nesterov), Adam's first beta
    beta2: float = 0.999  # Adam's second beta
    epsilon: float = 1e-8  # Adam's
    weight_decay: float = 0.0  # convolution and dense weights only, never biases or normalisation
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None  # a picture of class c counts as so many; None: as 1
    averaging: float = 0.0  # decay of the moving average of the weights, per step; 0 is off
    clip: float = 0.0  # largest norm of the whole gradient; 0 is off
    precision: Literal["f32", "bf16"] = "f32"
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = 1
    seed: int = 0  # of the dropout masks; the weights to start from come with the network


@dataclass(frozen=True)
class Augmentation:
    """How each picture of a run of steps is changed on its way in: data with two spatial axes, no other.

    affine  float32 [steps, batch, 2, 3]: output pixel (y, x, 1), counted from the picture's centre in pixels, to the
            input pixel that it is read from, bilinear, the border repeated outside. A flip is a negative diagonal.
    gain    float32 [steps, batch], offset float32 [steps, batch]: value = clip(gain * value + offset, 0, 255).
    erase   int32 [steps, batch, 4]: top, left, bottom, right (exclusive) of a box set to 0 of the network's input
            (the mean picture), empty where top == bottom.
    """

    affine: NDArray[np.float32]
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    erase: NDArray[np.int32]


@dataclass(frozen=True)
class Batches:
    """A run of optimiser steps.

    indices int64 [steps, batch]: rows of the data; -1 is an empty place in a last batch that isn't full.
    rates   float32 [steps]: the learning rate of each step.
    """

    indices: NDArray[np.int64]
    rates: NDArray[np.float32]
    augmentation: Augmentation | None = None


@dataclass(frozen=True)
class StepReport:
    """Sums over the pictures of a run of steps, as seen in training (augmented, dropout on)."""

    loss: float
    correct: int
    count: int


class Trainer(Protocol):
    """One network being trained on one set of pictures that stays in memory (or mapped)."""

    def steps(self, batches: Batches, first_step: int) -> StepReport:
        """Take the steps, in order. `first_step` is the number of steps taken before (it seeds dropout)."""
        ...

    def logits(self, indices: NDArray[np.int64], averaged: bool = True) -> NDArray[np.float32]:
        """Logits [len(indices), classes] of these pictures in inference, by the averaged weights or the raw ones."""
        ...

    def weights(self, averaged: bool = True) -> dict[str, NDArray[np.float32]]:
        """A copy of every weight and running statistic, named and laid out as in `Network`."""
        ...

    def state(self) -> dict[str, NDArray[np.generic]]:
        """A copy of all that the next step depends on: weights, averages, the optimiser's moments."""
        ...

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to a state. The steps after it give the same bits as if nothing had happened between."""
        ...


class Engine(Protocol):
    """A way to train: `engines.torch.open_trainer` has this form, the native engine's will too."""

    def __call__(
        self,
        network: Network,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        scale: NDArray[np.float32],
        shift: NDArray[np.float32],
        recipe: Recipe,
    ) -> Trainer:
        """Open a trainer of `network` (which carries the weights to start from) on pixels [n, *spatial, channels].

        `spatial` are the axes of the network's input: (length,), (height, width) or (depth, height, width). What
        goes in is pixel * scale + shift, by channel, in float32.
        """
        ...
