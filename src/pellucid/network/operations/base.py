"""What one node of an opened graph computes, value by value.

A layer (`network/layers`) is what a person designs; an operation is what a runtime executes, on whole tensors, batch
included, as ONNX defines it. Every file's graph, whoever made it, is operations: ours are read back from the file as
any other. An operation can open one value of its result, and tell which values reach which.

Arithmetic here is float64 over what the runtime stored; the formulas' source is the ONNX operator specification
(onnx/docs/Operators.md) unless a docstring names another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import fsum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = tuple[int, ...]
Shape = tuple[int, ...]
# What an operation is given: one array for each operand, None for an optional one that was left out.
Operands = Sequence[Array | None]


@dataclass(frozen=True, eq=False)
class Part:
    """Values of one operand that enter a result, as arrays of n entries.

    `operand`, which input of the node; `index` int64 [n, rank], where each value stands in it (batch included);
    `values` float64 [n]; `weights` float64 [n], what each is multiplied by, or None where the operation doesn't
    multiply. `weight_operand` and `weight_index` [n, rank of that operand] say where the weights stand, unless they
    follow from the operation alone. `role` names the part in a formula ("x", "mean", "exponent").
    """

    operand: int
    index: NDArray[np.int64]
    values: Numbers
    weights: Numbers | None = None
    weight_operand: int | None = None
    weight_index: NDArray[np.int64] | None = None
    role: str = "x"

    @cached_property
    def products(self) -> Numbers:
        """values x weights. Kept: whoever writes terms down asks for them one by one."""
        return self.values if self.weights is None else self.values * self.weights

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Window:
    """How the terms of a sliding window lie: `cells` [channels, *kernel], the place of each among the terms, or
    -1 where the window hangs over the border and padding stands; `start`, the input's first row and column (may be
    negative); `channels`, the input channel of each plane."""

    cells: NDArray[np.int64]
    start: Index
    step: Index
    channels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Opening:
    """One value of a node's result, opened.

    `parts` are what it is made of. `value` is what they come to, in float64; `magnitude`, the sum of the absolute
    terms, is what rounding is measured against. `facts` are further numbers of the formula by name (the divisor, a
    mean, an epsilon); `window` is there where the operation slides one.
    """

    parts: tuple[Part, ...]
    facts: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    window: Window | None = field(default=None, kw_only=True)

    @property
    def value(self) -> float:
        raise NotImplementedError

    @property
    def magnitude(self) -> float:
        raise NotImplementedError

    @property
    def formula(self) -> str:
        """The operation with its numbers put in."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """How many terms or operands there are."""
        return sum(len(part) for part in self.parts)


@dataclass(frozen=True, eq=False)
class Linear(Opening):
    """(sum of value x weight + bias) / divisor: convolution, dense, average, addition, what merely moves a value.

    `bias_operand` and `bias_index` say where the bias stands. The divisor is that which was really used.
    """

    bias: float = field(default=0.0, kw_only=True)
    bias_operand: int | None = field(default=None, kw_only=True)
    bias_index: Index = field(default=(), kw_only=True)
    divisor: float = field(default=1.0, kw_only=True)

    @cached_property
    def total(self) -> float:
        """The sum of the products alone, rounded once. Kept: of 25,088 terms it takes milliseconds."""
        return fsum(chain.from_iterable(part.products.tolist() for part in self.parts))

    @property
    def value(self) -> float:
        return (self.total + self.bias) / self.divisor

    @property
    def magnitude(self) -> float:
        return (sum(float(np.abs(part.products).sum()) for part in self.parts) + abs(self.bias)) / abs(
            self.divisor
        )

    @property
    def formula(self) -> str:
        text = number(self.total) if self.count else "0"
        if self.count == 1 and self.parts[0].weights is not None:
            text = f"{number(float(self.parts[0].values[0]))} × {number(float(self.parts[0].weights[0]))}"
        if self.bias_operand is not None or self.bias:
            text = f"{text} + {number(self.bias)}" if self.count else number(self.bias)
        if self.divisor != 1:
            text = f"({text}) / {self.divisor:g}" if "+" in text else f"{text} / {self.divisor:g}"
        return text


@dataclass(frozen=True, eq=False)
class Formula(Opening):
    """Any other operation: its `result` in float64, its `text` with the numbers put in ("max(0, -1.3)").

    `scale` is the magnitude that rounding is measured against. `chosen` is the entry of the first part that decided
    (the winner of a maximum), or None. `note` says in words which side was taken ("the input is negative").
    """

    result: float = field(kw_only=True)
    text: str = field(kw_only=True)
    scale: float = field(kw_only=True)
    chosen: int | None = field(default=None, kw_only=True)
    note: str = field(default="", kw_only=True)

    @property
    def value(self) -> float:
        return self.result

    @property
    def magnitude(self) -> float:
        return self.scale

    @property
    def formula(self) -> str:
        return self.text


@dataclass(frozen=True)
class Operation:
    """A node's operation: its attributes, in one form for every version of the ONNX specification.

    Operands that only configure (a shape, pads, axes, limits) are read into fields; the others, and the weights, are
    given as arrays. Masks are boolean arrays of a whole tensor.
    """

    kind: ClassVar[str]  # on the screen: "convolution", "max pooling"
    linear: ClassVar[bool] = False  # every opening is Linear

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        """The value at `index` (batch included) of the node's result number `output`."""
        raise NotImplementedError

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        """For each operand, which of its values reach the marked values of the result; None: none of them.

        By structure, not by value: a weight of zero, a padded border's inside, the losers of a maximum all count.
        Weights and other parameters are operands like any other.
        """
        raise NotImplementedError

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        """Which values of the result the marked values of operand `number` reach."""
        raise NotImplementedError

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        """The result's shape, batch included."""
        raise NotImplementedError


def needed(operands: Operands, number: int) -> Array:
    """An operand that has to be there."""
    array = operands[number]
    assert array is not None
    return array


def any_over(mask: Mask, *axes: int) -> Mask:
    """Whether anything is marked along these axes, which go."""
    return np.asarray(mask.any(axis=axes))


def grid_of(*axes: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """The index of every combination of these positions: array[grid_of(rows, columns)] is a block of the array."""
    return tuple(np.meshgrid(*axes, indexing="ij", sparse=True))


def number(value: float) -> str:
    """A number in a formula: short, exact where it is whole, never -0."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}"
