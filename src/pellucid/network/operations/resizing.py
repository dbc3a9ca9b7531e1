"""Resizing: each value a weighted sum of values around its place in the input, axis by axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.network.operations.base import (
    Array,
    Formula,
    Index,
    Linear,
    Mask,
    Opening,
    Operands,
    Operation,
    Part,
    Shape,
    grid_of,
    needed,
    number,
)
from pellucid.network.operations.resampling import Axis, Taps

# onnxruntime resamples grey levels with weights in units of 2^-22, and rounds to whole levels after each axis.
_BITS = 22
_KEPT = 16


@dataclass(frozen=True)
class Resize(Operation):
    """x [*n] -> [*n'], every axis by its own `Axis`.

    Grey levels (uint8) become grey levels: antialiased, in fixed point, rounded after each axis, the last axis first;
    else summed in float32 and cut off to whole levels. `extrapolation` stands where a crop reaches out of the input.
    """

    axes: tuple[Axis, ...]
    extrapolation: float = 0.0

    kind: ClassVar[str] = "resize"

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return tuple(axis.new for axis in self.axes)

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        x = needed(operands, 0)
        taps = [axis.taps(place) for axis, place in zip(self.axes, index, strict=True)]
        whole = x.dtype.kind in "iu"
        if any(tap.outside for tap in taps):
            return Linear((), bias=float(int(self.extrapolation)) if whole else self.extrapolation)
        block = x[grid_of(*(tap.places for tap in taps))]
        where = np.meshgrid(*(tap.places for tap in taps), indexing="ij")
        places = np.stack([axis.ravel() for axis in where], axis=1)
        if whole and any(axis.mode != "nearest" and not axis.same for axis in self.axes):
            return self._levels(x, index, block, places, taps)
        weights = _outer([tap.weights.astype(np.float64) for tap in taps]).ravel()
        only = len(weights) == 1 and weights[0] == 1  # merely moved
        return Linear((Part(0, places, block.ravel().astype(np.float64), None if only else weights),))

    def _levels(
        self, x: Array, index: Index, block: Array, places: NDArray[np.int64], taps: list[Taps]
    ) -> Formula:
        """Whole numbers: the sum is brought back to one."""
        if any(axis.antialias for axis in self.axes):
            fixed = [
                np.ones(1, np.int64) if axis.same else _fixed(tap)
                for axis, tap in zip(self.axes, taps, strict=True)
            ]
            units = [1 if axis.same else 1 << _BITS for axis in self.axes]
            weights = _outer([w / unit for w, unit in zip(fixed, units, strict=True)]).ravel()
            level, steps = _in_passes(block, fixed, self.axes)
            exact = float(block.ravel() @ weights)
            text = f"{steps} -> {level}"
        else:
            weights = _outer([tap.weights.astype(np.float64) for tap in taps]).ravel()
            level = _cut_off(x, index, self.axes)
            exact = float(block.ravel() @ weights)
            text = f"{number(exact)}, cut off to {level}"
        part = Part(0, places, block.ravel().astype(np.float64), weights)
        return Formula(
            (part,), result=float(level), text=text, scale=abs(level), facts={"before rounding": exact}
        )

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        found = mask
        for number_, axis in enumerate(self.axes):
            if not axis.same:
                found = _through(found, number_, _matrix(axis).T)
        return [found]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        found = mask
        for number_, axis in enumerate(self.axes):
            if not axis.same:
                found = _through(found, number_, _matrix(axis))
        return found


@lru_cache(maxsize=_KEPT)
def _matrix(axis: Axis) -> Mask:
    return axis.matrix()


def _through(mask: Mask, axis: int, matrix: Mask) -> Mask:
    """The mask with this axis [old] seen through matrix [new, old]."""
    # float32: counts stay exact far beyond any axis' length, and the product is one of matrices.
    counts = np.tensordot(matrix.astype(np.float32), mask.astype(np.float32), (1, axis))
    return np.moveaxis(counts > 0, 0, axis)


def _outer(weights: list[Array]) -> Array:
    """The product of one weight of each axis: [*n]."""
    product = np.ones((), weights[0].dtype)
    for each in reversed(weights):  # in float32 the order shows
        product = each.reshape(-1, *(1,) * product.ndim) * product
    return product


def _cut_off(x: Array, index: Index, axes: tuple[Axis, ...]) -> int:
    """The grey level that onnxruntime makes of two neighbours on each axis, without antialiasing.

    With the channels last in units of 2^-10, else in float32, terms in the order of places; either is cut off, so
    that a plane of one level can come out one lower.
    """
    rank = len(axes)
    last = rank == 4 and axes[1].scale != 1
    # Two neighbours are taken on these axes even where they don't change.
    spatial = (1, 2) if last else range(2 if rank > 3 else 0, rank)
    pairs, weights = [], []
    for number_, (axis, place) in enumerate(zip(axes, index, strict=True)):
        if number_ not in spatial:
            pairs.append(np.array([place]))
            weights.append(np.ones(1, np.int64 if last else np.float32))
            continue
        at, first, second = axis.neighbours(place)
        pairs.append(np.array([first, second]))
        if last:
            fixed = int(at * np.float32(1 << 10))
            pair = (abs(fixed - (second << 10)), abs(fixed - (first << 10))) if first < second else (512, 512)
            weights.append(np.array(pair, np.int64))
        else:
            pair = (
                (abs(at - np.float32(second)), abs(at - np.float32(first))) if first < second else (0.5, 0.5)
            )
            weights.append(np.array(pair, np.float32))
    block = x[grid_of(*pairs)].ravel()
    if last:
        return int(_outer(weights).ravel() @ block.astype(np.int64)) >> 20
    return int(np.add.accumulate(_outer(weights).ravel() * block.astype(np.float32))[-1])


def _fixed(tap: Taps) -> NDArray[np.int64]:
    """Weights in units of 2^-22, halves away from 0."""
    scaled = (tap.weights * np.float32(1 << _BITS)).astype(np.float64)
    return np.copysign(np.floor(np.abs(scaled) + 0.5), scaled).astype(np.int64)


def _in_passes(block: Array, weights: list[NDArray[np.int64]], axes: tuple[Axis, ...]) -> tuple[int, str]:
    """One grey level from a block of them, the last axis first, each pass rounded; and in words, what it went
    through."""
    levels = block.astype(np.int64)
    words: list[str] = []
    exact = 0.0
    for number_ in reversed(range(levels.ndim)):
        if axes[number_].same:
            levels = levels.take(0, number_)
            continue
        sums = np.tensordot(levels, weights[number_], (number_, 0))
        words.append(f"{levels.size} grey levels" if not words else f"{levels.size} rounded to whole levels")
        exact = float(np.ravel(sums)[0]) / (1 << _BITS)
        levels = np.clip((sums + (1 << (_BITS - 1))) >> _BITS, 0, 255)
    return int(levels), f"{', '.join(words)}, weighted {number(exact)}"
