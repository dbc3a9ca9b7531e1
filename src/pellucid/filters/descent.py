"""Gradient descent to the kernel that turns a picture into its target, step by step.

The loss is the mean squared error, its gradient 2 (G k - b) / n (see statistics.py). In a photograph brightness as a
whole is thousands of times stronger than fine detail, so that one rate for all weights would either overshoot in the
one or crawl in the other. So the kernel is written as a sum of cosine waves (DCT-II, over rows, columns and planes),
and each wave has its own rate, by how strong it is in this picture: the loss' curvature along it, G's diagonal in that
basis. What is left is descended with Nesterov's momentum, started anew wherever a step would raise the loss
(O'Donoghue and Candès, Adaptive restart for accelerated gradient schemes, 2015): the loss falls at every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.filters.statistics import Sums

Numbers = NDArray[np.float64]
MOST_STEPS = 20_000
CLOSE = 1e-9  # of the largest weight: a distance to the optimum at which it may stop


@dataclass(frozen=True, eq=False)
class Step:
    """The kernel [planes, height, width] after so many steps, and its mean squared error."""

    step: int
    kernel: Numbers
    loss: float


def descend(sums: Sums, shape: tuple[int, int, int]) -> tuple[tuple[Step, ...], float]:
    """The kernel at some of the steps, from all zeros (0) to the last; and how far that may be from the optimum.

    Steps 0 to 8, then each a third later than the one before, are kept. G must not be singular.
    """
    waves = _waves(shape)
    curvature = waves @ sums.gram @ waves.T
    rates = 1 / np.sqrt(np.diag(curvature))
    change = waves.T * rates  # from the waves' own coordinates to the kernel
    quadratic, linear = change.T @ sums.gram @ change, change.T @ sums.moment
    curvatures = np.linalg.eigvalsh(quadratic)
    rate, reach = 1 / curvatures[-1], np.linalg.norm(change, 2) / curvatures[0]
    here = ahead = np.zeros(len(linear))
    # The loss' change from step to step is exact where the loss itself would drown in rounding.
    loss, momentum, kept, following = sums.square / sums.count, 1.0, [], 0
    distance = np.inf
    for step in range(MOST_STEPS + 1):
        gradient = quadratic @ here - linear
        kernel = change @ here
        distance = float(reach * np.linalg.norm(gradient))
        done = distance <= CLOSE * np.abs(kernel).max() or step == MOST_STEPS or not linear.any()
        if step >= following or done:
            kept.append(Step(step, kernel.reshape(shape), max(loss, 0.0)))
            following = max(step + 1, step * 4 // 3)
        if done:
            break
        moved = ahead - here - rate * (quadratic @ ahead - linear)
        rise = 2 * gradient @ moved + moved @ quadratic @ moved
        if rise > 0:  # the momentum went uphill: a plain step instead, and momentum from nought
            moved, momentum = -rate * gradient, 1.0
            rise = 2 * gradient @ moved + moved @ quadratic @ moved
        after = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        here, ahead = here + moved, here + moved * (1 + (momentum - 1) / after)
        loss, momentum = loss + float(rise) / sums.count, after
    return tuple(kept), distance


def _waves(shape: tuple[int, int, int]) -> Numbers:
    """The orthonormal cosine waves [n, n] of a kernel, one a row: products of one for each axis."""
    found = np.ones((1, 1))
    for length in shape:
        place, wave = np.arange(length) + 0.5, np.arange(length)[:, None]
        rows = np.cos(np.pi * wave * place / length)
        found = np.kron(found, rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return found
