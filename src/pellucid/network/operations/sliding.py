"""A window that slides over the spatial axes: where it lies, what it touches. Shared by convolution and pooling."""

from __future__ import annotations

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
    found = np.zeros((len(mask), *spatial), bool)
    for tap in _taps(slide.kernel):
        pairs = _pairs(slide, spatial, mask.shape[1:], tap)
        if pairs:
            outputs, inputs = (tuple(pair[side] for pair in pairs) for side in (0, 1))
            found[(slice(None), *inputs)] |= mask[(slice(None), *outputs)]
    return found


def spread_places(slide: Slide, mask: Mask, kernel: Mask | None = None) -> Mask:
    """Which windows [N, *sizes] have a marked place of the input [N, *spatial] under them (under `kernel` only)."""
    spatial = mask.shape[1:]
    sizes = slide.sizes(spatial)
    found = np.zeros((len(mask), *sizes), bool)
    for tap in _taps(slide.kernel):
        pairs = _pairs(slide, spatial, sizes, tap) if kernel is None or kernel[tap] else None
        if pairs:
            outputs, inputs = (tuple(pair[side] for pair in pairs) for side in (0, 1))
            found[(slice(None), *outputs)] |= mask[(slice(None), *inputs)]
    return found


def hits(slide: Slide, mask: Mask, spatial: Shape) -> Mask:
    """Which places of the kernel lie inside the input in one of the marked windows [*sizes]."""
    found = np.zeros(slide.kernel, bool)
    for tap in _taps(slide.kernel):
        pairs = _pairs(slide, spatial, mask.shape, tap)
        found[tap] = bool(pairs) and bool(mask[tuple(outputs for outputs, _ in pairs)].any())
    return found
