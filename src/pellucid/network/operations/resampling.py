"""One axis of a resize: which places of the input each place of the output is made of, with which weights.

The specification leaves open in which precision a coordinate is computed, and onnxruntime's float32 shows: a nearest
neighbour can be the other one, a weight differ in its fifth digit. So this is onnxruntime's own arithmetic, operation
by operation (core/providers/cpu/tensor: upsamplebase.h, upsample.cc, upsample_antialias.h), which the tests hold
against it value by value.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

_F = np.float32
_HALF, _ONE = _F(0.5), _F(1)


@dataclass(frozen=True, eq=False)
class Taps:
    """`places` [n] of the input, in order, and the `weights` [n] float32 they enter with; none where the output's
    place lies outside the input (and is filled by the extrapolation value)."""

    places: NDArray[np.int64]
    weights: NDArray[np.float32]
    outside: bool = False


@dataclass(frozen=True)
class Axis:
    """One axis: `old` places become `new` by the factor `scale` (of float32).

    `mode`, `coordinates`, `nearest` and the rest are Resize's attributes (`nearest` "simple": that of opset 10 and
    before). `region` is (start, end) of the input for the coordinates "tf_crop_and_resize".
    """

    old: int
    new: int
    scale: float
    mode: str
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic_a: float = -0.75
    exclude_outside: bool = False
    antialias: bool = False
    region: tuple[float, float] = (0.0, 1.0)

    @property
    def same(self) -> bool:
        """Every place stays what it is: antialiasing leaves an axis whose size doesn't change; the others, one whose
        scale is 1."""
        return self.old == self.new if self.antialias else self.scale == 1

    def taps(self, place: int) -> Taps:
        """What the output's `place` is made of."""
        if self.same:
            return Taps(np.array([place]), np.ones(1, _F))
        if self.antialias:
            return self._antialiased(place)
        x = self.coordinate(place)
        if self.coordinates == "tf_crop_and_resize" and not 0 <= x <= self.old - 1:
            return Taps(np.empty(0, np.int64), np.empty(0, _F), outside=True)
        if self.mode == "nearest":
            return Taps(np.array([min(max(self._nearest(x), 0), self.old - 1)]), np.ones(1, _F))
        return self._linear(place) if self.mode == "linear" else self._cubic(x)

    def coordinate(self, place: int) -> np.float32:
        """Where the middle of the output's `place` lies in the input, by the coordinate transformation."""
        x, scale, new, old = _F(place), _F(self.scale), _F(self.new), _F(self.old)
        start, end = _F(self.region[0]), _F(self.region[1])
        match self.coordinates:
            case "asymmetric":
                return x / scale
            case "pytorch_half_pixel":
                return (x + _HALF) / scale - _HALF if self.new > 1 else _F(0)
            case "tf_half_pixel_for_nn":
                return (x + _HALF) / scale
            case "align_corners":
                return _F(0) if self.new == 1 else x * (old - _ONE) / (new - _ONE)
            case "tf_crop_and_resize":
                if self.new > 1:
                    return start * (old - _ONE) + (x * (end - start) * (old - _ONE)) / (new - _ONE)
                return _F(0.5 * float((start + end) * (old - _ONE)))
            case "half_pixel_symmetric":
                adjustment = new / (scale * old)
                offset = old / _F(2) * (_ONE - adjustment)
                return _F(float(offset) + (float(x) + 0.5) / float(scale) - 0.5)
            case _:
                return (x + _HALF) / scale - _HALF

    def _nearest(self, x: np.float32) -> int:
        match self.nearest:
            case "simple":
                return ceil(x) if self.scale < 1 else int(x)
            case "floor":
                return floor(x)
            case "ceil":
                return ceil(x)
            case "round_prefer_ceil":
                return _round(x)
            case _:
                return floor(x) if x == int(x) + 0.5 else _round(x)

    def neighbours(self, place: int) -> tuple[np.float32, int, int]:
        """Without antialiasing, linear: the coordinate, brought into the input, and the two places around it; at the
        end both are the last."""
        x = _F(place) if self.same else self.coordinate(place)
        x = max(_F(0), min(x, _F(self.old - 1)))
        first = min(int(x), self.old - 1)
        return x, first, min(first + 1, self.old - 1)

    def _linear(self, place: int) -> Taps:
        x, first, second = self.neighbours(place)
        if first == second:
            return Taps(np.array([first]), np.ones(1, _F))
        return _merged(np.array([first, second]), np.array([abs(x - _F(second)), abs(x - _F(first))]))

    def _cubic(self, x: np.float32) -> Taps:
        middle = floor(x)
        s, a = _F(x - _F(middle)), _F(self.cubic_a)
        t, far, rest = s + _ONE, _F(2) - s, _ONE - s
        weights = np.array(
            [
                ((a * t - _F(5) * a) * t + _F(8) * a) * t - _F(4) * a,
                ((a + _F(2)) * s - (a + _F(3))) * s * s + _ONE,
                ((a + _F(2)) * rest - (a + _F(3))) * rest * rest + _ONE,
                ((a * far - _F(5) * a) * far + _F(8) * a) * far - _F(4) * a,
            ],
            _F,
        )
        places = np.arange(middle - 1, middle + 3)
        if self.exclude_outside:
            weights[(places < 0) | (places >= self.old)] = 0
            weights /= np.add.accumulate(weights)[-1]
        return _merged(np.clip(places, 0, self.old - 1), weights)

    def _antialiased(self, place: int) -> Taps:
        """A triangle, or a cubic, as wide as the output's place is in the input."""
        coordinate = self.coordinate(place)
        if self.coordinates == "tf_crop_and_resize" and not 0 <= coordinate <= self.old - 1:
            return Taps(np.empty(0, np.int64), np.empty(0, _F), outside=True)
        step = _ONE / _F(self.scale)
        centre = _HALF + (_F(place) if step == 1 else coordinate)
        width = _F(2 if self.mode == "cubic" else 1)
        support = width * step if step >= 1 else width
        shrink = _ONE / step if step >= 1 else _ONE
        first, last = floor(centre - support + _HALF), floor(centre + support + _HALF)
        begin, end = (min(max(n, 0), self.old) for n in (first, last))
        if self.exclude_outside:
            first, last = begin, end
        places = np.arange(first, last)
        weights = self._filter((places.astype(_F) - centre + _HALF) * shrink)
        # In order, as the runtime adds them.
        total = np.add.accumulate(weights)[-1] if len(weights) else _F(0)
        if not self.exclude_outside and begin < end:
            before = min(max(-first, 0), len(places) - 1)
            for x in range(before):
                weights[before] += weights[x]
            after = min(max(last - self.old, 0), len(places) - 1)
            for x in range(len(places) - after, len(places)):
                weights[len(places) - after - 1] += weights[x]
            weights = weights[before : before + end - begin]
        weights = weights * (_ONE / total if total else _ONE)
        return _merged(np.arange(begin, end), weights)

    def _filter(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        x = np.abs(x)
        if self.mode == "linear":
            return np.where(x < 1, _ONE - x, _F(0))
        a = _F(self.cubic_a)
        near = ((a + _F(2)) * x - (a + _F(3))) * x * x + _ONE
        far = (((x - _F(5)) * x + _F(8)) * x - _F(4)) * a
        return np.where(x < 1, near, np.where(x < 2, far, _F(0)))

    def matrix(self) -> NDArray[np.bool_]:
        """[new, old]: which places of the input each place of the output is made of."""
        found = np.zeros((self.new, self.old), bool)
        for place in range(self.new):
            found[place, self.taps(place).places] = True
        return found


def _round(x: np.float32) -> int:
    """To the nearest, halves away from 0."""
    return int(np.copysign(floor(abs(float(x)) + 0.5), x))


def _merged(places: NDArray[np.int64], weights: NDArray[np.float32]) -> Taps:
    """Each place once, and none without weight: the border stands for what lies beyond it."""
    once, which = np.unique(places, return_inverse=True)
    if len(once) < len(places):
        sums = np.zeros(len(once), _F)
        np.add.at(sums, which, weights)
        places, weights = once, sums
    keep = weights != 0
    return Taps(places[keep], weights[keep])
