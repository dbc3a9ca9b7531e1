"""A window that slides over the spatial axes: where it lies, what it touches. Shared by convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pellucid.network.operations.base import Index, Mask, Shape

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Slide:
    """A window of `kernel` places, `dilation` apart, moved by `stride`; `pads` (before, after) for each axis.

    With `ceil_mode` the last window may hang over the end (it has to begin inside the input or its left padding).
    """

    kernel: Shape
    stride: Shape
    pads: Pads
    dilation: Shape
    ceil_mode: bool = False

    def sizes(self, spatial: Shape) -> Shape:
        """How many windows there are on each axis: floor((n + p - d(f - 1) - 1) / s) + 1, or ceil."""
        sizes = []
        for n, f, s, (before, after), d in zip(
            spatial, self.kernel, self.stride, self.pads, self.dilation, strict=True
        ):
            spare = n + before + after - d * (f - 1) - 1
            count = spare // s + 1
            if self.ceil_mode and spare % s and count * s < n + before:
                count += 1
            sizes.append(count)
        return tuple(sizes)

    def start(self, place: Index) -> Index:
        """The window's first position in the input, axis by axis; negative in the padding."""
        return tuple(o * s - before for o, s, (before, _) in zip(place, self.stride, self.pads, strict=True))

    def taps(self, spatial: Shape, place: Index) -> list[tuple[NDArray[np.int64], Mask]]:
        """For each axis: the input's position under each place of the kernel, and which of them are inside."""
        axes = []
        for n, f, d, first in zip(spatial, self.kernel, self.dilation, self.start(place), strict=True):
            positions = first + d * np.arange(f)
            axes.append((positions, (positions >= 0) & (positions < n)))
        return axes


def _pairs(slide: Slide, spatial: Shape, sizes: Shape, tap: Index) -> list[tuple[slice, slice]] | None:
    """For one place of the kernel: on each axis the outputs whose tap lies inside, and the inputs under them."""
    pairs = []
    for n, o, s, (before, _), d, k in zip(
        spatial, sizes, slide.stride, slide.pads, slide.dilation, tap, strict=True
    ):
        offset = k * d - before  # output i looks at i s + offset
        first = (s - 1 - offset) // s if offset < 0 else 0
        last = min(o, (n - 1 - offset) // s + 1)
        if last <= first:
            return None
        pairs.append((slice(first, last), slice(first * s + offset, (last - 1) * s + offset + 1, s)))
    return pairs


def _taps(kernel: Shape) -> product[Index]:
    return product(*(range(f) for f in kernel))


def reached_places(slide: Slide, mask: Mask, spatial: Shape) -> Mask:
    """Which places of the input [N, *spatial] lie under the marked windows [N, *sizes]."""
    # A window is a box: axis by axis is the same, and takes the sum of the kernel's sides, not their product.
    found = mask
    for axis, n in enumerate(spatial, 1):
        outputs = found
        found = np.zeros((*outputs.shape[:axis], n, *outputs.shape[axis + 1 :]), bool)
        for windows, places in _lines(slide, axis - 1, n, outputs.shape[axis]):
            found[_along(axis, places)] |= outputs[_along(axis, windows)]
    return found


def spread_places(slide: Slide, mask: Mask, sizes: Shape) -> Mask:
    """Which windows [N, *sizes] have a marked place of the input [N, *spatial] under them."""
    found = mask
    for axis, size in enumerate(sizes, 1):
        inputs = found
        found = np.zeros((*inputs.shape[:axis], size, *inputs.shape[axis + 1 :]), bool)
        for windows, places in _lines(slide, axis - 1, inputs.shape[axis], size):
            found[_along(axis, windows)] |= inputs[_along(axis, places)]
    return found


def spread_taps(slide: Slide, kernel: Mask, spatial: Shape, sizes: Shape) -> Mask:
    """Which windows [*sizes] have a marked place of the kernel inside the input."""
    found = np.zeros(sizes, bool)
    for tap in zip(*np.nonzero(kernel), strict=True):
        pairs = _pairs(slide, spatial, sizes, tap)
        if pairs:
            found[tuple(windows for windows, _ in pairs)] = True
    return found


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, part)


def _lines(slide: Slide, axis: int, n: int, size: int) -> Iterator[tuple[slice, slice]]:
    """On one axis of n places and `size` windows, for each place of the kernel: the windows whose tap lies inside,
    and the places under them."""
    line = Slide((slide.kernel[axis],), (slide.stride[axis],), (slide.pads[axis],), (slide.dilation[axis],))
    for tap in range(slide.kernel[axis]):
        pairs = _pairs(line, (n,), (size,), (tap,))
        if pairs:
            yield pairs[0]


def hits(slide: Slide, mask: Mask, spatial: Shape) -> Mask:
    """Which places of the kernel lie inside the input in one of the marked windows [*sizes]."""
    found = np.zeros(slide.kernel, bool)
    for tap in _taps(slide.kernel):
        pairs = _pairs(slide, spatial, mask.shape, tap)
        found[tap] = bool(pairs) and bool(mask[tuple(windows for windows, _ in pairs)].any())
    return found


def touched_taps(slide: Slide, mask: Mask, sizes: Shape) -> Mask:
    """Which places of the kernel lie on a marked place of the input [*spatial] in one of all windows [*sizes]."""
    found = np.zeros(slide.kernel, bool)
    for tap in _taps(slide.kernel):
        pairs = _pairs(slide, mask.shape, sizes, tap)
        found[tap] = bool(pairs) and bool(mask[tuple(places for _, places in pairs)].any())
    return found
