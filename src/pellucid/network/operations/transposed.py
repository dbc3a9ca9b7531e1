"""Transposed convolution: each value of the input spreads over the output as a convolution's window would gather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.network.operations.base import (
    Index,
    Linear,
    Mask,
    Operands,
    Operation,
    Part,
    Shape,
    any_over,
    grid_of,
    needed,
)
from pellucid.network.operations.sliding import Pads, Slide, reached_places, spread_places, touched_taps

_X, _WEIGHT, _BIAS = 0, 1, 2


@dataclass(frozen=True)
class TransposedConvolution(Operation):
    """x [N, C, *n], weight [C, M / groups, *kernel], bias [M] or None -> [N, M, *n'].

    y[b, m, o] = bias[m] + sum over channels c of m's group, places k of the kernel and places i of the input with
    o = i stride + k dilation - pad, of x[b, c, i] weight[c, m, k].
    n' = stride (n - 1) + dilation (kernel - 1) + 1 - pads + output_padding.
    """

    kernel: Shape
    stride: Shape
    pads: Pads
    dilation: Shape
    output_padding: Shape
    groups: int = 1

    kind: ClassVar[str] = "transposed convolution"
    linear: ClassVar[bool] = True

    @property
    def slide(self) -> Slide:
        """The window that slides over the *output*, one place for each place of the input."""
        return Slide(self.kernel, self.stride, self.pads, self.dilation)

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        x, weight, bias = needed(operands, _X), needed(operands, _WEIGHT), operands[_BIAS]
        batch, channel, *place = index
        group, own = divmod(channel, weight.shape[1])
        per_group = x.shape[1] // self.groups
        channels = np.arange(group * per_group, (group + 1) * per_group)
        axes = [self._meeting(axis, x.shape[2 + axis], o) for axis, o in enumerate(place)]
        taps, places = [taps for taps, _ in axes], [places for _, places in axes]
        values = x[batch][grid_of(channels, *places)]
        kernel = weight[:, own][grid_of(channels, *taps)]
        n = values.size
        where = [axis.ravel() for axis in np.meshgrid(channels, *places, indexing="ij")]
        of_kernel = [axis.ravel() for axis in np.meshgrid(channels, *taps, indexing="ij")]
        part = Part(
            _X,
            np.stack([np.full(n, batch), *where], axis=1),
            values.ravel().astype(np.float64),
            kernel.ravel().astype(np.float64),
            _WEIGHT,
            np.stack([of_kernel[0], np.full(n, own), *of_kernel[1:]], axis=1),
        )
        return Linear(
            (part,),
            bias=0.0 if bias is None else float(bias[channel]),
            bias_operand=None if bias is None else _BIAS,
            bias_index=() if bias is None else (channel,),
        )

    def _meeting(self, axis: int, n: int, o: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """On one axis: the places of the kernel, and of the input, that meet at place o of the output."""
        taps = np.arange(self.kernel[axis])
        steps = o + self.pads[axis][0] - taps * self.dilation[axis]
        places, rest = np.divmod(steps, self.stride[axis])
        meet = (rest == 0) & (places >= 0) & (places < n)
        return taps[meet], places[meet]

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        x, weight = needed(operands, _X), needed(operands, _WEIGHT)
        sizes = (
            s * (n - 1) + d * (f - 1) + 1 - before - after + extra
            for n, f, s, (before, after), d, extra in zip(
                x.shape[2:],
                self.kernel,
                self.stride,
                self.pads,
                self.dilation,
                self.output_padding,
                strict=True,
            )
        )
        return (x.shape[0], weight.shape[1] * self.groups, *sizes)

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x, weight, bias = needed(operands, _X), needed(operands, _WEIGHT), operands[_BIAS]
        found, kernel = np.zeros(x.shape, bool), np.zeros(weight.shape, bool)
        outputs, inputs = weight.shape[1], x.shape[1] // self.groups
        for group in range(self.groups):
            of_group = mask[:, group * outputs : (group + 1) * outputs]
            own = slice(group * inputs, (group + 1) * inputs)
            found[:, own] = spread_places(self.slide, any_over(of_group, 1), x.shape[2:])[:, None]
            for m in np.flatnonzero(any_over(of_group, 0, *range(2, of_group.ndim))):
                kernel[own, m] = touched_taps(self.slide, any_over(of_group[:, m], 0), x.shape[2:])
        seen = any_over(mask, 0, *range(2, mask.ndim))
        return [found, kernel, None if bias is None else seen]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        x, weight = needed(operands, _X), needed(operands, _WEIGHT)
        result = np.zeros(self.result_shape(operands), bool)
        outputs, inputs = weight.shape[1], x.shape[1] // self.groups
        if number == _BIAS:
            result[:, mask] = True
            return result
        everywhere = np.ones((1, *x.shape[2:]), bool)
        for group in range(self.groups):
            own = slice(group * inputs, (group + 1) * inputs)
            first = group * outputs
            if number == _X:
                places = reached_places(self.slide, any_over(mask[:, own], 1), result.shape[2:])
                result[:, first : first + outputs] = places[:, None]
                continue
            for m in np.flatnonzero(any_over(mask[own], 0, *range(2, mask.ndim))):
                taps = any_over(mask[own, m], 0)
                for tap in zip(*np.nonzero(taps), strict=True):
                    result[:, first + m] |= reached_places(self._one_tap(tap), everywhere, result.shape[2:])
        return result

    def _one_tap(self, tap: Index) -> Slide:
        """The slide of one place of the kernel alone."""
        pads = tuple(
            (before - k * d, after)
            for k, d, (before, after) in zip(tap, self.dilation, self.pads, strict=True)
        )
        return Slide((1,) * len(tap), self.stride, pads, self.dilation)
