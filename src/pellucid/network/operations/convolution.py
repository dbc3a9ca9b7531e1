"""Convolution (as machine learning says: cross-correlation) and its transpose, over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid.network.operations.base import (
    Index,
    Linear,
    Mask,
    Operands,
    Operation,
    Part,
    Shape,
    Window,
    any_over,
    grid_of,
    needed,
)
from pellucid.network.operations.sliding import Pads, Slide, hits, reached_places, spread_places, spread_taps

_X, _WEIGHT, _BIAS = 0, 1, 2


@dataclass(frozen=True)
class Convolution(Operation):
    """x [N, C, *n], weight [M, C / groups, *kernel], bias [M] or None -> [N, M, *n'].

    y[b, m, o] = bias[m] + sum over channels c of m's group and places k of the kernel of
    x[b, c, o stride + k dilation - pad] weight[m, c, k]. `pads` are (before, after) for each axis.
    """

    kernel: Shape
    stride: Shape
    pads: Pads
    dilation: Shape
    groups: int = 1

    kind: ClassVar[str] = "convolution"
    linear: ClassVar[bool] = True

    @property
    def slide(self) -> Slide:
        return Slide(self.kernel, self.stride, self.pads, self.dilation)

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        x, weight, bias = needed(operands, _X), needed(operands, _WEIGHT), operands[_BIAS]
        batch, channel, *place = index
        per_group = weight.shape[1]
        first = channel // (len(weight) // self.groups) * per_group
        axes = self.slide.taps(x.shape[2:], tuple(place))
        # Only what lies inside: the rows of the kernel and of the input, axis by axis.
        taps = [np.flatnonzero(inside) for _, inside in axes]
        places = [positions[inside] for positions, inside in axes]
        channels = np.arange(per_group)
        window = x[batch][grid_of(channels + first, *places)]
        kernel = weight[channel][grid_of(channels, *taps)]
        grid = np.meshgrid(channels, *taps, indexing="ij")
        where = np.meshgrid(channels + first, *places, indexing="ij")
        n = window.size
        part = Part(
            _X,
            np.stack([np.full(n, batch), *(axis.ravel() for axis in where)], axis=1),
            window.ravel().astype(np.float64),
            kernel.ravel().astype(np.float64),
            _WEIGHT,
            np.stack([np.full(n, channel), *(axis.ravel() for axis in grid)], axis=1),
        )
        cells = np.full((per_group, *self.kernel), -1)
        cells[grid_of(channels, *taps)] = np.arange(n).reshape(window.shape)
        return Linear(
            (part,),
            bias=0.0 if bias is None else float(bias[channel]),
            bias_operand=None if bias is None else _BIAS,
            bias_index=() if bias is None else (channel,),
            window=Window(cells, self.slide.start(tuple(place)), self.dilation, channels + first),
        )

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        x, weight = needed(operands, _X), needed(operands, _WEIGHT)
        return (x.shape[0], weight.shape[0], *self.slide.sizes(x.shape[2:]))

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x, weight, bias = needed(operands, _X), needed(operands, _WEIGHT), operands[_BIAS]
        taps = np.zeros(weight.shape, bool)
        outputs, spatial = len(weight) // self.groups, x.shape[2:]
        of_group = mask.reshape(len(mask), self.groups, outputs, *mask.shape[2:]).any(2)
        places = reached_places(self.slide, of_group.reshape(-1, *mask.shape[2:]), spatial)
        places = places.reshape(len(x), self.groups, 1, *spatial)
        found = np.broadcast_to(places, (len(x), self.groups, weight.shape[1], *spatial)).reshape(x.shape)
        known: dict[bytes, Mask] = {}  # most filters are marked at the same places
        for m in np.flatnonzero(any_over(mask, 0, *range(2, mask.ndim))):
            plane = any_over(mask[:, m], 0)
            key = plane.tobytes()
            if key not in known:
                known[key] = hits(self.slide, plane, spatial)
            taps[m] = known[key]
        seen = any_over(mask, 0, *range(2, mask.ndim))
        return [found, taps, None if bias is None else seen]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        x, weight = needed(operands, _X), needed(operands, _WEIGHT)
        result = np.zeros(self.result_shape(operands), bool)
        outputs, inputs = len(weight) // self.groups, weight.shape[1]
        if number == _BIAS:
            result[:, mask] = True
        elif number == _WEIGHT:
            for m in np.flatnonzero(any_over(mask, *range(1, mask.ndim))):
                taps = any_over(mask[m], 0)
                result[:, m] = spread_taps(self.slide, taps, x.shape[2:], result.shape[2:])
        else:
            for group in range(self.groups):
                places = any_over(mask[:, group * inputs : (group + 1) * inputs], 1)
                spread = spread_places(self.slide, places, result.shape[2:])
                result[:, group * outputs : (group + 1) * outputs] = spread[:, None]
        return result
