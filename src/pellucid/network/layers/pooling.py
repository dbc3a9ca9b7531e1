"""Pooling: the largest or the mean value of a window, channel by channel. Nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import ClassVar, Self

from pellucid.errors import NetworkError
from pellucid.network.layers.base import Argument, Form, Layer, Shape, Size, Window, needs_planes, size_text
from pellucid.network.layers.window import Pads, Sliding


@dataclass(frozen=True)
class _Pool(Sliding):
    """[c, *n] -> [c, *n']. The stride is the window unless given."""

    window: Size
    stride: Size = ()
    padding: str | Pads = ((0, 0),)

    prefix: ClassVar[str] = "pool"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("window", Form.SIZE),
        Argument("stride", Form.SIZE, "stride"),
        Argument("padding", Form.PADDING, "pad"),
    )

    def __post_init__(self) -> None:
        if self.stride == ():
            object.__setattr__(self, "stride", self.window)
        super().__post_init__()

    @property
    def extent(self) -> Size:
        return self.window

    def for_rank(self, rank: int) -> Self:
        layer = super().for_rank(rank)
        for pads, f in (
            zip(layer.padding, layer.window, strict=True) if isinstance(layer.padding, tuple) else ()
        ):
            if max(pads) >= f:
                raise NetworkError(
                    f"padding {max(pads)} must be smaller than the window {f}, "
                    "or a window holds padding alone",
                    remedy=f"pad {f - 1} at most",
                )
        return layer

    def output_shape(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *self.slide(inputs[0]))


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest value of each window; padding never wins (it counts as minus infinity)."""

    word: ClassVar[str] = "maxpool"


@dataclass(frozen=True)
class AvgPool(_Pool):
    """The mean of each window: over the cells inside the input, or over all with `count_include_pad`."""

    count_include_pad: bool = False

    word: ClassVar[str] = "avgpool"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *_Pool.arguments,
        Argument("count_include_pad", Form.FLAG, "countpad"),
    )


@dataclass(frozen=True)
class _Global(Layer):
    """[c, *n] -> [c, 1, ...], as many axes as before."""

    prefix: ClassVar[str] = "pool"
    sees_all: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        needs_planes(self.word, inputs[0])
        return (inputs[0][0],) + (1,) * (len(inputs[0]) - 1)

    def shape_formula(self, *inputs: Shape) -> str:
        return f"one value for each of {inputs[0][0]} channels"


@dataclass(frozen=True)
class GlobalAvgPool(_Global):
    """The mean of each channel."""

    word: ClassVar[str] = "globalavgpool"


@dataclass(frozen=True)
class GlobalMaxPool(_Global):
    """The largest value of each channel."""

    word: ClassVar[str] = "globalmaxpool"


@dataclass(frozen=True)
class _Adaptive(Layer):
    """[c, *n] -> [c, *size], whatever n: window i of an axis is floor(i n/m) to ceil((i + 1) n/m).

    Source of the rule: PyTorch's adaptive pooling. Where m divides n it is plain pooling with window n/m.
    """

    size: Size

    prefix: ClassVar[str] = "pool"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("size", Form.SIZE),)

    def output_shape(self, *inputs: Shape) -> Shape:
        needs_planes(self.word, inputs[0])
        return (inputs[0][0], *self.size)

    def spans(self, *inputs: Shape) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each spatial axis, the (start, end) of every output place's window."""
        return tuple(
            tuple((i * n // m, -(-(i + 1) * n // m)) for i in range(m))
            for n, m in zip(inputs[0][1:], self.size, strict=True)
        )

    def windows(self, *inputs: Shape) -> tuple[Window, ...]:
        return tuple(
            Window(ceil(step + 1 - Fraction(1, step.denominator)), step)  # the longest of the spans
            for step in (Fraction(n, m) for n, m in zip(inputs[0][1:], self.size, strict=True))
        )

    def shape_formula(self, *inputs: Shape) -> str:
        return f"{size_text(inputs[0])} to {' x '.join(str(n) for n in self.size)} in each channel, as asked"


@dataclass(frozen=True)
class AdaptiveAvgPool(_Adaptive):
    """The mean of each adaptive window."""

    word: ClassVar[str] = "adaptiveavgpool"


@dataclass(frozen=True)
class AdaptiveMaxPool(_Adaptive):
    """The largest value of each adaptive window."""

    word: ClassVar[str] = "adaptivemaxpool"


def with_window(pool: _Pool, size: Size) -> _Pool:
    """The same pooling with another window; its stride follows where it was the window's."""
    return replace(pool, window=size, stride=size if pool.stride == pool.window else pool.stride)
