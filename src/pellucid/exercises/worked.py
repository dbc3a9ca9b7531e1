"""Small networks with whole numbers, run by onnxruntime and opened: where the answers and the workings come from.

Wrong answers come from the same operations with other operands: the kernel flipped, the bias left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import EngineError
from pellucid.inside.number import Inside
from pellucid.inside.plain import in_line
from pellucid.model.running import open_network
from pellucid.network import Network
from pellucid.network.operations import Operation
from pellucid.network.operations.convolution import Convolution

Values = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
Rows = tuple[tuple[int | float, ...], ...]


class Worked:
    """A network from its text, run on an input [channels, height, width] or [values] with these weights, opened."""

    def __init__(self, text: str, values: ArrayLike, weights: Mapping[str, ArrayLike] | None = None):
        array = np.asarray(values, np.float32)
        self.network = Network.from_text(text, array.shape)
        self.inside = Inside(open_network(self.network, array, weights or {}))

    def value(self, layer: str, *index: int) -> int | float:
        """One value, from 0, channel first: the sum of its terms, which is what the runtime stored."""
        number = self.inside.at(_place(layer, index))
        if not number.closes or number.sum is None:
            raise EngineError(
                "the runtime computes another value than its terms come to",
                where=str(number.place),
                received=f"{number.stored}, the terms come to {number.sum}",
                remedy="pip install --force-reinstall onnxruntime",
            )
        return exact(number.sum)

    def line(self, layer: str, *index: int, padding: bool = True) -> str:
        """The arithmetic of one value: "1*2+3*(-1) = -1"; with padding as 0*weight."""
        return in_line(self.inside, self.inside.at(_place(layer, index)), padding)

    def plane(self, layer: str, channel: int = 0) -> Rows:
        """One channel of a layer, as rows."""
        _, height, width = self.inside.places.short(self.inside.places.tensor(layer))
        return tuple(tuple(self.value(layer, channel, y, x) for x in range(width)) for y in range(height))

    def vector(self, layer: str) -> tuple[int | float, ...]:
        """The values of a flat layer."""
        (count,) = self.inside.places.short(self.inside.places.tensor(layer))
        return tuple(self.value(layer, i) for i in range(count))

    def lines(self, layer: str, channel: int = 0) -> tuple[str, ...]:
        """The arithmetic of every value of a channel, places counted from 1."""
        _, height, width = self.inside.places.short(self.inside.places.tensor(layer))
        return tuple(
            f"row {y + 1}, column {x + 1}: `{self.line(layer, channel, y, x)}`"
            for y in range(height)
            for x in range(width)
        )


def computed(operation: Operation, *operands: Any) -> Values:
    """Every value of an operation, opened one by one; batch included."""
    shape = operation.result_shape(operands)
    result = np.empty(shape)
    for index in np.ndindex(*shape):
        result[index] = operation.open(operands, index).value
    return result


def slid(
    values: ArrayLike,
    kernels: ArrayLike,
    bias: ArrayLike = 0,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Values:
    """Cross-correlation: [c, h, w] under kernels [k, c / groups, f, f] -> [k, h', w']. `padding` on each side, or
    (before, after). No values where the kernel doesn't fit."""
    x, weight = np.asarray(values, np.float64), np.asarray(kernels, np.float64)
    pads = (padding, padding) if isinstance(padding, int) else padding
    reach = dilation * (weight.shape[-1] - 1) + 1
    if min(x.shape[1:]) + sum(pads) < reach:
        return np.empty((len(weight), 0, 0))
    operation = Convolution(weight.shape[2:], (stride, stride), (pads, pads), (dilation, dilation), groups)
    biases = np.broadcast_to(np.asarray(bias, np.float64), (len(weight),))
    return computed(operation, x[None], weight, biases)[0]


def exact(value: float) -> int | float:
    """A whole number as an int."""
    return int(value) if value == int(value) else float(value)


def rows_of(array: ArrayLike) -> Rows:
    """[h, w] as rows of numbers."""
    return tuple(tuple(exact(float(n)) for n in row) for row in np.asarray(array))


def at(array: NDArray[Any], *index: int) -> int | float | None:
    """A value, or None where there is none at this place."""
    inside = all(0 <= i < n for i, n in zip(index, array.shape, strict=True))
    return exact(float(array[index])) if inside else None


def _place(layer: str, index: tuple[int, ...]) -> str:
    return f"{layer}[{','.join(str(i) for i in index)}]"
