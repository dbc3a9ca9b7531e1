"""What a picture and its target say about the filter between them, gathered in one pass with bounded memory.

With one row x for each output pixel (the window's numbers) and its target y, the mean squared error of a kernel k is
(k' G k - 2 k' b + y'y) / n: the sums G = X'X, b = X'y are all that its gradient ever needs. G is exact for 8-bit
pictures, as sums of whole numbers below 2^53.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BLOCK = 4_000_000  # numbers of X in memory at once: 32 MB


@dataclass(frozen=True, eq=False)
class Pairs:
    """A picture [height, width, planes] and its target [rows, columns, channels], laid over each other.

    The output pixel (y, x) of the target sees the picture's window that begins at (y - top, x - left). Only windows
    that lie in the picture count. With `volume` a window takes in all planes and the target has one channel; else
    channel i of the target belongs to plane i, and all share one kernel. Target values at `low` or below and at `high`
    or above may have been cut off there, and are masked.
    """

    picture: NDArray[Any]
    target: NDArray[Any]
    size: tuple[int, int]
    top: int
    left: int
    volume: bool
    low: float = -np.inf
    high: float = np.inf

    @property
    def weights(self) -> int:
        """How many numbers the kernel has."""
        return self.size[0] * self.size[1] * (self.picture.shape[2] if self.volume else 1)

    @property
    def inner(self) -> NDArray[Any]:
        """The part of the target whose windows lie in the picture."""
        height, width = (self.picture.shape[axis] - self.size[axis] + 1 for axis in (0, 1))
        return self.target[self.top : self.top + height, self.left : self.left + width]

    def blocks(self) -> Iterator[tuple[Numbers, Numbers]]:
        """X float64 [pixels, weights] and y [pixels], some rows of the target at a time, masked ones included."""
        inner = self.inner
        rows = max(1, BLOCK // (inner.shape[1] * self.weights))
        for plane in range(1 if self.volume else self.picture.shape[2]):
            planes = self.picture if self.volume else self.picture[:, :, plane : plane + 1]
            for begin in range(0, len(inner), rows):
                wanted = inner[begin : begin + rows, :, plane].astype(np.float64).ravel()
                part = planes[begin : begin + rows + self.size[0] - 1].astype(np.float64)
                # [rows, columns, planes, height, width]: a kernel's own order behind the place
                windows = sliding_window_view(part, self.size, axis=(0, 1))
                yield windows.reshape(len(wanted), self.weights), wanted

    def kept(self, wanted: Numbers) -> NDArray[np.bool_]:
        """Which target values weren't cut off."""
        return (wanted > self.low) & (wanted < self.high)


@dataclass(frozen=True, eq=False)
class Sums:
    """`gram` [n, n], `moment` [n] and `square` are X'X, X'y and y'y over the `count` pixels that aren't masked;
    `columns` [n] and `total` the sums of X and y, for a fit with a constant; `variance` and `mean_square` are those of
    all inner target values; `levels` [256], how many kept values have each grey level (where there are such)."""

    gram: Numbers
    moment: Numbers
    square: float
    columns: Numbers
    total: float
    count: int
    masked: int
    variance: float
    mean_square: float
    levels: NDArray[np.int64]


def gather(pairs: Pairs) -> Sums:
    """The sums over the whole picture."""
    size = pairs.weights
    gram, moment, columns = np.zeros((size, size)), np.zeros(size), np.zeros(size)
    square = total = every = every_square = 0.0
    count = masked = 0
    levels = np.zeros(256, np.int64)
    for windows, wanted in pairs.blocks():
        every, every_square = every + wanted.sum(), every_square + float(wanted @ wanted)
        kept = pairs.kept(wanted)
        if not kept.all():
            windows, wanted = windows[kept], wanted[kept]
        gram += windows.T @ windows
        moment += windows.T @ wanted
        columns += windows.sum(0)
        square, total = square + float(wanted @ wanted), total + float(wanted.sum())
        if np.isfinite(pairs.high):
            levels += np.bincount(wanted.astype(np.intp), minlength=256)
        count, masked = count + len(wanted), masked + int((~kept).sum())
    pixels = count + masked
    variance = max(0.0, every_square / pixels - (every / pixels) ** 2)
    return Sums(gram, moment, square, columns, total, count, masked, variance, every_square / pixels, levels)


def residual(pairs: Pairs, kernel: Numbers, means: Numbers | None = None) -> tuple[float, Numbers]:
    """The mean squared difference between the target and what the kernel makes, cut off where the target's kind is;
    and X'm over the kept pixels, m the value of `means` [256] at each one's grey level (zeros without)."""
    total, count = 0.0, 0
    weighted = np.zeros(pairs.weights)
    for windows, wanted in pairs.blocks():
        made = np.clip(windows @ kernel.ravel(), pairs.low, pairs.high)
        total, count = total + float(((made - wanted) ** 2).sum()), count + len(wanted)
        if means is not None:
            kept = pairs.kept(wanted)
            weighted += windows.T @ np.where(kept, means[wanted.astype(np.intp)], 0.0)
    return total / count, weighted


def rounding_means(levels: NDArray[np.int64]) -> Numbers:
    """The mean of what rounding adds at each grey level from 1 to 254, float64 [256], from the histogram's slope.

    Where the density of the unrounded answers is p(v) (1 + a (s - v)) within half a level around v, rounding to v adds
    -a / 12 in the mean. a is half the logarithm of the neighbours' ratio, at the ends that of the level itself and the
    inner neighbour's; at most 2, the slope at which the density is nought at one end.
    """
    logs = np.log(levels + 0.5)
    slopes = np.zeros(256)
    slopes[2:254] = (logs[3:255] - logs[1:253]) / 2
    slopes[1], slopes[254] = logs[2] - logs[1], logs[254] - logs[253]
    return -np.clip(slopes, -2, 2) / 12
