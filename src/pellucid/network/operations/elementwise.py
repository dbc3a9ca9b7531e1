"""What joins tensors value by value, broadcast: addition, products, quotients, the greatest, comparisons, choices.

Integers come out as the runtime keeps them: sums wrap (as a bias that is a multiple of 2^bits), quotients lose their
fraction.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

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
    needed,
    number,
)
from pellucid.network.operations.broadcasting import narrowed, one, place_in, widened
from pellucid.network.operations.pointwise import kept, wrapped


@dataclass(frozen=True)
class Elementwise(Operation):
    """y[i] = f(a[i], b[i], ...), broadcast as NumPy does.

    Before opset 7 the second operand's axes could begin at an axis of the first's: `tail` is how many axes of the
    first come after them.
    """

    tail: int = 0

    def shapes(self, operands: Operands) -> list[Shape]:
        """Each operand's shape, so that NumPy's rule holds."""
        shapes = [array.shape for array in operands if array is not None]
        return [shape + (1,) * self.tail if place == 1 else shape for place, shape in enumerate(shapes)]

    def places(self, operands: Operands, index: Index) -> list[Index]:
        """Where each operand's value stands."""
        places = [place_in(index, shape) for shape in self.shapes(operands)]
        if self.tail:
            places[1] = places[1][: len(places[1]) - self.tail]
        return places

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return np.broadcast_shapes(*self.shapes(operands))

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        shapes = self.shapes(operands)
        return [
            narrowed(mask, shape).reshape(needed(operands, place).shape) for place, shape in enumerate(shapes)
        ]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return widened(mask.reshape(self.shapes(operands)[number]), self.result_shape(operands))


def _wrap(exact: int, dtype: np.dtype[Any]) -> float:
    """What an integer type adds to a result so that it fits: a multiple of 2^bits, mostly 0."""
    return float(wrapped(exact, dtype) - exact)


def _is_whole(array: Array) -> bool:
    return array.dtype.kind in "iu"


@dataclass(frozen=True)
class Addition(Elementwise):
    """a + b + ...; with `sign` -1, a - b."""

    sign: int = 1

    kind: ClassVar[str] = "addition"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        arrays, places = [needed(operands, n) for n in range(len(operands))], self.places(operands, index)
        weights = [1 if n == 0 else self.sign for n in range(len(arrays))]
        parts = tuple(
            one(n, array, place, weight=None if weight == 1 else float(weight))
            for n, (array, place, weight) in enumerate(zip(arrays, places, weights, strict=True))
        )
        bias = 0.0
        if _is_whole(arrays[0]):
            exact = sum(int(a[p]) * w for a, p, w in zip(arrays, places, weights, strict=True))
            bias = _wrap(exact, arrays[0].dtype)
        return Linear(parts, bias=bias)


@dataclass(frozen=True)
class Mean(Elementwise):
    """(a + b + ...) / n."""

    kind: ClassVar[str] = "mean"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        parts = tuple(
            one(n, needed(operands, n), place) for n, place in enumerate(self.places(operands, index))
        )
        return Linear(parts, divisor=float(len(parts)))


@dataclass(frozen=True)
class Multiplication(Elementwise):
    """a b: a is the value, b what it is multiplied by. Which of them is a weight is for the reader of the graph."""

    kind: ClassVar[str] = "multiplication"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Linear:
        a, b = needed(operands, 0), needed(operands, 1)
        of_a, of_b = self.places(operands, index)
        value, weight = one(0, a, of_a), one(1, b, of_b)
        part = Part(0, value.index, value.values, weight.values, 1, weight.index)
        bias = _wrap(int(a[of_a]) * int(b[of_b]), a.dtype) if _is_whole(a) else 0.0
        return Linear((part,), bias=bias)


@dataclass(frozen=True)
class _Two(Elementwise):
    """f(a, b) of two operands, as a formula."""

    roles: ClassVar[tuple[str, str]] = ("x", "y")

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        """Of two numbers of the operands' own types (Python's, if whole): the result, the text, what rounding is
        measured against (None: the result), and a note."""
        raise NotImplementedError

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        arrays = [needed(operands, 0), needed(operands, 1)]
        places = self.places(operands, index)
        parts = tuple(one(n, arrays[n], places[n], self.roles[n]) for n in (0, 1))
        both = [
            int(array[place]) if array.dtype.kind in "iub" else np.float64(array[place])
            for array, place in zip(arrays, places, strict=True)
        ]
        with np.errstate(all="ignore"):
            result, text, scale, note = self.at(*both)
        result = kept(result, arrays[0].dtype)
        return Formula(
            parts, result=result, text=text, scale=float(abs(result) if scale is None else scale), note=note
        )


@dataclass(frozen=True)
class Division(_Two):
    """a / b; of whole numbers, without the fraction (towards zero)."""

    roles: ClassVar[tuple[str, str]] = ("x", "divisor")
    kind: ClassVar[str] = "division"

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        text = f"{number(a)} / {number(b)}"
        if isinstance(a, int):
            result = 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return result, text, None, "without the fraction" if b and a % b else ""
        return np.divide(a, b), text, None, ""


@dataclass(frozen=True)
class Power(_Two):
    """a ^ b, in a's type."""

    roles: ClassVar[tuple[str, str]] = ("x", "exponent")
    kind: ClassVar[str] = "power"

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        text = f"{number(a)} ^ {number(b)}"
        if isinstance(a, int):
            if isinstance(b, int) and b >= 0:
                return pow(a, b, 1 << 64), text, None, ""  # as many bits as the widest type keeps
            return float(np.trunc(np.power(np.float64(a), b))), text, None, ""
        return float(np.power(a, np.float64(b))), text, None, ""


@dataclass(frozen=True)
class Remainder(_Two):
    """a - floor(a / b) b, of b's sign; with `truncated`, a - trunc(a / b) b, of a's sign."""

    truncated: bool = False

    roles: ClassVar[tuple[str, str]] = ("x", "divisor")
    kind: ClassVar[str] = "remainder"

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        text = (
            f"{number(a)} - {'trunc' if self.truncated else 'floor'}({number(a)} / {number(b)}) × {number(b)}"
        )
        if isinstance(a, int):
            if b == 0:
                return 0, text, None, ""
            return (int(math.copysign(1, a)) * (abs(a) % abs(b)) if self.truncated else a % b), text, None, ""
        result = float(np.fmod(a, b) if self.truncated else np.mod(a, b))
        # A runtime's fmod is exact; for b's sign it may add b.
        return result, text, abs(result) if self.truncated else abs(result) + abs(b), ""


# sign: the function of two numbers that are 0 or 1, or any.
_LOGIC: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "≤": operator.le,
    ">": operator.gt,
    "≥": operator.ge,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}


@dataclass(frozen=True)
class Logic(_Two):
    """A comparison or a connective by its sign: 1 where it holds."""

    sign: str = "="

    kind: ClassVar[str] = "comparison"

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        holds = bool(_LOGIC[self.sign](a, b))
        return float(holds), f"{number(a)} {self.sign} {number(b)}", None, "true" if holds else "false"


@dataclass(frozen=True)
class ParametricRelu(_Two):
    """x, or x times its slope where x is negative."""

    roles: ClassVar[tuple[str, str]] = ("x", "slope")
    kind: ClassVar[str] = "PReLU"

    def at(self, a: Any, b: Any) -> tuple[float, str, float | None, str]:
        if a < 0:
            return a * b, f"{number(b)} × {number(a)}", None, "the input is negative"
        note = "the input is positive" if a > 0 else "the input is 0" if a == 0 else ""
        return a, number(a), None, note


# As many operands as are named one by one in a text.
_NAMED = 6


@dataclass(frozen=True)
class Extreme(Elementwise):
    """max(a, b, ...), or min: the first part is the operand that was taken (the first of equal ones)."""

    largest: bool = True

    kind: ClassVar[str] = "the greatest or least of several"

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        parts = [one(n, needed(operands, n), place) for n, place in enumerate(self.places(operands, index))]
        values = np.concatenate([part.values for part in parts])
        taken = int(
            np.argmax(values) if self.largest else np.argmin(values)
        )  # the first nan, if there is one
        parts.insert(0, parts.pop(taken))
        name = "max" if self.largest else "min"
        text = f"{name}({_listed(values)})"
        result = float(values[taken])
        return Formula(tuple(parts), result=result, text=text, scale=abs(result), chosen=0)


def _listed(values: Sequence[float] | Array) -> str:
    if len(values) > _NAMED:
        return f"{', '.join(map(number, values[: _NAMED - 1]))}, ... {len(values)} values"
    return ", ".join(map(number, values))


@dataclass(frozen=True)
class Choice(Elementwise):
    """a where the condition (the first operand) holds, else b: the value that is taken moves here."""

    kind: ClassVar[str] = "choice"
    linear: ClassVar[bool] = True

    def open(self, operands: Operands, index: Index, output: int = 0) -> Opening:
        places = self.places(operands, index)
        holds = bool(needed(operands, 0)[places[0]])
        taken = 1 if holds else 2
        return Linear(
            (one(taken, needed(operands, taken), places[taken]),), facts={"condition": float(holds)}
        )
