"""Which classical filter a learned one is nearest to, and whether that is near at all.

The similarity is the cosine between the two as vectors: the correlation of their answers on noise. It is 1 for the
classic times any positive factor, negative for its inverse. A mean that isn't the classic's counts against it, as it
changes the answer on even ground.

Kernels of unlike size are brought into one frame, the learned kernel's. A smaller classic lies in it surrounded by
zeros, at every place up to 4 steps from the middle (the same filter, its answer moved), or is enlarged to fill it
(linearly between its cells, identity excepted). Of a 3x3 classic larger than the kernel a piece is compared, with the
length of the whole.
Square kernels from 5x5 on are also compared with Gabor filters in 8 directions.

A kernel of several channels, such as a first layer's red, green and blue, is compared with the classic spread over
them with the weights that suit best: |K c| / |K|, K the kernel as [channels, h w], c the classic as a unit vector. So
brightness edges and colour edges are both found, and the weights say which it is. There the signs are the weights'.

Near means at least 0.8, and more than 99 of 100 random kernels of the same shape reach with their own nearest classic
(0.9 for 3x3, where nearly anything resembles something).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import draws
from pellucid.filters import KERNELS, gabor

NEAR = 0.8
MOST_STEPS = 4
GABORS_FROM = 5
_MOST_IN_WORDS = 4
_RANDOM = 2000
_FREE_FROM = 25  # numbers in a kernel: from 5x5 on, not one random kernel in 100 comes as near as NEAR
_SEED = 20260  # any fixed number: the threshold must not change from run to run
_AT_ONCE = 4_000_000  # numbers in memory

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Nearest:
    """The classical filter nearest to a learned one.

    `name` is its name in `filters.KERNELS`, "gabor", or "" where all numbers are zero; `title`, in words. `similarity`
    from -1 to 1, negative where a filter of one channel is its inverse; `threshold`, from which on it counts as near.
    `weights`, one for each of several channels, squares summing to 1: how strong the classic is in each, negative for
    its inverse. `shift`: how far below and right of the kernel's middle it lies; `enlarged`: whether it was stretched
    to the kernel's size.
    """

    name: str
    title: str
    similarity: float
    threshold: float
    weights: tuple[float, ...]
    shift: tuple[float, float] = (0.0, 0.0)
    enlarged: bool = False

    @property
    def is_near(self) -> bool:
        """Whether the name says anything."""
        return bool(self.name) and abs(self.similarity) >= self.threshold

    @property
    def caption(self) -> str:
        """A few words for below a picture: "Sobel x, inverted -0.93", or "nothing near"."""
        if not self.name:
            return "all zeros"
        return f"{self._kind} {self.similarity:.2f}" if self.is_near else "nothing near"

    @property
    def words(self) -> str:
        """The filter's title, with what was done to it: "Sobel x, inverted, moved by (0, +1)"."""
        weights = [f"{weight:+.2f}" for weight in self.weights]
        places = [f"{step:+.3g}" if step else "0" for step in self.shift]
        return (
            self._kind
            + (f", moved by ({', '.join(places)})" if any(self.shift) else "")
            + (f", times ({', '.join(weights)})" if 1 < len(weights) <= _MOST_IN_WORDS else "")
        )

    @property
    def _kind(self) -> str:
        return (
            self.title
            + (", inverted" if self.similarity < 0 else "")
            + (", enlarged" if self.enlarged else "")
        )

    @property
    def text(self) -> str:
        """One line: what it is like, or that it is like nothing."""
        if not self.name:
            return "all zeros, no filter"
        if self.is_near:
            return f"{self.words}: similarity {self.similarity:.2f}"
        return (
            f"no classical filter is near; the nearest is {self.words}: similarity {self.similarity:.2f}, "
            f"near from {self.threshold:.2f} on"
        )


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The classics in one frame: unit vectors [candidates, h w], and what each is."""

    vectors: Numbers
    names: tuple[tuple[str, str, tuple[float, float], bool], ...]


def nearest_filters(kernels: NDArray[Any]) -> list[Nearest]:
    """The classical filter nearest to each kernel [kernels, channels, height, width].

    To compare each channel's slice on its own, reshape to [kernels x channels, 1, height, width].
    """
    channels, height, width = kernels.shape[1:]
    candidates = _candidates(height, width)
    threshold = _threshold(channels, height, width)
    found = []
    for similarity, best, weights in _best(np.asarray(kernels, np.float64), candidates):
        if not similarity:
            found.append(Nearest("", "", 0.0, threshold, weights))
        else:
            name, title, shift, enlarged = candidates.names[best]
            found.append(Nearest(name, title, similarity, threshold, weights, shift, enlarged))
    return found


def frame_of(
    height: int, width: int, channels: Sequence[int]
) -> tuple[Numbers, tuple[tuple[str, str, tuple[float, float], bool], ...], dict[int, float]]:
    """The classics in a frame: unit vectors [n, height width], (name, title, shift, enlarged) of each, and from which
    similarity on a kernel with so many channels counts as near."""
    found = _candidates(height, width)
    return found.vectors, found.names, {count: _threshold(count, height, width) for count in channels}


def _best(kernels: Numbers, candidates: _Candidates) -> list[tuple[float, int, tuple[float, ...]]]:
    """For each kernel the similarity, which candidate it is, and the channels' weights."""
    count, channels, height, width = kernels.shape
    found = []
    step = max(1, _AT_ONCE // (channels * len(candidates.vectors)))
    for begin in range(0, count, step):
        some = kernels[begin : begin + step].reshape(-1, channels, height * width)
        # First to length 1, as float32's smallest numbers would vanish in their squares.
        largest = np.abs(some).max((1, 2), keepdims=True)
        some = some / np.where(largest > 0, largest, 1)
        lengths = np.sqrt((some**2).sum((1, 2)))
        parts = some @ candidates.vectors.T / np.where(lengths > 0, lengths, 1)[:, None, None]
        # Equal ones must not be told apart by their last bits.
        sizes = np.minimum(np.sqrt((parts**2).sum(1)), 1.0).round(9)
        sums = parts.sum(1)
        for place in range(len(some)):
            equal = np.flatnonzero(sizes[place] == sizes[place].max())
            upright = equal[sums[place][equal] >= 0]
            best = int(upright[0] if len(upright) else equal[0])
            size = float(sizes[place][best])
            if channels == 1:
                found.append((size if len(upright) else -size, best, (1.0,)))
            else:
                weights = parts[place, :, best] / (size or 1.0)
                found.append((size, best, tuple(float(weight) for weight in weights)))
    return found


@lru_cache(maxsize=32)
def _candidates(height: int, width: int) -> _Candidates:
    """All classics in a frame: those in the middle first, then those beside it, then the enlarged ones, Gabors."""
    found: list[tuple[tuple[Any, ...], Numbers, tuple[str, str, tuple[float, float], bool]]] = []
    for rank, (name, kernel) in enumerate(KERNELS.items()):
        rows = _trimmed(kernel.array)
        unit = rows / np.linalg.norm(rows)
        if max(rows.shape) > max(3, height, width):
            continue
        for down in _steps(len(unit), height):
            for right in _steps(unit.shape[1], width):
                vector = _laid(unit, height, width, down, right)
                if vector.any():
                    shift = (down, right)
                    found.append(
                        ((0, abs(down) + abs(right), shift, rank), vector, (name, kernel.title, shift, False))
                    )
        fits = height >= len(rows) and width >= rows.shape[1]
        if fits and rows.shape != (height, width) and rows.size > 1:
            large = _stretched(rows, height, width)
            vector = large / np.linalg.norm(large)
            found.append(((1, rank), vector, (name, kernel.title, (0.0, 0.0), True)))
    if height == width >= GABORS_FROM:
        for wavelength in (height, height / 2):
            for phase, kind in ((-90, "edge"), (0, "line")):
                for angle in np.arange(0, 180, 22.5):
                    rows = gabor(height, wavelength, angle, phase)
                    title = f"Gabor {kind}, {angle:g} degrees, wavelength {wavelength:g}"
                    entry = ("gabor", title, (0.0, 0.0), False)
                    found.append(((2, len(found)), rows / np.linalg.norm(rows), entry))
    found.sort(key=lambda entry: entry[0])
    return _Candidates(
        np.array([vector.ravel() for _, vector, _ in found]), tuple(what for *_, what in found)
    )


def _trimmed(rows: Numbers) -> Numbers:
    """Without a border of zeros, which changes nothing: identity is one cell."""
    down, right = np.flatnonzero(rows.any(1)), np.flatnonzero(rows.any(0))
    return rows[down[0] : down[-1] + 1, right[0] : right[-1] + 1]


def _steps(small: int, frame: int) -> list[float]:
    """How far from the middle one axis may be moved, so that the shorter lies within the longer: half steps where
    one is even and the other odd."""
    most = abs(frame - small) / 2
    return [step for step in np.arange(-most, most + 1).tolist() if abs(step) <= MOST_STEPS]


def _laid(rows: Numbers, height: int, width: int, down: float, right: float) -> Numbers:
    """`rows` in a frame of zeros, cut at its border; their middle `down` and `right` of the frame's."""
    top, left = round((height - len(rows)) / 2 + down), round((width - rows.shape[1]) / 2 + right)
    frame = np.zeros((height, width))
    bottom, end = min(top + len(rows), height), min(left + rows.shape[1], width)
    frame[max(top, 0) : bottom, max(left, 0) : end] = rows[
        max(-top, 0) : bottom - top, max(-left, 0) : end - left
    ]
    return frame


def _stretched(rows: Numbers, height: int, width: int) -> Numbers:
    """Enlarged linearly between the cells' middles, the outer cells carried on to the border."""
    for axis, length in ((0, height), (1, width)):
        cells = np.arange(rows.shape[axis])
        places = (np.arange(length) + 0.5) * len(cells) / length - 0.5
        rows = np.apply_along_axis(lambda line, at=places, old=cells: np.interp(at, old, line), axis, rows)
    return rows


@lru_cache(maxsize=32)
def _threshold(channels: int, height: int, width: int) -> float:
    """From which similarity on a kernel of this shape counts as near; see the module's docstring."""
    if channels * height * width >= _FREE_FROM:
        return NEAR
    return max(NEAR, _by_chance(channels, height, width))


def _by_chance(channels: int, height: int, width: int) -> float:
    """The similarity that one random kernel in 100 of this shape reaches."""
    shape = (_RANDOM, channels, height, width)
    key = np.arange(np.prod(shape)).reshape(shape)
    # Box and Muller 1958; 1 - uniform is never 0.
    radius = np.sqrt(-2 * np.log(1 - draws.uniform(_SEED, 0, key)))
    random = radius * np.cos(2 * np.pi * draws.uniform(_SEED, 1, key))
    reached = [abs(similarity) for similarity, *_ in _best(random, _candidates(height, width))]
    return float(np.quantile(reached, 0.99))
