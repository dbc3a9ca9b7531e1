"""Pooling: the largest, the mean or the p-norm of a sliding window, channel by channel.

Global pooling is a window of the whole plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid.network.operations.base import (
    Formula,
    Index,
    Linear,
    Mask,
    Operands,
    Operation,
    Part,
    Shape,
    Window,
    grid_of,
    needed,
    number,
)
from pellucid.network.operations.sliding import Pads, Slide, reached_places, spread_places


@dataclass(frozen=True)
class Pooling(Operation):
    """x [N, C, *n] -> [N, C, *n']; `pads` (before, after) for each axis, `ceil_mode` lets the last window hang over."""

    kernel: Shape
    stride: Shape
    pads: Pads
    dilation: Shape
    ceil_mode: bool = False

    @property
    def slide(self) -> Slide:
        return Slide(self.kernel, self.stride, self.pads, self.dilation, self.ceil_mode)

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        x = needed(operands, 0)
        return (*x.shape[:2], *self.slide.sizes(x.shape[2:]))

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        x = needed(operands, 0)
        planes = reached_places(self.slide, mask.reshape(-1, *mask.shape[2:]), x.shape[2:])
        return [planes.reshape(x.shape)]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        shape = self.result_shape(operands)
        planes = spread_places(self.slide, mask.reshape(-1, *mask.shape[2:]), shape[2:])
        return planes.reshape(shape)

    def window(self, operands: Operands, index: Index) -> tuple[Part, Window]:
        """What lies under the window of one value, without the padding."""
        x = needed(operands, 0)
        batch, channel, *place = index
        axes = self.slide.taps(x.shape[2:], tuple(place))
        taps = [np.flatnonzero(inside) for _, inside in axes]
        places = [positions[inside] for positions, inside in axes]
        values = x[batch, channel][grid_of(*places)]
        n = values.size
        where = (axis.ravel() for axis in np.meshgrid(*places, indexing="ij"))
        part = Part(
            0,
            np.stack([np.full(n, batch), np.full(n, channel), *where], axis=1),
            values.ravel().astype(np.float64),
        )
        cells = np.full(self.kernel, -1)
        cells[grid_of(*taps)] = np.arange(n).reshape(values.shape)
        window = Window(
            cells[None], self.slide.start(tuple(place)), self.dilation, np.array([channel], np.int64)
        )
        return part, window


@dataclass(frozen=True)
class MaxPooling(Pooling):
    """The largest under the window; the first of equals in the order of rows.

    Result 1 is the winner's place in the whole tensor as one number, its last spatial axis running quickest, or, if
    `column_major`, its first.
    """

    column_major: bool = False

    kind: ClassVar[str] = "max pooling"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, 0)
        part, window = self.window(operands, index)
        if not len(part):  # dilation can step over the whole input; the runtime starts at the least number
            least = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else np.finfo(x.dtype).min
            result = float(least) if output == 0 else -1.0
            return Formula(
                (part,), result=result, text="nothing under the window", scale=abs(result), window=window
            )
        values = part.values
        winner = int(np.argmax(values))
        top = float(values[winner])
        if output == 0:
            text = f"max of {len(part)} values = {number(top)}"
            return Formula((part,), result=top, text=text, scale=abs(top), chosen=winner, window=window)
        batch, channel, *place = (int(n) for n in part.index[winner])
        order = "F" if self.column_major else "C"
        inside = int(np.ravel_multi_index(tuple(place), x.shape[2:], order=order))
        flat = (batch * x.shape[1] + channel) * int(np.prod(x.shape[2:])) + inside
        text = f"place of the maximum {number(top)}"
        return Formula((part,), result=float(flat), text=text, scale=flat, chosen=winner, window=window)


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """The mean of what lies under the window.

    The divisor counts the values inside the input or, with `count_include_pad`, the padding's places, too; never
    those that hang over the padded input's end (`ceil_mode`).
    """

    count_include_pad: bool = False

    kind: ClassVar[str] = "average pooling"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        part, window = self.window(operands, index)
        divisor = len(part)
        if self.count_include_pad:
            spatial = needed(operands, 0).shape[2:]
            divisor = 1
            for (positions, _), n, (_, after) in zip(
                self.slide.taps(spatial, index[2:]), spatial, self.pads, strict=True
            ):
                divisor *= int((positions < n + after).sum())
        return Linear((part,), divisor=float(max(divisor, 1)), window=window)


@dataclass(frozen=True)
class LpPooling(Pooling):
    """(sum of |x|^p)^(1/p) of what lies under the window."""

    p: int = 2

    kind: ClassVar[str] = "Lp pooling"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        part, window = self.window(operands, index)
        total = float((np.abs(part.values) ** self.p).sum())
        result = total ** (1 / self.p)
        text = f"{number(total)}^(1/{self.p})"
        # |x|^p and the root lose a few units in the last place each, relative to the result.
        facts = {"p": float(self.p), "sum of |x|^p": total}
        return Formula((part,), result=result, text=text, scale=result, facts=facts, window=window)
