"""What turns each value into another by itself: the frame for it, functions of arithmetic, changes of number type.

The activations stand in activation.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from pellucid.network.operations.base import (
    Array,
    Formula,
    Index,
    Mask,
    Operands,
    Operation,
    Shape,
    needed,
    number,
)
from pellucid.network.operations.broadcasting import one


class Answer(NamedTuple):
    """A function's result, its text with the number put in, what rounding is measured against (None: the result
    itself), and which side was taken, in words."""

    result: float
    text: str
    scale: float | None = None
    note: str = ""


def wrapped(value: int, dtype: np.dtype[Any]) -> int:
    """A whole number as an integer type keeps it: modulo 2^bits."""
    info = np.iinfo(dtype)
    low, span = int(info.min), int(info.max) - int(info.min) + 1
    return (value - low) % span + low


def kept(value: float, dtype: np.dtype[Any]) -> float:
    """A result as this number type keeps it: integers wrap, floats that are too big are infinite. NumPy's own floats
    aren't rounded: that is for who compares. bfloat16 and smaller ones are, as they keep 3 digits or fewer."""
    if dtype.kind in "iu" and (isinstance(value, int) or math.isfinite(value)):
        return float(wrapped(int(value), dtype))
    if dtype.kind == "f" and abs(value) > float(np.finfo(dtype).max):
        return math.copysign(math.inf, value)
    return float(value) if dtype.kind in "iufb" else float(np.asarray(value).astype(dtype))


@dataclass(frozen=True)
class Pointwise(Operation):
    """y[i] = f(x[i])."""

    def at(self, x: np.float64) -> Answer:
        """f at one number; may divide by zero and overflow as float64 does."""
        raise NotImplementedError

    def kept(self, result: float, dtype: np.dtype[Any]) -> float:
        """The result as the runtime keeps it, for an input of this type."""
        return kept(result, dtype)

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, 0)
        part = one(0, x, index)
        with np.errstate(all="ignore"):
            answer = self.at(part.values[0])
        return Formula(
            (part,),
            result=self.kept(answer.result, x.dtype),
            text=answer.text,
            scale=float(abs(answer.result) if answer.scale is None else answer.scale),
            note=answer.note,
        )

    def reach(self, operands: Operands, mask: Mask, output: int = 0) -> list[Mask | None]:
        return [mask.copy()]

    def spread(self, operands: Operands, number: int, mask: Mask, output: int = 0) -> Mask:
        return mask.copy()

    def result_shape(self, operands: Operands, output: int = 0) -> Shape:
        return needed(operands, 0).shape


# name: f, its text. A runtime's own are within a few roundings of the result, as the input is exact.
_FUNCTIONS: dict[str, tuple[Callable[[np.float64], float], str]] = {
    "abs": (np.abs, "|{x}|"),
    "ceil": (np.ceil, "ceil({x})"),
    "erf": (math.erf, "erf({x})"),
    "exp": (np.exp, "exp({x})"),
    "floor": (np.floor, "floor({x})"),
    "log": (np.log, "log({x})"),
    "neg": (np.negative, "-({x})"),
    "not": (lambda x: float(x == 0), "not {x}"),
    "reciprocal": (np.reciprocal, "1 / {x}"),
    "round": (np.rint, "round({x})"),  # halves to the even neighbour
    "sign": (np.sign, "sign({x})"),
    "sqrt": (np.sqrt, "sqrt({x})"),
}


@dataclass(frozen=True)
class Function(Pointwise):
    """One of the functions above, by its name."""

    name: str

    kind: ClassVar[str] = "function"

    def at(self, x: np.float64) -> Answer:
        function, text = _FUNCTIONS[self.name]
        return Answer(float(function(x)), text.format(x=number(x)))


@dataclass(frozen=True)
class Cast(Pointwise):
    """Each value as another number type: what doesn't fit is rounded; towards zero for whole numbers.

    `limit`, for the 8-bit floats: what is beyond it is brought to it; None, where the type's own rule holds.
    """

    to: np.dtype[Any]
    limit: float | None = None

    kind: ClassVar[str] = "change of number type"

    def at(self, x: np.float64) -> Answer:
        raise NotImplementedError  # needs the input's own type: see open

    def open(self, operands: Operands, index: Index, output: int = 0) -> Formula:
        x = needed(operands, 0)
        result = float(rounded(x[index], self.to, self.limit))
        part = one(0, x, index)
        note = "" if result == part.values[0] or math.isnan(result) else "rounded"
        return Formula(
            (part,),
            result=result,
            text=f"{number(part.values[0])} as {self.to.name}",
            scale=abs(result),
            note=note,
        )


def rounded(value: Any, dtype: np.dtype[Any], limit: float | None = None) -> Array:
    """A number, with its own type, as another type, saturated at +-`limit` if that is given."""
    array = np.asarray(value)
    if limit is not None:
        array = np.clip(array.astype(np.float32), -limit, limit)
    with np.errstate(all="ignore"):
        return array.astype(bool).astype(dtype) if dtype.kind == "b" else array.astype(dtype)
